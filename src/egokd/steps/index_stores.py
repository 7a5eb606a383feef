"""List the shards of one modality: store files -> one small JSON, the input of trainings, banks and predictions.

With hundreds of shards and jobs, planning would be slow if every job listed every shard. The list has sizes and times,
so it changes when a shard is made again, and what was made from the shards runs again.
"""

import argparse
from pathlib import Path

from egokd import runtime
from egokd.io import write_json


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", type=Path, nargs="+", required=True, help="all shards of one modality")
    parser.add_argument("--out", type=Path, required=True, help="JSON: path, bytes, time of each")
    args = parser.parse_args(argv)
    runtime.start("index_stores", 1)
    entries = [(str(path), path.stat()) for path in args.stores]
    write_json(args.out, [{"path": path, "bytes": s.st_size, "mtime_ns": s.st_mtime_ns} for path, s in entries])


if __name__ == "__main__":
    runtime.run(main)
