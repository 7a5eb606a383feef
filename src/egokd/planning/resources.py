"""What each job asks the scheduler for, worked out from the sizes in the config.

All guesses are here, with their grounds, and none in rules or profiles: a profile names partitions and accounts, this
module says how much. A job that was killed for memory or time asks for more on its next attempt (the rules multiply
memory and time by the number of the attempt).
"""

from dataclasses import dataclass

from egokd.config.experiment import Experiment
from egokd.names import teacher_of
from egokd.planning import models

# One process that has imported torch and opened its stores: 0.7 GB on a CPU, 3 GB with CUDA's libraries and context.
PROCESS_MB, CUDA_MB = 800, 3000
PREFETCH = 2  # batches that each loading process holds ready
KEPT_MB, WIDEST = 448, 16 / 9  # decoded frames that a process without loaders keeps of one store; width / height
FLOATS_PER_INPUT = 40  # activations kept for the backward pass on a CPU, per number of the input; the demo's nets

# Single-thread speeds on a 2-core machine, frames per second: 1080p decoding 110 to 190; DIS flow at 456x256 by preset.
DECODED_PER_S, VIDEO_RATE = 110, 60
FLOW_PER_S = {"ultrafast": 965, "fast": 439, "medium": 85}
SLACK = 3  # a cluster's file system and cores may be this much slower
START_MIN = 10  # for any job: waiting for files, importing
DEMO_SECONDS = 4  # of video per segment
CLIP_SECONDS = 2  # of a clip of the compositional demo


@dataclass(frozen=True)
class Need:
    """Threads, memory in MB, time limit in minutes, GPUs of one job, and whether it compiles its net (0 or 1)."""

    threads: int = 1
    mem_mb: int = 2000
    runtime: int = 15
    gpus: int = 0
    compile: int = 0


# jobs that read tables or a few thousand logits, and draw
SMALL = {
    "index_segments": Need(threads=4, mem_mb=4000, runtime=120),  # 220,000 headers where a video is a segment
    "check": Need(threads=8, mem_mb=4000, runtime=120),
    "import_weights": Need(mem_mb=8000),  # a checkpoint with the state of its optimiser, twice
    "submission": Need(mem_mb=4000),
    "assign_folds": Need(),
    "collect_skipped": Need(),
    "index_boxes": Need(mem_mb=4000, runtime=60),
    "fit_ensemble": Need(mem_mb=4000),
    "combine_ensemble": Need(mem_mb=4000),
    "evaluate": Need(mem_mb=4000, runtime=30),
    "package": Need(runtime=10),
    "index_stores": Need(mem_mb=1000, runtime=5),
    "tabulate": Need(mem_mb=4000, runtime=15),  # compares predictions
    "plot": Need(mem_mb=1000, runtime=5),
}


def need(step: str, experiment: Experiment, model: str | None = None) -> Need:
    """Resources of one job of `step`; `model` (its name in the tables) for steps that train or run a net.

    Raises KeyError for a step that this module does not know: a rule that names it is wrong.
    """
    if step in ("train", "bank", "predict", "measure_cost", "measure_pipeline"):
        return _of_net(step, experiment, model)
    if step.startswith("extract_"):
        return _of_shard(step, experiment)
    if step in ("generate_demo", "generate_compositional"):
        return Need(threads=4, runtime=START_MIN + round(30 * _hours(experiment)))
    return SMALL[step]


def _hours(experiment: Experiment) -> float:
    """Hours of video."""
    demo, clips = experiment.data.demo, experiment.data.compositional_demo
    if clips:
        return (clips.train_clips + clips.val_clips) * CLIP_SECONDS / 3600
    if demo:
        return (demo.train_segments + demo.val_segments) * DEMO_SECONDS / 3600
    return experiment.data.video_hours


def _of_shard(step: str, experiment: Experiment) -> Need:
    seconds = _hours(experiment) * 3600 / experiment.data.shards
    media, mem_mb = experiment.media, 2000
    if step == "extract_frames":
        work = seconds * VIDEO_RATE / DECODED_PER_S
        # decord reads ahead without limit: 5 GB within 12 s on 1080p
        mem_mb = 6000 if media.reader == "decord" and not experiment.data.generated else 3000
    elif step == "extract_flow":
        relative = (media.short_side / 256) ** 2
        work = seconds * media.frame_rate * relative / FLOW_PER_S[media.flow.preset]
    else:
        work = seconds / 60  # sound and tables: far faster than the video
    return Need(mem_mb=mem_mb, runtime=START_MIN + round(SLACK * work / 60))


def training_gpus(experiment: Experiment, model: str) -> int:
    """GPUs of the training of one model."""
    own = models.settings_of(experiment, model).gpus
    return experiment.compute.gpus if own is None else own


def _of_net(step: str, experiment: Experiment, model: str | None) -> Need:
    compute = experiment.compute
    if step in ("measure_cost", "measure_pipeline"):
        return Need(1, compute.mem_mb, 30, min(compute.gpus, 1))
    if model is None:
        raise ValueError(f"{step}: the rule must say which model the job is for")
    chosen = models.settings_of(experiment, model)
    gpus = training_gpus(experiment, model) if step == "train" else min(compute.gpus, 1)
    processes = max(gpus, 1)
    share = -(-chosen.train.batch_size // processes)
    mem_mb = processes * max(compute.mem_mb, _process_mb(experiment, share, compute.threads - 1, gpus))
    minutes = _minutes(step, experiment, model, chosen.train.epochs)
    compiled = int(compute.compile and step == "train")
    return Need(processes * compute.threads, mem_mb, minutes, gpus, compiled)


def _process_mb(experiment: Experiment, batch: int, workers: int, gpus: int) -> int:
    """Memory of one training process and its loading processes."""
    numbers = batch * experiment.views.num_frames * 3 * experiment.inputs.size**2
    loading = workers * (PROCESS_MB // 2 + PREFETCH * numbers / 1e6)
    media = experiment.media
    frames_mb = _hours(experiment) * 3600 * media.frame_rate * 3 * WIDEST * media.short_side**2 / 2**20
    kept = 0 if workers else 2 * min(frames_mb, KEPT_MB)  # frames and flow
    computing = CUDA_MB if gpus else PROCESS_MB + FLOATS_PER_INPUT * 4 * numbers / 1e6
    return round(computing + loading + kept)


def _minutes(step: str, experiment: Experiment, model: str, epochs: int) -> int:
    """Time limit. A pass without gradients costs about a third of one with: half, to be safe."""
    limit = experiment.compute.runtime_min
    if step == "train":
        return limit
    if step == "bank":
        blocks = models.taught_blocks(experiment, teacher_of(model) or model)
        passes = max((last - first + 1 for first, last in blocks), default=1)  # of the longest block
        parts = experiment.bank.parts
    else:
        settings = [*experiment.evaluation.views, experiment.evaluation.heldout_views]
        passes, parts = max(clips * crops for clips, crops in settings), experiment.evaluation.parts
    return min(limit, START_MIN + round(0.5 * limit * passes / epochs / parts))
