"""A trained model outside of the workflow: what must travel with its weights, and running, exporting, publishing it."""
