"""Nets: teachers, the omnivore, students, and published weights."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from egokd.config.base import Finite, GivenPath, Modality, Name, NonNegative, Positive, Section, Seed
from egokd.config.training import TrainSettings


class CheckpointSettings(Section):
    """A published file of weights; converted by name, every tensor accounted for (see docs/models.md)."""

    path: GivenPath
    """The file. It is an input of the workflow: nothing is downloaded."""
    format: Literal["authors", "authors_stlt", "timm", "torchvision", "video_swin"]
    """Whose names of tensors the file uses."""
    sha256: str | None
    """Expected SHA-256 of the file; null to accept any."""
    input_scale: Annotated[list[Finite], Field(min_length=1)] | None = None
    """Per channel, what the file's net expects: ours * scale + shift; null: the same as ours."""
    input_shift: Annotated[list[Finite], Field(min_length=1)] | None = None
    """See `input_scale`."""
    classes: GivenPath | None = None
    """File with the names of the classes in the checkpoint's order, text or JSON (see docs/models.md): compared with
    the dataset's, and the classifiers are put into its order; null: the order is taken to be the dataset's."""


class NetSettings(Section):
    """A net, how it is trained and what it starts from: what teachers, omnivore and students have in common."""

    net: str
    """Name of the architecture, see docs/models.md."""
    options: dict[str, Any]
    """Arguments of the architecture, checked by its builder."""
    train: TrainSettings
    init: CheckpointSettings | None = None
    """Weights whose backbone training starts from; null: as `options` say, or from scratch."""
    gpus: Annotated[int, Field(ge=0, le=10**4)] | None = None
    """GPUs of this training; null: as `compute.gpus` says."""

    @model_validator(mode="after")
    def _backbone_has_no_classes(self) -> "NetSettings":
        if self.init and self.init.classes:
            raise ValueError("init.classes: a training starts from the backbone alone, which has no classes; remove it")
        return self


class TeacherSettings(NetSettings):
    """A net on one modality. The teacher named `rgb` is the RGB baseline as well."""

    modality: Modality | None = None
    """What it sees; null: the modality of the teacher's own name."""
    seed_offset: Seed = 0
    """Added to the seed in this training, to train one kind of teacher several times. Its bank is made on the student's
    views all the same."""
    checkpoint: CheckpointSettings | None = None
    """A finished model with this dataset's heads, taken in place of training."""


class OmnivoreSettings(NetSettings):
    """The baseline of one net trained on all modalities, one drawn for each segment and epoch; boxes as outlines."""

    modalities: Annotated[list[Modality], Field(min_length=1)]
    """What is drawn from. The papers train it three times as long as the RGB baseline."""


class StudentSettings(NetSettings):
    """A net taught by an ensemble: loss = kd_weight * tau^2 KL + ce_weight * CE, mean over heads."""

    ensemble: Name
    """Name of the ensemble that teaches."""
    input: Modality = "rgb"
    """What the student sees; the papers' students see RGB."""
    tau: Positive
    """Temperature of the distillation loss."""
    kd_weight: NonNegative
    """Weight of the distillation loss."""
    ce_weight: NonNegative
    """Weight of the cross-entropy with the labels."""
    start: Name | None = None
    """Teacher whose trained weights, heads included, the student starts from: of the same net, options and modality.
    null: from scratch, or as `init` says, as the papers' students do."""
    checkpoint: CheckpointSettings | None = None
    """A finished model with this dataset's heads, taken in place of training."""

    @model_validator(mode="after")
    def _some_teaching(self) -> "StudentSettings":
        if self.kd_weight == 0:
            raise ValueError("kd_weight must be above 0: without it the student has no teacher and is the baseline")
        if self.start and (self.init or "pretrained" in self.options):
            raise ValueError("start: the student starts from a teacher, so leave out `init` and `options.pretrained`")
        return self
