"""Which source files a step is made of: its import closure inside this package.

A rule lists these files as its input `code`, so that Snakemake re-runs a job when, and only when, code that it runs has
changed. Names are found by parsing, nothing is imported: this runs at every parse of the Snakefile. Modules that are
chosen by configuration (nets, dataset adapters) are loaded by name, so the closure does not contain them by itself and
the rule adds the one that it uses: a change in one net never retrains another.
"""

import ast
from functools import cache
from pathlib import Path

PACKAGE = "egokd"
SOURCE_ROOT = Path(__file__).resolve().parent.parent


def _file_of(module: str) -> Path | None:
    """The source file of a module of this package; None for a name that is no module (a function, say)."""
    path = SOURCE_ROOT.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@cache
def _imports(path: Path) -> frozenset[str]:
    """Modules of this package that a file names in import statements, wherever they stand in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(name for name in found if name.split(".")[0] == PACKAGE and _file_of(name))


@cache
def import_closure(*modules: str) -> tuple[Path, ...]:
    """Source files, sorted, of `modules` and all they import from this package.

    Raises ValueError for a module that does not exist: a rule that names it is wrong.
    """
    waiting, seen = list(modules), set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        path = _file_of(module)
        if path is None:
            raise ValueError(f"no module {module} under {SOURCE_ROOT}")
        seen.add(module)
        waiting.extend(_imports(path))
    return tuple(sorted(path for module in seen if (path := _file_of(module)) is not None))
