"""How things start and stop: smooth steps in time and the places between two points."""

Point = tuple[float, float]  # x to the right, y down, picture heights


def ease(t: float, a: float, b: float) -> float:
    """0 before a, 1 after b, smooth between."""
    u = min(max((t - a) / max(b - a, 1e-6), 0.0), 1.0)
    return u * u * (3 - 2 * u)


def between(p: Point, q: Point, u: float) -> Point:
    """The point at the share `u` of the way from p to q."""
    return p[0] + (q[0] - p[0]) * u, p[1] + (q[1] - p[1]) * u
