"""Write the conda environment and the container recipe from uv.lock, so that all three have the same versions.

Run it after every change of the lock: python tools/write_envs.py
"""

import argparse
import tomllib
from pathlib import Path

from packaging.markers import Marker

from egokd import runtime
from egokd.io import write_text

PYTHON = "3.11"
PROJECT = "egokd"
TARGET = {
    "python_version": PYTHON,
    "python_full_version": f"{PYTHON}.0",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "os_name": "posix",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "extra": "",
}
HEADER = "# Written by `python tools/write_envs.py` from uv.lock; do not edit."


def pins(lock: dict) -> list[str]:
    """name==version of all that the project needs to run on Linux, without the tools of development."""
    packages: dict[str, list[dict]] = {}
    for package in lock["package"]:
        packages.setdefault(package["name"], []).append(package)
    found: dict[str, str] = {}
    waiting = [{"name": PROJECT}]
    while waiting:
        wanted = waiting.pop()
        if not applies(wanted):
            continue
        # where the lock has several versions of a package, whoever needs it says which
        package = next(p for p in packages[wanted["name"]] if wanted.get("version", p["version"]) == p["version"])
        extras = [
            entry for extra in wanted.get("extra", []) for entry in package["optional-dependencies"].get(extra, [])
        ]
        if package["name"] not in found:
            waiting += package.get("dependencies", [])
        waiting += extras
        found[package["name"]] = package["version"]
    del found[PROJECT]
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def applies(entry: dict) -> bool:
    """Whether a dependency is one on the target platform."""
    return "marker" not in entry or Marker(entry["marker"]).evaluate(TARGET)


def conda(pinned: list[str]) -> str:
    """The environment for `--sdm conda`: Python from conda-forge, packages from PyPI as the lock has them."""
    lines = [f"name: {PROJECT}", "channels:", "  - conda-forge", "  - nodefaults", "dependencies:"]
    lines += [f"  - python={PYTHON}", "  - pip", "  - pip:", *(f"      - {pin}" for pin in pinned)]
    return "\n".join([HEADER, *lines]) + "\n"


def container(pinned: list[str]) -> str:
    """The recipe for `--sdm apptainer`. CUDA's libraries come with PyTorch; the driver comes from the host (--nv)."""
    install = " \\\n        ".join(pinned)
    return f"""{HEADER}
# Build: apptainer build envs/egokd.sif envs/egokd.def
Bootstrap: docker
From: python:{PYTHON}-slim-bookworm

%post
    apt-get update
    apt-get install -y --no-install-recommends bash procps
    rm -rf /var/lib/apt/lists/*
    pip install --no-cache-dir --no-deps \\
        {install}

%test
    python -c "import torch, decord, av, cv2, timm, snakemake; print(torch.__version__)"

%labels
    Description What the jobs of {PROJECT} need; the code itself is read from the working directory
"""


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lock", type=Path, default=Path("uv.lock"))
    parser.add_argument("--out", type=Path, default=Path("envs"), help="folder for egokd.yaml and egokd.def")
    args = parser.parse_args(argv)
    runtime.start("write_envs", 1)
    pinned = pins(tomllib.loads(args.lock.read_text()))
    write_text(args.out / f"{PROJECT}.yaml", conda(pinned))
    write_text(args.out / f"{PROJECT}.def", container(pinned))
    runtime.log.info("%d packages", len(pinned))


if __name__ == "__main__":
    runtime.run(main)
