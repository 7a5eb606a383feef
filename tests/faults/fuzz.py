"""Look for inputs that break a parser, guided by what code they reach: python tests/faults/fuzz.py TARGET [SECONDS].

Without a target, all in turn. What is found is written to build/fuzz/TARGET and belongs into `FOUND` of test_fuzz.py.
"""

import subprocess
import sys
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "helpers")]

with atheris.instrument_imports(include=["egokd"]):
    import fuzz_targets

SECONDS = 60


def search(name: str, seconds: int) -> None:
    """Fuzz one target until something is found or the time is over."""
    folder = HERE.parents[1] / "build" / "fuzz" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "whole").write_bytes(fuzz_targets.TARGETS[name][1])
    limits = ["-rss_limit_mb=4096", "-max_len=4096", "-timeout=20", "-verbosity=0", "-print_final_stats=1"]
    arguments = [sys.argv[0], f"-max_total_time={seconds}", f"-artifact_prefix={folder}/found-", *limits, str(folder)]
    atheris.Setup(arguments, lambda data: fuzz_targets.survives(name, data))
    atheris.Fuzz()


def main() -> None:
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    if len(sys.argv) > 1:
        search(sys.argv[1], seconds)
        return
    failed = [
        name
        for name in fuzz_targets.TARGETS
        if subprocess.run([sys.executable, __file__, name, str(seconds)], check=False).returncode
    ]
    sys.exit(f"found inputs that break {', '.join(failed)}; see build/fuzz" if failed else 0)


if __name__ == "__main__":
    main()
