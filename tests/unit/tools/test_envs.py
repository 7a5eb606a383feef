"""The conda environment and the container recipe say what the lock says."""

import tomllib
from importlib.metadata import version

import yaml

from paths import REPOSITORY
from write_envs import conda, container, pins

LOCK = tomllib.loads((REPOSITORY / "uv.lock").read_text())


def test_written_files_are_up_to_date():
    advice = "run python tools/write_envs.py"
    assert (REPOSITORY / "envs/egokd.yaml").read_text() == conda(pins(LOCK)), advice
    assert (REPOSITORY / "envs/egokd.def").read_text() == container(pins(LOCK)), advice


def test_versions_are_those_installed_here():
    environment = yaml.safe_load(conda(pins(LOCK)))
    python, pip, packages = environment["dependencies"]
    assert python.startswith("python=3.") and pip == "pip"
    for name in ("torch", "torchvision", "snakemake", "snakemake-executor-plugin-slurm", "av", "triton"):
        assert f"{name}=={version(name)}" in packages["pip"]
    assert not {"pytest", "ruff", "egokd"} & {pin.split("==")[0] for pin in packages["pip"]}


def test_direct_dependencies_are_all_there():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    names = {requirement.replace("=", "<").replace(">", "<").split("<")[0] for requirement in project["dependencies"]}
    assert names <= {pin.split("==")[0] for pin in pins(LOCK)}


def test_one_version_of_each_package():
    names = [pin.split("==")[0] for pin in pins(LOCK)]
    assert len(names) == len(set(names))
