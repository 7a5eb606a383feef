"""`egokd import`: published weights as a model of this project."""

import typer

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def import_weights(context: typer.Context) -> None:
    """Turn published weights into a model file ; MODEL_ZOO.md lists what there is."""
    from egokd.steps import import_weights as step

    step.main(context.args)
