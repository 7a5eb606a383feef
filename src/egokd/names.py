"""Names of models, as they stand in tables, paths and rules: one grammar, written down once.

`baseline_{teacher}` a teacher and baseline, `omnivore`, `ensemble_{ensemble}`, `student_{student}`.
"""

BASELINE_PREFIX, ENSEMBLE_PREFIX, STUDENT_PREFIX = "baseline_", "ensemble_", "student_"
OMNIVORE = "omnivore"
RGB_BASELINE = "baseline_rgb"  # what every model is compared with


def baseline_of(teacher: str) -> str:
    """The model of a teacher."""
    return BASELINE_PREFIX + teacher


def teacher_of(model: str) -> str | None:
    """The teacher that a model is, by its name in the config; None for other models."""
    return model.removeprefix(BASELINE_PREFIX) if model.startswith(BASELINE_PREFIX) else None


def student_of(model: str) -> str | None:
    """The student that a model is, by its name in the config; None for other models."""
    return model.removeprefix(STUDENT_PREFIX) if model.startswith(STUDENT_PREFIX) else None


def ensemble_of(model: str) -> str | None:
    """The ensemble that a row of the table is, by its name in the config; None for other rows."""
    return model.removeprefix(ENSEMBLE_PREFIX) if model.startswith(ENSEMBLE_PREFIX) else None


def head_place(head: str) -> tuple[int, str]:
    """Sort key of heads where a person reads them: verb, noun, then others by name."""
    known = ("verb", "noun")
    return (known.index(head) if head in known else len(known), head)
