"""The experiment's configuration: typed, described and closed. This file is its single source.

`config.yaml` holds the values, `workflow/schemas/config.schema.json` is generated from here
(`python tools/write_schema.py`), and a test keeps all three in step. Nothing is filled in silently: every key
without a default here must stand in the file, and an unknown key is an error that names the nearest valid one.

One entry of `datasets` is one experiment: a dataset with everything that is trained and reported on it. Rules hand each
step exactly the part it uses (`Settings` classes at the end of the sections), never the whole.
"""

import json
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from egokd.errors import nearest_name

Modality = Literal["rgb", "flow", "audio", "obj"]
MODALITIES: tuple[str, ...] = get_args(Modality)
Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Section(BaseModel):
    """A closed group of keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


# --- data ---------------------------------------------------------------------------------------------------------


class DemoSettings(Section):
    """The generated kitchen that stands in for a real dataset (see docs/datasets.md)."""

    seed: int = Field(description="Seed of the world: kitchens, objects, videos, sounds, annotations.")
    train_kitchens: Count = Field(description="Participants in the training videos, each with an own kitchen.")
    val_only_kitchens: Count = Field(description="Participants that appear in validation only.")
    train_segments: Count = Field(description="Annotated segments in the training videos.")
    val_segments: Count = Field(description="Annotated segments in the validation videos, half of unseen participants.")
    frame_rate: Positive = Field(description="Frames per second of the rendered videos.")
    short_side: Annotated[int, Field(ge=48)] = Field(description="Height of the rendered videos in pixels.")
    label_noise: Share = Field(description="Share of training segments whose label is wrong.")
    habits: Share = Field(
        description="Share of segments that happen at a place of the kitchen that goes with their verb; "
        "participants seen in validation only have no such habits."
    )
    silent_share: Share = Field(description="Share of videos without a sound track.")
    missed_box_share: Share = Field(description="Share of detections left out, as a detector would.")


class CompositionalSettings(Section):
    """The generated table top in the layout of Something-Else (see docs/datasets.md)."""

    seed: int = Field(description="Seed of the world: objects, persons, clips, boxes, labels.")
    train_clips: Count = Field(description="Clips in the training split.")
    val_clips: Count = Field(description="Clips in the validation split; none of their objects occurs in training.")
    short_side: Annotated[int, Field(ge=48)] = Field(description="Height of the rendered clips in pixels.")
    correlation: Annotated[float, Field(ge=0, le=1)] = Field(
        description="Share of training clips that show one of their action's favourite objects; none in validation."
    )
    label_noise: Share = Field(description="Share of training clips whose label is wrong.")
    unannotated_share: Share = Field(description="Share of clips without boxes.")


class FolderSettings(Section):
    """Own videos listed in a CSV (see docs/datasets.md)."""

    annotations: str = Field(description="Name of the CSV in `root`: file, start, stop, split, group, and the heads.")
    heads: Annotated[list[Name], Field(min_length=1)] = Field(description="Columns of the CSV that hold classes.")
    val_share: Annotated[float, Field(gt=0, le=0.5)] = Field(
        description="Share of the segments for validation where the CSV has no column `split`."
    )
    split_seed: int = Field(description="Seed of that choice.")


class DataSettings(Section):
    """Where the official files are and how the dataset is cut."""

    format: Literal["epic100", "epic55", "something_something", "something_else", "folder"] = Field(
        description="Layout of the files under `root`; one adapter per layout."
    )
    root: str | None = Field(description="Folder with the official files; null for a demo (results/demo/{dataset}).")
    demo: DemoSettings | None = Field(description="Generate the demo kitchen (epic100); null for other data.")
    compositional_demo: CompositionalSettings | None = Field(
        default=None, description="Generate the compositional demo (something_else); null for other data."
    )
    folder: FolderSettings | None = Field(
        default=None, description="What the format `folder` reads; null for the other formats."
    )
    shards: Count = Field(description="Jobs per data preparation step; videos are dealt by a hash of their id.")
    video_hours: Positive = Field(
        default=100.0, description="Hours of video, roughly: time limits of data jobs follow from it. Not for demos."
    )
    heldout_share: Annotated[float, Field(gt=0, le=0.5)] = Field(
        description="Share of the train split kept out of all training, used only to choose ensemble weights."
    )
    heldout_seed: int = Field(description="Seed of the choice of held-out segments.")
    max_skipped_share: Share = Field(
        description="The run stops when more than this share of the segments cannot be read; fewer are skipped."
    )

    @property
    def generated(self) -> bool:
        """Whether the data are rendered here, under results/demo, in place of official files."""
        return self.demo is not None or self.compositional_demo is not None

    @model_validator(mode="after")
    def _root_or_demo(self) -> "DataSettings":
        if self.demo and self.compositional_demo:
            raise ValueError("give `demo` or `compositional_demo`, and null for the other")
        if (self.root is None) == (not self.generated):
            raise ValueError("give either `root` (real data) or `demo` (generated data), and null for the other")
        if self.compositional_demo and self.format != "something_else":
            raise ValueError(f"compositional_demo: it has the format something_else, not {self.format}")
        if (self.folder is not None) != (self.format == "folder"):
            raise ValueError("give the section `folder` with the format folder, and with no other")
        return self


class FlowMediaSettings(Section):
    """Optical flow: computed with OpenCV DIS, or the published one (EPIC-KITCHENS)."""

    source: Literal["computed", "official"] = Field(description="official: flow_frames, brought to the stored frames.")
    preset: Literal["ultrafast", "fast", "medium"] = Field(description="Quality preset of DIS.")
    bound: Positive = Field(description="Displacement, in pixels per frame step, stored as the 8-bit extremes.")


class AudioMediaSettings(Section):
    """Waveforms cut from the videos' sound."""

    sample_rate: Count = Field(description="Samples per second after resampling.")
    margin_s: NonNegative = Field(description="Seconds of sound kept before and after each segment.")


