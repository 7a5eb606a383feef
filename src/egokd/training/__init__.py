"""The one training loop, its state on disk, and what steps hand to it."""
