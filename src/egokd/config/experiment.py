"""The experiment's configuration: typed, described and closed. The modules of this package are its single source.

`config.yaml` holds the values, `workflow/schemas/config.schema.json` is generated from here (`python
tools/write_schema.py`), and a test keeps all three in step. Nothing is filled in silently: every key without a default
must stand in the file, and an unknown key is an error that names the nearest valid one.

One entry of `datasets` is one experiment: a dataset with everything that is trained and reported on it. Rules hand each
step exactly the part it uses, never the whole; a step imports the sections it reads and no other.
"""

import json
from typing import Annotated, Self

from pydantic import Field, model_validator

from egokd.config.base import Line, Name, Section, Seed
from egokd.config.compute import BankSettings, ComputeSettings
from egokd.config.data import DataSettings
from egokd.config.ensembles import EnsembleSettings
from egokd.config.evaluation import EvaluationSettings
from egokd.config.inputs import InputSettings, lacking
from egokd.config.media import MediaSettings
from egokd.config.models import NetSettings, OmnivoreSettings, StudentSettings, TeacherSettings
from egokd.config.views import ViewSettings
from egokd.errors import nearest_name
from egokd.modalities import MODALITIES


class Experiment(Section):
    """One dataset and all that is trained and reported on it."""

    source: Line
    """Printed in every table: `demo` or the real dataset's name."""
    data: DataSettings
    media: MediaSettings
    views: ViewSettings
    inputs: InputSettings
    teachers: dict[Name, TeacherSettings]
    """Named teachers; the key completes `baseline_...`. The one named `rgb` is the baseline of every comparison."""
    omnivore: OmnivoreSettings | None
    """The omnivore baseline; null to leave it out."""
    bank: BankSettings
    ensembles: dict[Name, EnsembleSettings]
    """Named ensembles; the key completes `ensemble_...`."""
    students: dict[Name, StudentSettings]
    """Named students; the key completes `student_...`."""
    evaluation: EvaluationSettings
    compute: ComputeSettings

    @property
    def modalities(self) -> list[str]:
        """What is read: modalities of the teachers, in their fixed order."""
        seen = {self.modality_of(name) for name in self.teachers}
        return [modality for modality in MODALITIES if modality in seen]

    def modality_of(self, teacher: str) -> str:
        """The modality that a teacher sees."""
        return self.teachers[teacher].modality or teacher

    @model_validator(mode="after")
    def _teachers_see_something(self) -> Self:
        for name, teacher in self.teachers.items():
            if teacher.modality is None and name not in MODALITIES:
                raise ValueError(
                    f"teachers.{name}.modality: this key is missing, and {name!r} is no modality: say what this "
                    f"teacher sees{nearest_name(name, MODALITIES)}"
                )
        if "rgb" not in self.teachers or self.modality_of("rgb") != "rgb":
            raise ValueError("teachers: 'rgb' is missing; it is the baseline that the student is compared with")
        if self.media.flow.source == "official" and not self.data.format.startswith("epic"):
            raise ValueError(f"media.flow.source: the format {self.data.format} has no official flow; use computed")
        if self.data.format == "folder" and "obj" in self.modalities:
            raise ValueError("teachers.obj: own videos come without boxes; leave this teacher out")
        for modality in self.modalities:
            if lacking(self.inputs, modality):
                raise ValueError(f"inputs.{modality}: this key is missing, and a teacher sees {modality}")
        return self

    @model_validator(mode="after")
    def _every_gpu_has_a_segment(self) -> Self:
        nets: dict[str, NetSettings] = {f"teachers.{name}": teacher for name, teacher in self.teachers.items()}
        nets |= {f"students.{name}": student for name, student in self.students.items()}
        nets |= {"omnivore": self.omnivore} if self.omnivore else {}
        for name, net in nets.items():
            gpus = self.compute.gpus if net.gpus is None else net.gpus
            if net.train.batch_size < gpus:
                raise ValueError(
                    f"{name}.train.batch_size: {net.train.batch_size} segments are too few for {gpus} GPUs; "
                    "raise it, or set `gpus` of this net to less"
                )
        return self

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        for name, ensemble in self.ensembles.items():
            for teacher in ensemble.teachers:
                if teacher not in self.teachers:
                    raise ValueError(
                        f"ensembles.{name}.teachers: no teacher {teacher!r}{nearest_name(teacher, self.teachers)}"
                    )
            if len(set(ensemble.teachers)) < len(ensemble.teachers):
                raise ValueError(f"ensembles.{name}.teachers: a teacher is named twice")
        for name, student in self.students.items():
            if student.ensemble not in self.ensembles:
                raise ValueError(
                    f"students.{name}.ensemble: no ensemble {student.ensemble!r}"
                    f"{nearest_name(student.ensemble, self.ensembles)}"
                )
            if student.input not in self.modalities:
                raise ValueError(
                    f"students.{name}.input: {student.input!r} is not a modality of this experiment: no teacher sees it"
                )
            if student.start and student.start not in self.teachers:
                raise ValueError(
                    f"students.{name}.start: no teacher {student.start!r}{nearest_name(student.start, self.teachers)}"
                )
        for modality in self.omnivore.modalities if self.omnivore else []:
            if modality not in self.modalities:
                raise ValueError(f"omnivore.modalities: {modality!r} is not a modality of this experiment")
        return self


class Config(Section):
    """The whole of config.yaml."""

    seeds: Annotated[list[Seed], Field(min_length=1)]
    """Training seeds; tables give mean and spread over them."""
    datasets: Annotated[dict[Name, Experiment], Field(min_length=1)]
    """Experiments by name; `results/tables/{name}.csv` is the table of one."""

    @model_validator(mode="after")
    def _seeds_differ(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: {self.seeds} names a seed twice")
        return self


def schema_text() -> str:
    """The JSON schema of `config.yaml`, as stored under workflow/schemas."""

    def on_one_line(node: object) -> object:
        if isinstance(node, dict):
            return {
                key: " ".join(value.split()) if key == "description" and isinstance(value, str) else on_one_line(value)
                for key, value in node.items()
            }
        return [on_one_line(item) for item in node] if isinstance(node, list) else node

    return json.dumps(on_one_line(Config.model_json_schema()), indent=2) + "\n"
