"""Train one net: a teacher, the RGB baseline, the omnivore, or, given banks and ensemble weights, a student.

Resumes where a killed run of the same configuration stopped. After SIGTERM it saves its state and ends with exit
code 75. With --gpus above 1 it starts itself once per GPU with torchrun.
"""

import argparse
import os
import sys
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from egokd import runtime
from egokd.config.validation import parse_settings
from egokd.errors import UserError
from egokd.io import atomic_path
from egokd.machine.hardware import cpu_name
from egokd.machine.placement import placement_of
from egokd.machine.processes import Group, is_rank, run
from egokd.modalities import MODALITIES
from egokd.models.files import save_model
from egokd.names import OMNIVORE
from egokd.steps._logit_arguments import labelled_paths
from egokd.training.assemble import Files, Training, TrainSlice, epoch_batches
from egokd.training.loop import train
from egokd.training.state import only_writer


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="of the model, in the log")
    parser.add_argument("--segments", type=Path, required=True, help="segments.parquet")
    parser.add_argument("--skipped", type=Path, required=True, help="table of segments that could not be read")
    parser.add_argument("--input", required=True, choices=[*MODALITIES, OMNIVORE], help="what the net sees")
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
    parser.add_argument("--start", type=Path, help="model.safetensors of a teacher whose weights a student starts from")
    parser.add_argument("--compile", type=int, choices=[0, 1], default=0, help="1: torch.compile the net")
    parser.add_argument("--cache", type=Path, default=Path("results/cache/compile"), help="folder of compiled code")
    parser.add_argument("--gpus", type=int, default=1, help="one process for each; 0: CPU. One and none there: CPU too")
    parser.add_argument("--threads", type=int, required=True, help="CPU threads; those beyond the first load data")
    parser.add_argument("--out", type=Path, required=True, help="model.safetensors; config.json goes beside it")
    parser.add_argument("--history", type=Path, required=True, help="CSV, one line per epoch")
    return parser.parse_args(argv)


def save(args: argparse.Namespace, model: nn.Module, description: dict, history: list[dict], group: Group) -> None:
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
    settings = parse_settings(TrainSlice, args.settings)
    if bool(settings.distill) != bool(args.bank) or bool(args.bank) != bool(args.ensemble):
        raise UserError("--bank, --ensemble and the settings' `distill` belong together: give all three or none")
    if args.input != OMNIVORE and list(settings.inputs) != [args.input]:
        raise UserError(f"--settings: inputs are of {list(settings.inputs)}, but the net reads {args.input}")
    with only_writer(args.state, held=is_rank()):
        again = sys.argv[1:] if argv is None else argv
        run(lambda group: train_net(args, settings, group), args.gpus, "egokd.steps.train", again)


def train_net(args: argparse.Namespace, settings: TrainSlice, group: Group) -> None:
    """One process's part of the training; the leader writes the model."""
    banks, stores = dict(args.bank or []), {name: files for name, files in args.stores if name in settings.inputs}
    files = Files(args.segments, args.skipped, stores, args.state, args.init, banks, args.ensemble, args.start)
    training = Training(files, settings, args.input, args.seed, args.code)
    model, description = training.build()
    if not len(training.dataset):
        runtime.log.warning("no training segment has %s: this teacher stays untrained and is left out", args.input)
        save(args, model, description, [], group)
        return
    order, placement = training.order(group), placement_of(group.device)
    threads = max(1, args.threads // group.world)
    batches = epoch_batches(training.dataset, order, threads, placement, training.heads)
    schedule, loss, state = training.schedule(order.whole), training.loss(), training.state(group.device)
    history = train(model, batches, loss, schedule, placement, state, args.name, bool(args.compile), group)
    device = torch.cuda.get_device_name(group.device) if group.device.type == "cuda" else cpu_name()
    software = {"torch": torch.__version__, "code": args.code}
    description["trained_with"] = {"device": device, "processes": group.world, **software}
    save(args, model, description, history, group)
    if group.leader:
        state.remove()


if __name__ == "__main__":
    runtime.run(main)
