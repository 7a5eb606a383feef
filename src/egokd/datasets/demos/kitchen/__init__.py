"""A generated first-person kitchen in the official EPIC-KITCHENS-100 layout: untrimmed videos with sound, annotations
and hand-object detections."""
