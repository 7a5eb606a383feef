"""Train one net: a teacher, the RGB baseline, the omnivore, or, given banks and ensemble weights, a student.

Goes on where a killed run of the same configuration stopped. After SIGTERM it saves its state and ends with exit
code 75. With --gpus above 1 it starts itself once per GPU with torchrun.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from egokd import runtime
from egokd.config.base import Count, Modality, NonNegative, Positive, Section
from egokd.config.training import TrainSettings
from egokd.config.validation import parse_settings
from egokd.distillation.logit_files import LogitFile
from egokd.distillation.targets import EnsembleTargets
from egokd.errors import UserError
from egokd.io import atomic_path, read_json
from egokd.machine.placement import Placement, placement_of
from egokd.machine.processes import Group, is_rank, run
from egokd.models.build import build_model
from egokd.models.files import save_model
from egokd.sampling.inputs import finish
from egokd.sampling.loading import EpochBatches, ViewDataset, loader
from egokd.sampling.segments import Segments, read_segments
from egokd.steps._model_io import (
    ViewSlice,
    input_spec,
    open_inputs,
    readable,
    shard_paths,
    split_available,
    view_spec,
    workers_ignore_signals,
)
from egokd.steps._predictions import labelled_paths
from egokd.training.loop import Batch, Plan, label_loss, student_loss, train
from egokd.training.state import StateFile, digest_of, fingerprint_of, only_writer

STORES = ("rgb", "flow", "audio", "obj")


class Distillation(Section):
    """How a student learns; see `StudentSettings`."""

    tau: Positive
    kd_weight: NonNegative
    ce_weight: NonNegative


class TrainStep(ViewSlice):
    """`--settings`."""

    net: str
    options: dict[str, Any]
    train: TrainSettings
    views_per_segment: Count | None
    modalities: list[Modality]
    distill: Distillation | None


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=Path, required=True, help="segments.parquet")
    parser.add_argument("--skipped", type=Path, required=True, help="table of segments that could not be read")
    parser.add_argument("--input", required=True, choices=[*STORES, "omnivore"], help="what the net sees")
    parser.add_argument(
        "--stores", type=labelled_paths, nargs="+", required=True, help="MODALITY=FILE[,FILE...]: shards, or their list"
    )
    parser.add_argument("--settings", required=True, help="JSON: net, options, train, views, inputs, ...")
    parser.add_argument("--seed", type=int, required=True, help="of weights, views, order and dropout")
    parser.add_argument("--code", default="", help="digest of the code, part of what ties a training state to this run")
    parser.add_argument("--state", type=Path, required=True, help="folder of the training state")
    parser.add_argument("--bank", type=labelled_paths, nargs="+", help="TEACHER=FILE[,FILE...]: logits of the teachers")
    parser.add_argument(
        "--init", type=Path, nargs="*", default=[], help="model.safetensors whose backbone to start from"
    )
    parser.add_argument("--ensemble", type=Path, help="weights of the teachers")
    parser.add_argument("--compile", type=int, choices=[0, 1], default=0, help="1: torch.compile the net")
    parser.add_argument("--cache", type=Path, default=Path("results/cache/compile"), help="folder of compiled code")
    parser.add_argument("--gpus", type=int, default=1, help="one process for each; 0: CPU. One and none there: CPU too")
    parser.add_argument("--threads", type=int, required=True, help="CPU threads; those beyond the first load data")
    parser.add_argument("--out", type=Path, required=True, help="model.safetensors; config.json goes beside it")
    parser.add_argument("--history", type=Path, required=True, help="CSV, one line per epoch")
    return parser.parse_args(argv)


def make_targets(args: argparse.Namespace, rows: pd.DataFrame, segments: Segments, views: list[int]) -> EnsembleTargets:
    """The combined logits of the teachers on all training views."""
    ensemble, heads = read_json(args.ensemble), list(segments.heads)
    banks = {name: LogitFile(paths) for name, paths in args.bank}
    for bank in banks.values():
        bank.check(rows["segment_id"].tolist(), views, segments.num_classes)
    labels = None
    if ensemble["scheme"] == "per_sample":
        labels = rows.set_index("segment_id")[heads].to_dict("index")
    return EnsembleTargets(
        banks,
        ensemble["weights"],
        ensemble["combine"],
        labels,
        ensemble["weights_temperature"],
        ensemble["scale"],
    )


def epoch_batches(
    dataset: ViewDataset, order: EpochBatches, threads: int, placement: Placement, heads: list[str]
) -> Callable[[int, int], Iterator[Batch]]:
    """The function that `egokd.training.loop.train` asks for the batches of an epoch."""
    where = placement.device
    data = workers_ignore_signals(loader(dataset, order, threads - 1, placement.pinned))

    def batches(epoch: int, skip: int) -> Iterator[Batch]:
        order.epoch, order.skip_batches = epoch, skip
        for batch in data:
            teacher = None
            if dataset.targets is not None:
                teacher = {head: batch[f"target_{head}"].to(where, non_blocking=True) for head in heads}
            yield Batch(finish(batch, dataset.modality, where), batch["labels"].to(where, non_blocking=True), teacher)

    return batches


def make_dataset(args: argparse.Namespace, settings: TrainStep, segments: Segments) -> tuple[ViewDataset, list[Path]]:
    """Training views of all segments that can be read (and, for a student, were taught), and the files behind them."""
    paths = {name: shard_paths(files) for name, files in args.stores}
    wanted = list(settings.modalities) if args.input == "omnivore" else [args.input]
    files = [path for name in wanted for path in paths[name]]
    stores = open_inputs(args.input, paths, wanted)
    rows, _ = split_available(readable(segments, "fit", args.skipped), args.input, stores, "training")
    targets = None
    if args.bank:
        epochs = settings.train.epochs
        views = list(range(min(epochs, settings.views_per_segment or epochs)))
        targets = make_targets(args, rows, segments, views)
        taught = targets.covered(rows["segment_id"].tolist())
        runtime.log.info("%d segments without any teacher are left out", (~taught).sum())
        rows = rows[taught].reset_index(drop=True)
        files += [path for _, part in args.bank for path in part] + [args.ensemble]
    if rows.empty and (args.bank or args.input in ("rgb", "omnivore")):
        raise UserError(f"{args.segments}: no training segment can be read as {args.input}; see {args.skipped}")
    views, inputs, heads = view_spec(settings.views), input_spec(settings.inputs), list(segments.heads)
    dataset = ViewDataset(rows, args.input, stores, views, inputs, args.seed, train=True, labels=heads, targets=targets)
    return dataset, files


def state_of(
    args: argparse.Namespace,
    settings: TrainStep,
    segments: Segments,
    dataset: ViewDataset,
    files: list[Path],
    device: torch.device,
) -> StateFile:
    """The training state, tied to all that decides the outcome."""
    labels = [" ".join(map(str, row)) for row in dataset.labels.tolist()]
    fingerprint = fingerprint_of(
        {
            **settings.model_dump(mode="json"),
            "seed": args.seed,
            "input": args.input,
            "heads": segments.heads,
            "device": device.type,
            "segments": digest_of([*dataset.segment_ids, *labels]),
        },
        files,
        args.code,
    )
    return StateFile(args.state, fingerprint)


def save(
    args: argparse.Namespace, model: torch.nn.Module, description: dict, history: list[dict], group: Group
) -> None:
    """Write the model and its history, in one of the processes."""
    if not group.leader:
        return
    save_model(args.out, model, description)
    with atomic_path(args.history) as temporary:
        columns = None if history else ["epoch", "lr", "loss", "segments_per_s", "seconds"]
        pd.DataFrame(history, columns=columns).to_csv(temporary, index=False, float_format="%.8g")


def main(argv: list[str] | None = None) -> None:
    args = arguments(argv)
    runtime.start("train", 1)  # one thread computes, the others load: the result does not depend on --threads
    if args.compile:
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(args.cache.absolute()))
    settings = parse_settings(TrainStep, args.settings)
    if bool(settings.distill) != bool(args.bank) or bool(args.bank) != bool(args.ensemble):
        raise UserError("--bank, --ensemble and the settings' `distill` belong together: give all three or none")
    with only_writer(args.state, held=is_rank()):
        again = sys.argv[1:] if argv is None else argv
        run(lambda group: train_net(args, settings, group), args.gpus, "egokd.steps.train", again)


def train_net(args: argparse.Namespace, settings: TrainStep, group: Group) -> None:
    """One process's part of the training; the leader writes the model."""
    segments, goal = read_segments(args.segments), settings.train
    heads = list(segments.heads)
    dataset, files = make_dataset(args, settings, segments)
    build = {
        "net": settings.net,
        "modality": args.input,
        "heads": segments.num_classes,
        "num_frames": settings.views.num_frames,
        "size": settings.inputs.size,
    }
    torch.manual_seed(args.seed)
    model = build_model(**build, **settings.options, **({"init": str(args.init[0])} if args.init else {}))
    description = {**build, "options": settings.options, "classes": segments.heads, "source": segments.source}
    description |= {"seed": args.seed, "epochs": goal.epochs, "segments": len(dataset), "trained": len(dataset) > 0}
    if not len(dataset):
        runtime.log.warning("no training segment has %s: this teacher stays untrained and is left out", args.input)
        save(args, model, description, [], group)
        return
    order = EpochBatches(
        len(dataset),
        goal.batch_size,
        args.seed,
        views_per_segment=settings.views_per_segment,
        rank=group.rank,
        world=group.world,
    )
    loss = label_loss(heads, goal.label_smoothing)
    if settings.distill:
        loss = student_loss(heads, **settings.distill.model_dump(), label_smoothing=goal.label_smoothing)
    plan = Plan(
        epochs=goal.epochs,
        steps_per_epoch=order.whole,
        warmup_steps=round(goal.warmup_epochs * order.whole),
        lr=goal.lr,
        weight_decay=goal.weight_decay,
        clip_norm=goal.clip_norm,
        seed=args.seed,
    )
    state = state_of(args, settings, segments, dataset, files + args.init, group.device)
    placement = placement_of(group.device)
    batches = epoch_batches(dataset, order, max(1, args.threads // group.world), placement, heads)
    name = f"train {args.input}"
    history = train(model, batches, loss, plan, placement, state, name, bool(args.compile), group)
    save(args, model, description, history, group)
    if group.leader:
        state.remove()


if __name__ == "__main__":
    runtime.run(main)
