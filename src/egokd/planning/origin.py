"""Results of different data never share a folder: what is there must come from where the config says.

The step index_segments writes `origin.json` beside the segment table. It is no output of the rule: deleting it is how a
user says that the same data have moved.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from egokd.errors import UserError
from egokd.planning.paths import Paths

NAME = "origin.json"


def check_origins(datasets: Iterable[Paths]) -> None:
    """Raise UserError for a dataset whose results were made from another source or folder than its config names."""
    for paths in datasets:
        file = Path(f"results/data/{paths.name}/{NAME}")
        try:
            made_from = json.loads(file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            continue
        now = {"source": paths.experiment.source, "root": paths.root}
        if made_from["source"] != now["source"] or os.path.abspath(made_from["root"]) != os.path.abspath(now["root"]):
            raise UserError(
                f"results/data/{paths.name} was made from {made_from['source']!r} in {made_from['root']}, but dataset "
                f"{paths.name!r} of the config is {now['source']!r} in {now['root']}: running it would delete those "
                "results. Give one of the two another name under `datasets`, or run in another folder; if the same "
                f"files have moved, delete {file} and call `snakemake --touch` for what is finished (docs/reruns.md)."
            )
