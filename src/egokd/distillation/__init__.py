"""Banked logits, ensembles of teachers, and the losses a student learns from."""