class MediaSettings(Section):
    """What is extracted from the videos, once."""

    reader: Literal["decord", "pyav"] = Field(
        description="Preferred decoder. decord is used only for files it is known to read right, PyAV for all others."
    )
    frame_rate: Positive = Field(description="Frames per second that are stored, whatever the videos' own rate.")
    short_side: Annotated[int, Field(ge=32)] = Field(description="Shorter side of stored frames in pixels.")
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = Field(description="JPEG quality of stored frames.")
    flow: FlowMediaSettings
    audio: AudioMediaSettings


# --- views and inputs ----------------------------------------------------------------------------------------------


class ViewSettings(Section):
    """The distribution of training views: time sampling, crop, photometric changes. The same for every modality."""

    num_frames: Count = Field(description="Frames per clip.")
    sampling: Literal["uniform", "dense"] = Field(
        description="uniform: one frame from each of `num_frames` equal parts; dense: a run with a fixed stride."
    )
    stride_s: Positive = Field(description="Seconds between frames of a dense run.")
    scale: tuple[Positive, Positive] = Field(description="Range of the square crop's side, as share of the short side.")
    brightness: NonNegative = Field(description="Largest relative change of brightness.")
    contrast: NonNegative = Field(description="Largest relative change of contrast.")
    saturation: NonNegative = Field(description="Largest relative change of saturation.")
    hue: Annotated[float, Field(ge=0, le=0.5)] = Field(description="Largest turn of the hue circle, 1 = full turn.")
    span: tuple[Positive, Positive] = Field(
        default=(1.0, 1.0),
        description="Range of the share of the segment that a uniform training view spans; test views span all of it.",
    )

    @model_validator(mode="after")
    def _ranges_are_ranges(self) -> "ViewSettings":
        for key in ("scale", "span"):
            low, high = getattr(self, key)
            if not low <= high <= 1:
                raise ValueError(f"{key} must be [low, high] with low <= high <= 1, got [{low}, {high}]")
        return self


class AudioInputSettings(Section):
    """Log-mel spectrogram windows, one centred on each sampled frame."""

    window_s: Positive = Field(description="Seconds of sound per window.")
    n_fft: Count = Field(description="FFT length in samples.")
    win_length: Count = Field(description="Length of the analysis window in samples.")
    hop_length: Count = Field(description="Samples between columns of the spectrogram.")
    n_mels: Count = Field(description="Mel bands.")
    mean: float = Field(description="Subtracted from the level in dB.")
    std: Positive = Field(description="Divides the level in dB.")
    time_mask: Annotated[int, Field(ge=0)] = Field(description="Widest masked run of columns in training; 0 for none.")
    freq_mask: Annotated[int, Field(ge=0)] = Field(description="Widest masked run of bands in training; 0 for none.")


class InputSettings(Section):
    """From the stores to the nets' inputs."""

    size: Annotated[int, Field(ge=16)] = Field(description="Side of the square input in pixels.")
    flow_scale: Positive = Field(description="Flow in input pixels per frame step that becomes 1.0.")
    audio: AudioInputSettings
    max_boxes: Count = Field(description="Boxes per frame; the highest scores are kept.")


# --- models and training ----------------------------------------------------------------------------------------------


class TrainSettings(Section):
    """One run of the training loop."""

    epochs: Count = Field(description="Passes over the training segments, each with new views.")
    warmup_epochs: NonNegative = Field(description="Epochs of linear warm-up; linear decay to zero after them.")
    batch_size: Count = Field(description="Segments per step, over all GPUs.")
    lr: Positive = Field(description="Peak learning rate of AdamW.")
    weight_decay: NonNegative = Field(description="Weight decay of AdamW.")
    clip_norm: Positive = Field(description="Gradients are scaled down to this norm.")
    label_smoothing: Share = Field(description="Share of the label spread over all classes in the cross-entropy.")


