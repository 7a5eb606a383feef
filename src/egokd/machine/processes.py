"""Several processes that train one net, each on its own GPU: PyTorch's launcher and DistributedDataParallel.

A step calls `run`. With one GPU or none its job runs here. With more, `torchrun` starts the same command once per GPU;
those processes come through `run` too and find themselves to be ranks. What they compute together equals what one
process would: every rank takes its share of each batch, losses are means over the whole batch
(`egokd.distillation.losses`), batch normalisation uses the statistics of the whole batch.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.elastic.multiprocessing.errors import record
from torch.distributed.nn.functional import all_reduce
from torch.nn.parallel import DistributedDataParallel

from egokd.errors import UserError
from egokd.machine.gpus import claim, cpu_only
from egokd.machine.placement import pick_device
from egokd.runtime import log

STOPPED = 75  # exit code after SIGTERM with the state saved: "try again later" in sysexits.h
T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """The processes of one job, seen from one of them; `rank` counts from 0 to `world` - 1."""

    device: torch.device
    rank: int = 0
    world: int = 1

    @property
    def leader(self) -> bool:
        """Whether this process writes files and logs."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """Sum over all processes, in place."""
        if self.world > 1:
            dist.all_reduce(values)
        return values

    def agree(self, *wishes: bool) -> list[bool]:
        """For each wish, whether any process has it: all of them then do the same in the same step."""
        # on the CPU, so that no GPU has to wait for the answer
        return [bool(total) for total in self.sum(torch.tensor(wishes, dtype=torch.int64)).tolist()]

    def leader_first(self, action: Callable[[], T]) -> T:
        """`action` of every process, the others' when the leader's is done."""
        if self.leader:
            result = action()
        if self.world > 1:
            dist.barrier()
        return result if self.leader else action()

    def spread(self, model: nn.Module) -> nn.Module:
        """The module to call in training: gradients are averaged over the processes, batch statistics are shared.

        The weights stay those of `model`, which is to be saved.
        """
        if self.world == 1:
            return model
        if self.device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(model)
            return DistributedDataParallel(model, device_ids=[self.device.index])
        _share_statistics(model)
        return DistributedDataParallel(model)


def is_rank() -> bool:
    """Whether this process was started by torchrun."""
    return "LOCAL_RANK" in os.environ


def run(job: Callable[[Group], None], gpus: int, module: str, arguments: list[str]) -> None:
    """Run `job` on `gpus` GPUs: here for up to one, else as `python -m module arguments`, once for each.

    Waits for free GPUs; UserError where there are fewer (see `egokd.machine.gpus.claim`). When a rank dies, torchrun
    ends the others and prints whose fault it was, and this process ends with its exit code. SIGTERM is
    passed on, and ends this process with code 75 after the ranks have saved their state.
    """
    if is_rank():
        record(_as_rank)(job)
        return
    if gpus > 1:
        with claim(gpus):
            _launch(gpus, module, arguments)
    else:
        with one_device(gpus) as device:
            job(Group(device))


@contextlib.contextmanager
def one_device(gpus: int) -> Iterator[torch.device]:
    """Inside, a free GPU is this process's own; yields it, or the CPU if `gpus` is 0 or none is there."""
    with claim(min(gpus, 1)) as devices:
        if devices and not torch.cuda.is_available():
            log.warning("GPU %s cannot be used by PyTorch (driver? CUDA version?): running on the CPU", devices[0])
        yield pick_device()


def _as_rank(job: Callable[[Group], None]) -> None:
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if torch.cuda.is_available() else pick_device()
    if device.type == "cuda":
        torch.cuda.set_device(device)
        dist.init_process_group("cpu:gloo,cuda:nccl", device_id=device)
    else:
        dist.init_process_group("gloo")
    if rank:
        log.setLevel(logging.WARNING)  # only rank 0 logs; every rank logs its errors
    job(Group(device, rank, world))
    dist.barrier()
    dist.destroy_process_group()


def _launch(count: int, module: str, arguments: list[str]) -> None:
    """Start torchrun, wait, and end this process as it ended unless that was well."""
    if not cpu_only() and torch.cuda.device_count() < count:
        raise UserError(f"PyTorch finds {torch.cuda.device_count()} of {count} GPUs: check driver and CUDA version")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    log.info("starting %d processes with torchrun", count)
    stopped: list[int] = []
    # a group of its own: the signal arrives once, from here, however many processes it was sent to
    ranks = subprocess.Popen([*command, "-m", module, *arguments], start_new_session=True)

    def pass_on(number: int, frame: object) -> None:
        stopped.append(number)
        with contextlib.suppress(ProcessLookupError):
            ranks.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
    code = ranks.wait()
    for number, handler in before.items():
        signal.signal(number, handler)
    if stopped:
        sys.exit(STOPPED)
    if code:
        log.error("one of the %d processes failed; see its error message above", count)
        sys.exit(1)


class _SharedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation over the batches of all processes, for the CPU: PyTorch's own is for GPUs only."""

    def _check_input_dim(self, x: Tensor) -> None:
        pass

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        half, x = x.dtype, x.float()  # sums of squares need full precision, and so do the running statistics
        axes = [0, *range(2, x.dim())]
        count = torch.tensor([x.numel() / x.shape[1]], dtype=x.dtype)
        sums = all_reduce(torch.cat([x.sum(axes), (x * x).sum(axes), count]))
        total, squares, count = sums[: x.shape[1]], sums[x.shape[1] : -1], sums[-1].detach()
        mean = total / count
        variance = squares / count - mean * mean
        if self.num_batches_tracked is None or self.running_mean is None or self.running_var is None:
            raise RuntimeError("batch normalisation without running statistics cannot be shared")
        if self.momentum is None:
            raise RuntimeError("batch normalisation with a cumulative average cannot be shared")
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        factor = self.weight * torch.rsqrt(variance + self.eps)
        shape = [-1, *[1] * (x.dim() - 2)]  # [C,1,...]
        return (x * factor.view(shape) + (self.bias - mean * factor).view(shape)).to(half)


def _share_statistics(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.__class__ = _SharedBatchNorm  # same parameters, same buffers, another forward
