"""What jobs ask for, where they run and how they end: threads, memory, time, GPUs, container, signals."""

from egokd.machine.gpus import visible_gpus
from egokd.planning import resources

# Snakemake limits a resource only when a total is given. Without GPUs, jobs fall back to the CPU and need no limit.
workflow.global_resources.setdefault("gpu", visible_gpus() or 10**6)


# used with --sdm apptainer only
container: "envs/egokd.sif"


# Without conda or a container, jobs run with the Python that Snakemake itself runs with, activated or not. EGOKD_BIN names
# another folder with a `python`.
OWN_PYTHON = (
    ""
    if workflow.deployment_settings.deployment_method
    else f"export PATH=${{{{EGOKD_BIN:-{shlex.quote(os.path.dirname(sys.executable))}}}}}:$PATH; "
)

# The code is read from here, whichever packages a job sees. SIGTERM reaches every process of a cluster's job; shell and tee
# outlast the step, which may have a state to save.
shell.prefix(
    f"set -euo pipefail; {OWN_PYTHON}"
    f"export PYTHONPATH={shlex.quote(os.path.join(workflow.basedir, 'src'))}${{{{PYTHONPATH:+:$PYTHONPATH}}}}; "
    'trap : TERM INT; tee() {{ (trap "" TERM INT; exec tee "$@"); }}; '
)


@cache
def needed(step, dataset, model):
    return resources.need(step, CONFIG.datasets[dataset], model) if dataset else resources.SMALL[step]


def need(what, step, model=None):
    """Resource function: threads, mem_mb, runtime (minutes), gpus or compile of a job; memory and time grow by attempt.

    A rule asks for `gpu`, which Snakemake and clusters count, and for `ranks`, the same number for the step itself, because
    a limit on `gpu` may cut the first. `compile` is a resource because it must not count as a change of the job.
    `model` where the rule has none as a wildcard.
    """
    grows = what in ("mem_mb", "runtime")

    def of_job(wildcards, attempt):
        job = needed(step, wildcards.get("dataset"), model or wildcards.get("model"))
        return getattr(job, what) * (attempt if grows else 1)

    return of_job
