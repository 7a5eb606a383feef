"""A generated world of single actions on a table, in the official layout of Something-Else.

`generate` writes short clips, labels, a compositional split and boxes, so that the same code reads this small world and
the real dataset. It is a demonstration of the method, not data about real videos.
"""

from egokd.datasets.demo_compositional.generate import generate

__all__ = ["generate"]