class CheckpointSettings(Section):
    """A published file of weights; converted by name, every tensor accounted for (see docs/models.md)."""

    path: str = Field(description="The file. It is an input of the workflow: nothing is downloaded.")
    format: Literal["authors", "authors_stlt", "timm", "torchvision", "video_swin"] = Field(
        description="Whose names of tensors the file uses."
    )
    sha256: str | None = Field(description="Expected SHA-256 of the file; null to accept any.")


class ModelSettings(Section):
    """A net and how it is trained."""

    net: str = Field(description="Name of the architecture, see docs/models.md.")
    options: dict[str, Any] = Field(description="Arguments of the architecture, checked by its builder.")
    train: TrainSettings
    checkpoint: CheckpointSettings | None = Field(
        default=None, description="A finished model with this dataset's heads, taken in place of training."
    )
    init: CheckpointSettings | None = Field(
        default=None,
        description="Weights whose backbone training starts from; null: as `options` say, or from scratch.",
    )
    gpus: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="GPUs of this training; null: as `compute.gpus` says."
    )


class OmnivoreSettings(Section):
    """The baseline of one net trained on all modalities, one drawn for each segment and epoch."""

    net: str = Field(description="Name of the architecture; takes pixels.")
    options: dict[str, Any] = Field(description="Arguments of the architecture.")
    modalities: list[Modality] = Field(description="What is drawn from; boxes are drawn as outlines on white.")
    train: TrainSettings = Field(description="Three times the epochs of the RGB baseline in the papers.")
    init: CheckpointSettings | None = Field(
        default=None,
        description="Weights whose backbone training starts from; null: as `options` say, or from scratch.",
    )
    gpus: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="GPUs of this training; null: as `compute.gpus` says."
    )


class EnsembleSettings(Section):
    """A weighted teacher ensemble: z_h = sum over m of w_mh z_mh."""

    modalities: Annotated[list[Modality], Field(min_length=1)] = Field(description="Teachers that take part.")
    scheme: Literal["uniform", "heldout", "per_sample", "fitted"] = Field(
        description="uniform: equal weights; heldout: softmin of held-out cross-entropy / weights_temperature; "
        "per_sample: the same on each training sample's own loss; fitted: weights that minimise the held-out NLL."
    )
    weights_temperature: Positive = Field(description="Small: the best teacher alone; large: uniform.")
    combine: Literal["logits", "probabilities"] = Field(description="What is averaged. The papers average logits.")
    calibrate: bool = Field(
        default=False,
        description="Also choose a factor per head on the combined logits that minimises the held-out NLL (ours).",
    )
    noisy_labels: bool = Field(
        default=False,
        description="Calibrate with a share of random labels beside the factor: for data known to have wrong labels.",
    )

    @model_validator(mode="after")
    def _noise_is_reckoned_with_in_calibration(self) -> "EnsembleSettings":
        if self.noisy_labels and not self.calibrate:
            raise ValueError("noisy_labels needs `calibrate: true`: it is a part of the calibration")
        return self


class StudentSettings(Section):
    """An RGB net taught by an ensemble: loss = kd_weight * tau^2 KL + ce_weight * CE, mean over heads."""

    ensemble: Name = Field(description="Name of the ensemble that teaches.")
    net: str = Field(description="Name of the architecture; the papers take the RGB baseline's.")
    options: dict[str, Any] = Field(description="Arguments of the architecture.")
    tau: Positive = Field(description="Temperature of the distillation loss.")
    kd_weight: NonNegative = Field(description="Weight of the distillation loss.")
    ce_weight: NonNegative = Field(description="Weight of the cross-entropy with the labels.")
    train: TrainSettings
    checkpoint: CheckpointSettings | None = Field(
        default=None, description="A finished model with this dataset's heads, taken in place of training."
    )
    init: CheckpointSettings | None = Field(
        default=None,
        description="Weights whose backbone training starts from; null: as `options` say, or from scratch.",
    )
    gpus: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="GPUs of this training; null: as `compute.gpus` says."
    )

    @model_validator(mode="after")
    def _some_loss(self) -> "StudentSettings":
        if self.kd_weight == 0:
            raise ValueError("kd_weight must be above 0: without it the student has no teacher and is the baseline")
        return self


class BankSettings(Section):
    """Teacher logits on training views, written once."""

    views_per_segment: Count | None = Field(
        description="Distinct training views per segment, used by teachers and students alike; null: one per epoch."
    )
    parts: Count = Field(description="Jobs per teacher's bank; the result does not depend on it.")


