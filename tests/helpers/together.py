"""Functions in fresh processes that form a group, by gloo on the CPU."""

import multiprocessing
import traceback

import torch
import torch.distributed as dist

from egokd.machine.processes import Group

CPU = torch.device("cpu")


def rank_of(work, folder, number, world, results):
    """One process of `together`."""
    torch.set_num_threads(1)
    store = dist.FileStore(str(folder / "rendezvous"), world)
    dist.init_process_group("gloo", store=store, rank=number, world_size=world)
    try:
        results.put((number, work(folder, Group(CPU, number, world))))
    except Exception:
        results.put((number, traceback.format_exc()))
    dist.destroy_process_group()


def together(folder, work, world=2):
    """Run work(folder, group) in `world` fresh processes; returns what each gave, an exception as its text.

    Fresh, not forked: a process in which autograd has already run threads cannot be forked. `work` must be importable.
    """
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [
        context.Process(target=rank_of, args=(work, folder, number, world, results)) for number in range(world)
    ]
    for process in processes:
        process.start()
    found = dict(results.get(timeout=120) for _ in processes)
    for process in processes:
        process.join(timeout=20)
    return [found[number] for number in range(world)]
