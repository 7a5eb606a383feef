"""Where the data are and how a dataset is cut."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from egokd.config.base import AnySeed, GivenPath, InnerPath, Jobs, Name, Positive, Section, Share
from egokd.config.demo_compositional import CompositionalSettings
from egokd.config.demo_kitchen import DemoSettings

# columns that every segment table has beside its heads
RESERVED_HEADS = frozenset(
    [
        "segment_id",
        "video_id",
        "group",
        "start_frame",
        "stop_frame",
        "fps",
        "start_s",
        "stop_s",
        "split",
        "fold",
        "unseen",
        "aspect",
        "shard",
        "file",
        "start",
        "stop",
        "all",
        "segments",
        *("available", "checksums"),  # beside the heads in files of logits
    ]
)


class FolderSettings(Section):
    """Own videos listed in a CSV (see docs/datasets.md)."""

    annotations: InnerPath
    """Name of the CSV in `root`: file, start, stop, split, group, and the heads."""
    heads: Annotated[list[Name], Field(min_length=1)]
    """Columns of the CSV that hold classes."""
    val_share: Annotated[float, Field(gt=0, le=0.5)]
    """Share of the segments for validation where the CSV has no column `split`."""
    split_seed: AnySeed
    """Seed of that choice."""

    @model_validator(mode="after")
    def _heads_have_free_names(self) -> "FolderSettings":
        taken = [head for head in self.heads if head in RESERVED_HEADS or head.startswith(("tail_", "unseen_"))]
        if taken:
            raise ValueError(f"heads: {taken[0]!r} is a column of the segment table; give the head another name")
        if "action" in self.heads and len(self.heads) > 1:
            raise ValueError(
                "heads: 'action' is the joint class of all heads; call this one otherwise, or give it alone"
            )
        if len(set(self.heads)) < len(self.heads):
            raise ValueError("heads: a head is named twice")
        return self


class EpicSettings(Section):
    """Which files of EPIC-KITCHENS-100 are read, and the split of clips without official validation segments."""

    layout: Literal["videos", "clips"] | None = None
    """videos (also in pieces, or as frames) or clips, one file per segment; null: videos where there are any."""
    val_participants: Annotated[list[str], Field(min_length=1)] | None = None
    """Participants for validation; null: chosen by `val_share` and `split_seed`."""
    val_share: Annotated[float, Field(gt=0, le=0.5)] = 0.15
    """Share of the segments for validation, at most, in whole participants."""
    split_seed: int = 0
    """Seed of that choice."""


class DataSettings(Section):
    """Where the official files are and how the dataset is cut."""

    format: Literal["epic100", "epic55", "something_something", "something_else", "folder"]
    """Layout of the files under `root`; one adapter per layout."""
    root: GivenPath | None
    """Folder with the official files; null for a demo (results/demo/{dataset})."""
    demo: DemoSettings | None
    """Generate the demo kitchen (epic100); null for other data."""
    compositional_demo: CompositionalSettings | None = None
    """Generate the compositional demo (something_else); null for other data."""
    folder: FolderSettings | None = None
    """What the format `folder` reads; null for the other formats."""
    epic: EpicSettings | None = None
    """For the format `epic100`: which files are read, and a split of clips; null: as the keys' defaults."""
    frames_fps: Positive | None = None
    """Frames per second at which files of frames in place of videos were extracted; null: as the dataset's official
    frames. Own videos that are folders of frames need it."""
    shards: Jobs
    """Jobs per data preparation step; videos are dealt by a hash of their id."""
    video_hours: Positive = 100.0
    """Hours of video, roughly: time limits of data jobs follow from it. Not for demos."""
    heldout_share: Annotated[float, Field(gt=0, le=0.5)]
    """Share of the train split kept out of all training, used only to choose ensemble weights."""
    heldout_seed: AnySeed
    """Seed of the choice of held-out segments."""
    heldout_unit: Literal["segment", "video", "group"] = "segment"
    """What is held out as a whole. With video or group (participant), no model is trained on other parts of what the
    ensemble weights are chosen on."""
    max_skipped_share: Share
    """The run stops when more than this share of the train or of the val segments cannot be read; fewer are skipped."""

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
        if self.epic and self.format != "epic100":
            raise ValueError("give the section `epic` with the format epic100, and with no other")
        return self