class SubmissionSettings(Section):
    """What the EPIC-KITCHENS challenge asks about the supervision of a submission, each 0 to 5."""

    sls_pt: Annotated[int, Field(ge=0, le=5)] = Field(description="Pretraining; 2: public images and videos.")
    sls_tl: Annotated[int, Field(ge=0, le=5)] = Field(description="Training labels; 3: classes, start and stop.")
    sls_td: Annotated[int, Field(ge=0, le=5)] = Field(description="Training data; 3: the train split.")


class EvaluationSettings(Section):
    """How the reported split is evaluated."""

    clips: Count = Field(description="Temporal views per segment.")
    crops: Literal[1, 3] = Field(description="Spatial views per clip: centre, or left, centre and right.")
    ece_bins: Count = Field(description="Equal-width bins of the calibration error.")
    parts: Count = Field(default=1, description="Jobs per model's predictions; the result does not depend on it.")
    submission: SubmissionSettings | None = Field(
        default=None, description="For results/submissions/...: predictions of the unlabelled test split; null without."
    )


class ComputeSettings(Section):
    """What jobs ask the scheduler for; `egokd.planning.resources` works out the rest from the sizes in this config."""

    gpus: Annotated[int, Field(ge=0)] = Field(
        description="GPUs of each training; banks and predictions take one. A job that asks for one and finds none "
        "runs on the CPU and says so; one that asks for several and finds fewer stops."
    )
    threads: Count = Field(description="CPU threads for each GPU (or for the job); those beyond the first load data.")
    mem_mb: Count = Field(description="Least memory of a training, bank or prediction job in MB, for each GPU.")
    runtime_min: Count = Field(description="Time limit in minutes; a job that runs into it resumes on its retry.")
    compile: bool = Field(
        default=False, description="torch.compile the nets in training; results/cache keeps the code."
    )


class Experiment(Section):
    """One dataset and all that is trained and reported on it."""

    source: str = Field(description="Printed in every table: `demo` or the real dataset's name.")
    data: DataSettings
    media: MediaSettings
    views: ViewSettings
    inputs: InputSettings
    teachers: dict[Modality, ModelSettings] = Field(
        description="One net per modality. The RGB teacher is also the RGB baseline."
    )
    omnivore: OmnivoreSettings | None = Field(description="The omnivore baseline; null to leave it out.")
    bank: BankSettings
    ensembles: dict[Name, EnsembleSettings] = Field(description="Named ensembles; the key completes `ensemble_...`.")
    students: dict[Name, StudentSettings] = Field(description="Named students; the key completes `student_...`.")
    evaluation: EvaluationSettings
    compute: ComputeSettings

    @model_validator(mode="after")
    def _names_fit(self) -> "Experiment":
        if self.media.flow.source == "official" and not self.data.format.startswith("epic"):
            raise ValueError(f"media.flow.source: the format {self.data.format} has no official flow; use computed")
        if self.data.format == "folder" and "obj" in self.teachers:
            raise ValueError("teachers.obj: own videos come without boxes; leave this teacher out")
        if "rgb" not in self.teachers:
            raise ValueError("teachers: 'rgb' is missing; it is the baseline that the student is compared with")
        for name, ensemble in self.ensembles.items():
            for modality in ensemble.modalities:
                if modality not in self.teachers:
                    raise ValueError(
                        f"ensembles.{name}.modalities: {modality!r} has no teacher"
                        f"{nearest_name(modality, self.teachers)}"
                    )
            if len(set(ensemble.modalities)) < len(ensemble.modalities):
                raise ValueError(f"ensembles.{name}.modalities: a modality is named twice")
        for name, student in self.students.items():
            if student.ensemble not in self.ensembles:
                raise ValueError(
                    f"students.{name}.ensemble: no ensemble {student.ensemble!r}"
                    f"{nearest_name(student.ensemble, self.ensembles)}"
                )
        for modality in self.omnivore.modalities if self.omnivore else []:
            if modality not in self.teachers:
                raise ValueError(f"omnivore.modalities: {modality!r} is not a modality of this experiment")
        return self


class Config(Section):
    """The whole of config.yaml."""

    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = Field(
        description="Training seeds; tables give mean and spread over them."
    )
    datasets: Annotated[dict[Name, Experiment], Field(min_length=1)] = Field(
        description="Experiments by name; `results/tables/{name}.csv` is the table of one."
    )

    @model_validator(mode="after")
    def _seeds_differ(self) -> "Config":
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: {self.seeds} names a seed twice")
        return self


def schema_text() -> str:
    """The JSON schema of `config.yaml`, as stored under workflow/schemas."""
    return json.dumps(Config.model_json_schema(), indent=2) + "\n"
