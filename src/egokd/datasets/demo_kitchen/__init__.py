"""A generated first-person kitchen in the official EPIC-KITCHENS-100 layout.

`generate` writes untrimmed videos with sound, annotation tables and hand-object detections, so that the
same code reads this small world and the real dataset. It is a demonstration of the method, not data about
real kitchens.
"""

from egokd.datasets.demo_kitchen.generate import generate

__all__ = ["generate"]
