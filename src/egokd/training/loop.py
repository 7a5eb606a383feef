"""The one training loop: teachers, omnivore and students differ in their batches and their loss, not here.

Everything random in step s follows from (seed, s): batches and views by their own rules, dropout by seeding before the
step. A run that was stopped after any step and goes on from its state therefore ends with the same weights, bit by bit,
as one that was never stopped (same machine, same versions, same number of threads).

Shapes: B segments, H heads, K classes.
"""

import math
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from egokd.distillation.losses import cross_entropy, distillation
from egokd.errors import UserError
from egokd.machine.placement import Placement, convert, set_switches
from egokd.machine.processes import STOPPED, Group
from egokd.runtime import log
from egokd.training.progress import Bar, stop_on_signal
from egokd.training.schedule import learning_rate, step_seed
from egokd.training.state import StateFile

SAVE_EVERY_S = 60.0  # at the least; a state that takes long to save is saved less often
SAVING_SHARE = 0.02  # of the time may go into saving the state
CHECK_EVERY = 20  # steps between readings of the loss; reading it makes a GPU wait


@dataclass(frozen=True)
class Batch:
    """What one step learns from, on the device."""

    inputs: dict[str, Tensor]
    labels_BH: Tensor  # int64, -1 unknown
    teacher: dict[str, Tensor] | None = None  # {head: [B,K]} combined logits of the teachers
    # where several processes share a batch, what the means of their losses are divided by, float32
    known_H: Tensor | None = None  # labelled segments of the whole batch / processes
    count: Tensor | None = None  # segments of the whole batch / processes


