"""What a run would do again although it is finished: said before anything is deleted."""

import os
from collections.abc import Iterable
from typing import Any


def repeated_trainings(jobs: Iterable[Any]) -> str | None:
    """One sentence about the finished trainings among planned `jobs` (Snakemake's); None where there are none."""
    found = [
        job.rule.name
        for job in jobs
        if job.rule.name.startswith("train_") and all(os.path.exists(path) for path in job.output)
    ]
    if not found:
        return None
    return (
        f"This run repeats {len(found)} finished training(s) ({', '.join(sorted(set(found)))}), because their inputs, "
        "settings or code have changed; press Ctrl-C now to keep them (docs/reruns.md says how)."
    )
