"""Write the list of licences in docs/dependencies.md, from uv.lock and what the installed packages say of themselves.

Run it after every change of the lock, in an environment that has the locked packages: python tools/write_licences.py
"""

import argparse
import re
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path

from egokd import runtime
from egokd.io import write_text
from write_envs import pins

BEGIN, END = "<!-- licences: written by tools/write_licences.py -->", "<!-- end of licences -->"
UNCLEAR = ("", "UNKNOWN", "LICENSE", "OSI Approved")
NOT_STATED = "not stated in its metadata"


def licence_of(package: Distribution) -> str:
    """The licence that a package's metadata state: expression, then classifiers, then the first line of the text."""
    fields = package.metadata
    if expression := fields.get("License-Expression"):
        return expression
    classifiers = [line for line in fields.get_all("Classifier", []) if line.startswith("License ::")]
    named = [line.split(" :: ")[-1] for line in classifiers]
    if named and not set(named) <= set(UNCLEAR):
        return ", ".join(sorted(set(named)))
    first = (fields.get("License") or "").strip().splitlines()[:1]
    return first[0].strip() if first and first[0].strip() not in UNCLEAR else _of_file(package)


def _of_file(package: Distribution) -> str:
    """The first line of a licence file that comes with the package."""
    for file in package.files or []:
        if "dist-info" in file.parts[0] and file.name.upper().startswith(("LICENSE", "LICENCE", "COPYING")):
            lines = [line.strip() for line in file.read_text().splitlines() if line.strip()]
            return f"its file {file.name}: {lines[0]}" if lines else NOT_STATED
    return NOT_STATED


def table(lock: dict) -> str:
    """Markdown: package, version and licence of all that the workflow needs to run, tools of development left out."""
    lines = ["| package | version | licence |", "| --- | --- | --- |"]
    for pin in pins(lock):
        name, version = pin.split("==")
        lines.append(f"| {name} | {version} | {licence_of(distribution(name)).replace('|', '/')} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lock", type=Path, default=Path("uv.lock"))
    parser.add_argument("--doc", type=Path, default=Path("docs/dependencies.md"), help="file with the list")
    args = parser.parse_args(argv)
    runtime.start("write_licences", 1)
    text = table(tomllib.loads(args.lock.read_text()))
    page = args.doc.read_text()
    marked = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.S)
    write_text(args.doc, marked.sub(lambda _: f"{BEGIN}\n\n{text}\n\n{END}", page))
    runtime.log.info("%d packages", len(text.splitlines()) - 2)


if __name__ == "__main__":
    runtime.run(main)
