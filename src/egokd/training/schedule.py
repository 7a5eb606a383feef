"""Learning rate and random seed as pure functions of the step, so that a resumed run needs no memory of them."""

from egokd.hashing import number


def learning_rate(step: int, total: int, warmup: int, peak: float) -> float:
    """Linear warm-up over `warmup` steps to `peak`, then linear decay that reaches 0 at step `total`.

    step counts from 0 to total - 1. The last warm-up step and the first one after it have the rate `peak`; no step has
    rate 0. A warm-up longer than the run is cut to it.
    """
    warmup = min(warmup, total)
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (total - step) / (total - warmup)


def step_seed(seed: int, step: int) -> int:
    """The seed of dropout and the like in one step, 63 bits."""
    return number(f"{seed}/{step}") >> 1
