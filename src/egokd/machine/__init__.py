"""Where nets run: CPU or GPU, which GPU, and how many processes."""
