"""From segments to batches: views as pure functions, and how each modality is read."""
