"""A generated world of single actions on a table, in the official layout of Something-Else."""
