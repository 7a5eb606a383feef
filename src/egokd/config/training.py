"""The section of one run of the training loop."""

from egokd.config.base import Count, NonNegative, Positive, Section, Share


class TrainSettings(Section):
    """One run of the training loop."""

    epochs: Count
    """Passes over the training segments, each with new views."""
    warmup_epochs: NonNegative
    """Epochs of linear warm-up; linear decay to zero after them."""
    batch_size: Count
    """Segments per step, over all GPUs."""
    lr: Positive
    """Peak learning rate of AdamW."""
    weight_decay: NonNegative
    """Weight decay of AdamW."""
    clip_norm: Positive
    """Gradients are scaled down to this norm."""
    label_smoothing: Share
    """Share of the label spread over all classes in the cross-entropy."""
