"""Multimodal knowledge distillation for egocentric action recognition."""
