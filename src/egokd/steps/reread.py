"""Ask for the shards in which segments were skipped to be read again, by the next run and nothing else.

For files that were mended, or that arrived later: extraction does not depend on them, since then it would run again
whenever a file system loses time stamps. `reread.json` beside the segment table counts how often each shard was asked
for; the rules of extraction have their shard's count among their params (`egokd.planning.paths.Paths.asked_again`).
"""

import argparse
import json
from pathlib import Path

from egokd import runtime
from egokd.io import write_json
from egokd.media.skipped import read_skipped
from egokd.planning.paths import REREAD, shard_of_table


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folders", type=Path, nargs="+", required=True, help="results/data/{dataset}, .../test")
    args = parser.parse_args(argv)
    runtime.start("reread", 1)

    read, gaps = 0, 0
    for folder in args.folders:
        tables = {path: read_skipped(path) for path in sorted(folder.glob("*/*.skipped.csv"))}
        counts = json.loads((folder / REREAD).read_text()) if (folder / REREAD).exists() else {}
        for path, table in tables.items():
            if len(table):
                shard = shard_of_table(path)
                counts[shard] = counts.get(shard, 0) + 1
                runtime.log.info("%s: %d entries; its shard will be read again", path, len(table))
                gaps += 1
        read += len(tables)
        if counts:
            write_json(folder / REREAD, counts)
    what = "and repeats what depends on them: look at it with -n" if gaps else "since nothing was skipped"
    runtime.log.info("the next run reads %d of %d shards again, %s", gaps, read, what)


if __name__ == "__main__":
    runtime.run(main)
