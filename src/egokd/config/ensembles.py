"""The section of an ensemble of teachers."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from egokd.config.base import Name, Positive, Section


class EnsembleSettings(Section):
    """A weighted teacher ensemble: z_h = sum over teachers m of w_mh z_mh."""

    teachers: Annotated[list[Name], Field(min_length=1)]
    """Teachers that take part."""
    scheme: Literal["uniform", "heldout", "per_sample", "fitted"]
    """uniform: equal weights; heldout: softmin of held-out cross-entropy / weights_temperature; per_sample: the same on
    each training sample's own loss; fitted: weights that minimise the held-out NLL."""
    weights_temperature: Positive
    """Small: the best teacher alone; large: uniform."""
    combine: Literal["logits", "probabilities"]
    """What is averaged. The papers average logits."""
    calibrate: bool = False
    """Also choose a factor per head on the combined logits that minimises the held-out NLL (ours)."""
    noisy_labels: bool = False
    """Calibrate with a share of random labels beside the factor: for data known to have wrong labels."""

    @model_validator(mode="after")
    def _noisy_labels_need_calibration(self) -> "EnsembleSettings":
        if self.noisy_labels and not self.calibrate:
            raise ValueError("noisy_labels needs `calibrate: true`: it is a part of the calibration")
        return self
