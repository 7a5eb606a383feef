"""What two runs of the same workflow must have in common, byte for byte, and what they cannot.

Times are no result: logs, benchmarks, the measured speed of nets (and its column in the tables), seconds per epoch in
a training's history, the times of shards in their list, the day in a table's provenance. Nor is the config that a run
was called with: two may differ in how the work is done. All else is compared by its bytes, figures included.
"""

import hashlib
import io
import json
from pathlib import Path

import pandas as pd

# folders that hold times, what is kept between tries of a job, or what the run was called with
UNCOMPARED = ("logs", "benchmarks", "cost", "cache", "state", "calls")
TIMED_COLUMNS = ("segments_per_s", "seconds", "clips_per_s")
TIMED_KEYS = ("made", "mtime_ns")
GIVEN_KEY = "config"  # of a table's provenance: what was asked for


def artefacts(results: Path) -> dict[str, str]:
    """Digest of what does not depend on time, by path below `results`."""
    found = {}
    for path in sorted(results.rglob("*")):
        name = path.relative_to(results)
        if path.is_file() and name.parts[0] not in UNCOMPARED and name.name != "README.md":
            found[name.as_posix()] = hashlib.blake2b(timeless(path), digest_size=12).hexdigest()
    return found


def timeless(path: Path) -> bytes:
    """The bytes of a file without its times."""
    if path.suffix == ".csv" and (path.name == "history.csv" or path.parent.name == "tables"):
        table = pd.read_csv(io.BytesIO(path.read_bytes()), dtype=str)
        return table.drop(columns=[name for name in TIMED_COLUMNS if name in table]).to_csv().encode()
    if path.suffix == ".md" and path.parent.name == "tables":
        return "\n".join(_without_speed(path.read_text().splitlines())).encode()
    if path.name == "shards.json":
        return json.dumps(_without_times(json.loads(path.read_text()))).encode()
    if path.name.endswith(".provenance.json"):
        found = json.loads(path.read_text())
        return json.dumps(_without_times({key: found[key] for key in found if key != GIVEN_KEY})).encode()
    return path.read_bytes()


def _without_speed(lines: list[str]) -> list[str]:
    """Lines of a Markdown file whose tables lack the column clips/s."""
    kept, column = [], None
    for line in lines:
        cells = line.split("|")
        if not line.startswith("|"):
            column = None
        elif " clips/s " in cells:
            column = cells.index(" clips/s ")
        kept.append("|".join(cell for place, cell in enumerate(cells) if place != column))
    return kept


def _without_times(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_times(inner) for key, inner in value.items() if key not in TIMED_KEYS}
    return [_without_times(inner) for inner in value] if isinstance(value, list) else value


def differences(first: dict[str, str], second: dict[str, str]) -> list[str]:
    """What is not the same in two runs, as sentences."""
    found = [f"only the first has {name}" for name in sorted(first.keys() - second.keys())]
    found += [f"only the second has {name}" for name in sorted(second.keys() - first.keys())]
    return found + [f"{name} differs" for name in sorted(first.keys() & second.keys()) if first[name] != second[name]]


def leftovers(results: Path) -> list[str]:
    """Files that nobody asked for: hidden ones, parts and spools of killed jobs, states of ended trainings."""
    names = [path.relative_to(results).as_posix() for path in sorted(results.rglob("*")) if path.is_file()]
    return [name for name in names if Path(name).name.startswith(".") or name.endswith(("last.pt", ".part", ".spool"))]
