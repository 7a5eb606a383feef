"""What the Snakefile asks: paths, slices of the config, resources, recipes, which code a job runs. Free of torch."""
