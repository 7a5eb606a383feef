"""Banked logits, ensembles of teachers, and the losses that a student is trained with."""
