"""egokd: multimodal distillation for egocentric action recognition, and its trained models.

`egokd.load("results/models/epic/student_heldout/seed0").predict("clip.mp4")` asks a trained model about a video.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from egokd.portable.student import Student


def load(*folders: Any, **options: Any) -> "Student":
    """A trained model, or several seeds of one, from their folders: see `egokd.portable.student.load`."""
    # by name: every step imports this package, and would otherwise count all of that as its code
    student: Student = import_module("egokd.portable.student").load(*folders, **options)
    return student