Loss = Callable[[dict[str, Tensor], Batch], dict[str, Tensor]]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: plain numbers, see `TrainSettings` for their meaning."""

    epochs: int
    steps_per_epoch: int
    warmup_steps: int
    lr: float
    weight_decay: float
    clip_norm: float
    seed: int

    @property
    def total_steps(self) -> int:
        return self.epochs * self.steps_per_epoch


def label_loss(heads: list[str], label_smoothing: float) -> Loss:
    """Cross-entropy with the labels."""
    return lambda logits, batch: {"loss": cross_entropy(logits, batch.labels_BH, heads, label_smoothing, batch.known_H)}


def student_loss(heads: list[str], tau: float, kd_weight: float, ce_weight: float, label_smoothing: float) -> Loss:
    """kd_weight * distillation + ce_weight * cross-entropy; both are reported. Labels are not touched at weight 0."""

    def loss(logits: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        if batch.teacher is None:
            raise ValueError("a student's batch comes without logits of teachers")
        kd = distillation(logits, batch.teacher, tau, batch.count)
        if ce_weight == 0:
            return {"loss": kd_weight * kd, "kd": kd}
        ce = cross_entropy(logits, batch.labels_BH, heads, label_smoothing, batch.known_H)
        return {"loss": kd_weight * kd + ce_weight * ce, "kd": kd, "ce": ce}

    return loss


def train(
    model: nn.Module,
    batches: Callable[[int, int], Iterable[Batch]],
    loss: Loss,
    schedule: Schedule,
    placement: Placement,
    state: StateFile,
    name: str,
    compiled: bool = False,
    group: Group | None = None,
) -> list[dict[str, float]]:
    """Train `model` in place, from `state` if it holds an unfinished run, and return the history.

    batches(epoch, skip)  the batches of an epoch without the first `skip`, a pure function of its arguments; there
                          must be `schedule.steps_per_epoch - skip` of them, on the device of `placement`
    name                  of the run, for the progress bar
    group                 the processes that train together, each with its share of every batch; all of them call this

    The history has one dict per epoch: epoch (from 1), lr (of its last step), the loss and its parts (mean over
    segments), segments_per_s, seconds. SIGTERM saves the state after the running step and ends the process with exit
    code 75. Raises UserError when a loss is not finite.
    """
    group = group or Group(placement.device)
    set_switches(placement)
    convert(model, placement).train()
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=schedule.lr, weight_decay=schedule.weight_decay, fused=placement.fused
    )
    run = _Run(model, optimiser, schedule, state, placement, group)
    forward = _compiled(group.spread(model), placement) if compiled else group.spread(model)
    with stop_on_signal() as stop_wanted, _bar(name, run) as bar, state:
        while run.step < schedule.total_steps:
            epoch, skip = divmod(run.step, schedule.steps_per_epoch)
            for batch in batches(epoch, skip):
                _step(forward, loss, batch, run)
                bar.show(run.step, run.last_loss)
                if run.step % schedule.steps_per_epoch == 0:
                    run.end_epoch()
                stop, save = group.agree(stop_wanted(), run.overdue())
                if (stop or save) and run.step < schedule.total_steps:
                    run.save()
                if stop and run.step < schedule.total_steps:
                    state.wait()
                    log.warning(
                        "stopped by SIGTERM or Ctrl-C after step %d; the state is saved, run again to resume",
                        run.step,
                    )
                    sys.exit(STOPPED)
            if run.step != (epoch + 1) * schedule.steps_per_epoch:
                raise RuntimeError(f"epoch {epoch + 1} ended after step {run.step}: wrong number of batches")
    return run.history


def _bar(name: str, run: "_Run") -> Bar:
    return Bar(name, run.schedule.total_steps, run.schedule.steps_per_epoch, run.step, run.group.leader)


def _compiled(forward: nn.Module, placement: Placement) -> Callable[..., dict[str, Tensor]]:
    if not placement.compiles:
        raise UserError(f"compute.compile: torch.compile does not know this {placement.device.type}; set it to false")
    return torch.compile(forward)


def _step(forward: Callable[..., dict[str, Tensor]], loss: Loss, batch: Batch, run: "_Run") -> None:
    """One update; adds its losses to `run`."""
    schedule, group, scaler = run.schedule, run.group, run.scaler
    rate = learning_rate(run.step, schedule.total_steps, schedule.warmup_steps, schedule.lr)
    for parameters in run.optimiser.param_groups:
        parameters["lr"] = rate
    torch.manual_seed(step_seed(schedule.seed, run.step) + group.rank)
    with run.placement.autocast():
        logits = forward(batch.inputs)
    losses = loss(logits, _with_divisors(batch, group))  # outside autocast: in float32
    run.optimiser.zero_grad(set_to_none=True)
    scaler.scale(losses["loss"]).backward()
    scaler.unscale_(run.optimiser)
    nn.utils.clip_grad_norm_(run.model.parameters(), schedule.clip_norm)
    scaler.step(run.optimiser)
    scaler.update()
    run.add(losses, len(batch.labels_BH), rate)


def _with_divisors(batch: Batch, group: Group) -> Batch:
    """With what the means are divided by so that the mean over the processes is the mean over the whole batch."""
    if group.world == 1:
        return batch
    known_H = (batch.labels_BH != -1).sum(0)
    totals = group.sum(torch.cat([known_H, known_H.new_full((1,), len(batch.labels_BH))]))
    shares = totals.clamp(min=1) / group.world
    return replace(batch, known_H=shares[:-1], count=shares[-1])


class _Run:
    """Position, sums of the current epoch and history of a run; and their way to the disk and back."""

    KEPT = ("step", "segments", "seconds", "sums", "history", "rate")

    def __init__(
        self,
        model: nn.Module,
        optimiser: torch.optim.Optimizer,
        schedule: Schedule,
        state: StateFile,
        placement: Placement,
        group: Group,
    ):
        self.model, self.optimiser, self.schedule, self.state = model, optimiser, schedule, state
        self.placement, self.group, self.scaler = placement, group, placement.loss_scaler()
        self.step, self.segments, self.seconds = 0, 0, 0.0
        self.sums: dict[str, float] = {}
        self.history: list[dict[str, float]] = []
        self.rate, self.last_loss = 0.0, float("nan")
        self._waiting: list[tuple[int, float, int, dict[str, Tensor]]] = []
        saved = group.leader_first(state.load)
        if saved:
            model.load_state_dict(saved["model"])
            optimiser.load_state_dict(saved["optimiser"])
            self.scaler.load_state_dict(saved["scaler"])
            for key in self.KEPT:
                setattr(self, key, saved[key])
            log.info("resuming after step %d of %d", self.step, schedule.total_steps)
        self._began = self._saved_at = time.monotonic()

    def add(self, losses: dict[str, Tensor], segments: int, rate: float) -> None:
        self.rate = rate
        self._waiting.append((self.step, rate, segments, {name: value.detach() for name, value in losses.items()}))
        self.step += 1
        if len(self._waiting) == CHECK_EVERY:
            self._check()

    def _check(self) -> None:
        """Fetch the waiting losses; UserError for the first that is not finite."""
        for step, rate, own, losses in self._waiting:
            # every process divided its losses so that their mean is that of the whole batch
            own_values = [own * self.group.world, *(float(value) for value in losses.values())]
            together = self.group.sum(torch.tensor(own_values, dtype=torch.float64)) / self.group.world
            segments, *means = together.tolist()
            values = dict(zip(losses, means, strict=True))
            self.last_loss = values["loss"]
            if not math.isfinite(self.last_loss):
                raise UserError(
                    f"the loss is {self.last_loss} at step {step + 1} of {self.schedule.total_steps} "
                    f"(epoch {step // self.schedule.steps_per_epoch + 1}, learning rate {rate:.3g}): training has "
                    "diverged. Try a lower lr, a longer warm-up (warmup_epochs) or a smaller clip_norm; if it comes "
                    "with the first steps, look for damaged inputs."
                )
            for name, value in values.items():
                self.sums[name] = self.sums.get(name, 0.0) + value * segments
            self.segments += round(segments)
        self._waiting.clear()

    def end_epoch(self) -> None:
        self._check()
        seconds = self._clock()
        self.history.append(
            {
                "epoch": self.step // self.schedule.steps_per_epoch,
                "lr": self.rate,
                **{name: total / self.segments for name, total in self.sums.items()},
                "segments_per_s": self.segments / max(seconds, 1e-9),
                "seconds": seconds,
            }
        )
        self.sums, self.segments, self.seconds = {}, 0, 0.0
        self._began = time.monotonic()
        if self._due(0.0) or self.step == self.schedule.total_steps:
            self.save()

    def _clock(self) -> float:
        """Seconds spent on this epoch, over all tries of the job."""
        return self.seconds + time.monotonic() - self._began

    def overdue(self) -> bool:
        """Whether the state must be saved inside an epoch. Only the leader, who saves, knows how long that takes."""
        return self.group.leader and self._due(SAVE_EVERY_S)

    def _due(self, least_s: float) -> bool:
        """Whether `least_s` seconds have passed since the last save, and enough for its share of the time."""
        return time.monotonic() - self._saved_at > max(least_s, self.state.took_s / SAVING_SHARE)

    def save(self) -> None:
        self._check()
        self.seconds, self._began = self._clock(), time.monotonic()
        if self.group.leader:
            parts = {name: getattr(self, name).state_dict() for name in ("model", "optimiser", "scaler")}
            self.state.save_behind({**parts, **{key: getattr(self, key) for key in self.KEPT}})
        self._saved_at = time.monotonic()
