"""How the reported split is evaluated."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from egokd.config.base import Count, Jobs, Section

Crops = Literal[1, 3]


class SubmissionSettings(Section):
    """What the EPIC-KITCHENS challenge asks about the supervision of a submission, each 0 to 5."""

    sls_pt: Annotated[int, Field(ge=0, le=5)]
    """Pretraining; 2: public images and videos."""
    sls_tl: Annotated[int, Field(ge=0, le=5)]
    """Training labels; 3: classes, start and stop."""
    sls_td: Annotated[int, Field(ge=0, le=5)]
    """Training data; 3: the train split."""


class EvaluationSettings(Section):
    """How the reported split is evaluated."""

    views: Annotated[list[tuple[Count, Crops]], Field(min_length=1)]
    """Settings of test views, each [clips, crops] and a row of the table: clips over time for each segment; 1 crop
    (centre) or 3 (left, centre and right). Figures show the first. A setting that is a part of a larger one (1 clip of
    3 or 9, 2 of 6; 1 crop of 3) is computed from its predictions."""
    heldout_views: tuple[Count, Crops] = (1, 1)
    """[clips, crops] of the held-out predictions that ensemble weights follow from. They are separate from
    the reported views, so that changing those never changes a student."""
    analyses: list[Literal["views", "calibration", "cost", "gains"]] = Field(default_factory=list)
    """Further tables and figures that a default run makes and its page shows; `views` is made by itself where there are
    several settings. Each is a target too: results/tables/{dataset}_cost.csv."""
    ece_bins: Count
    """Equal-width bins of the calibration error."""
    parts: Jobs = 1
    """Jobs per model's predictions; the result does not depend on it."""
    submission: SubmissionSettings | None = None
    """For results/submissions/...: predictions of the unlabelled test split; null without."""

    @model_validator(mode="after")
    def _views_differ(self) -> "EvaluationSettings":
        if len(set(self.views)) < len(self.views):
            raise ValueError(f"views: {[list(view) for view in self.views]} names a setting twice")
        return self

    @property
    def shown_analyses(self) -> list[str]:
        """Those of the default run, each once."""
        several = ["views"] if len(self.views) > 1 else []
        return list(dict.fromkeys([*several, *self.analyses]))
