"""Reading videos, sound and detections, and the stores in which the workflow keeps what it extracted."""
