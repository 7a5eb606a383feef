"""What the Snakefile does with a config before it knows any job, as a step: planned.py CONFIG."""

from pathlib import Path

from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

from egokd.errors import UserError
from egokd.models.nets import find_net
from egokd.planning import models, slices
from egokd.planning.paths import Paths
from paths import REPOSITORY

try:
    from egokd.planning.reading import read_config
except ImportError:  # the harness also measures versions from before that module
    from egokd.config.experiment import Config
    from egokd.config.validation import validate
    from egokd.planning.old_keys import translate
    from egokd.planning.recipes import resolve

    def read_config(config: dict, base: Path) -> tuple:
        today, said = translate(resolve(config, base / "workflow" / "recipes"))
        return validate(Config, today, "config"), said


def main(arguments: list[str]) -> None:
    """Read and check the config, then ask for the settings of every job that trains. UserError if it is refused."""
    try:
        given: dict = {}
        update_config(given, load_configfile(arguments[0]))
    except WorkflowError as error:
        raise UserError(str(error)) from None
    config, _ = read_config(given, REPOSITORY)
    for name, experiment in config.datasets.items():
        paths = Paths(name, experiment)
        paths.annotations()
        slices.cost_settings(experiment)
        slices.adapter_options(experiment)
        for model in models.nets(experiment):
            find_net(models.settings_of(experiment, model).net)
            slices.train_settings(experiment, model)
            slices.view_settings(experiment, model)
