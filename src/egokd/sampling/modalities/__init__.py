"""What can be seen of a segment: one module per modality, and a table that names them."""
