"""Nets: tensors in, one vector of logits per head out."""
