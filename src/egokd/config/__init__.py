"""The configuration: one module per section, and the sentences about what is wrong in it."""
