"""What jobs ask for, and how much of the bank is made."""

from typing import Annotated

from pydantic import Field

from egokd.config.base import Count, Jobs, Section


class BankSettings(Section):
    """Teacher logits on training views, written once."""

    views_per_segment: Count | None
    """Distinct training views per segment, used by teachers and students alike; null: one per epoch."""
    parts: Jobs
    """Jobs per block of a teacher's bank; the result does not depend on it, and finished banks stay."""
    block: Count = 20
    """Views per file and job: a longer student adds blocks, and a killed job repeats one."""


class ComputeSettings(Section):
    """What jobs ask the scheduler for; `egokd.planning.resources` works out the rest from the sizes in this config."""

    gpus: Annotated[int, Field(ge=0, le=10**4)]
    """GPUs of each training; banks and predictions take one. A job that asks for one and finds none runs on the CPU and
    says so; one that asks for several and finds fewer stops."""
    threads: Count
    """CPU threads for each GPU (or for the job); those beyond the first load data."""
    mem_mb: Annotated[int, Field(ge=1, le=10**9)]
    """Least memory of a training, bank or prediction job in MB, for each GPU."""
    runtime_min: Count
    """Time limit in minutes; a job that runs into it resumes on its retry."""
    compile: bool = False
    """torch.compile the nets in training; results/cache keeps the code."""
