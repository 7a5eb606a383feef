"""What jobs ask for, where they run and how they end: threads, memory, time, GPUs, container, signals."""

from egokd.planning import resources
from egokd.machine.gpus import visible_gpus

# Snakemake limits a resource only when a total is given. Without GPUs, jobs fall back to the CPU and need no limit.
workflow.global_resources.setdefault("gpu", visible_gpus() or 10**6)


# used with --sdm apptainer only
container: "envs/egokd.sif"


# Conda environments and containers hold the packages, the code is read from here. SIGTERM reaches every process of a
# cluster's job; shell and tee outlast the step, which may have a state to save. Huge pages save about a tenth of the
# processor time of a training step or a bank on the CPU and no more memory is held (measured on one kind of machine, whose
# kernel gives them to those who ask); a C library that does not know the switch ignores it.
shell.prefix(
    "set -euo pipefail; "
    f"export PYTHONPATH={shlex.quote(os.path.join(workflow.basedir, 'src'))}${{{{PYTHONPATH:+:$PYTHONPATH}}}}; "
    "export GLIBC_TUNABLES=${{GLIBC_TUNABLES:-glibc.malloc.hugetlb=1}}; "
    'trap : TERM INT; tee() {{ (trap "" TERM INT; exec tee "$@"); }}; '
)


@cache
def needed(step, dataset, model):
    return resources.need(step, CONFIG.datasets[dataset], model)


def need(what, step, model=None):
    """Resource function: threads, mem_mb, runtime (minutes) or gpus of a job; memory and time grow by attempt.

    `model` where the rule has none as a wildcard.
    """
    grows = what in ("mem_mb", "runtime")

    def of_job(wildcards, attempt):
        job = needed(step, wildcards.dataset, model or wildcards.get("model"))
        return getattr(job, what) * (attempt if grows else 1)

    return of_job


def compile_option(wildcards):
    """Compiled code is kept between jobs, which all compile the same few nets."""
    return "--compile results/cache/compile" if experiment(wildcards).compute.compile else ""
