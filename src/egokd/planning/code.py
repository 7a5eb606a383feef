"""Which code a job runs, and a digest of what that code means.

A rule hands the digest to its job as a parameter, so that Snakemake runs the job again when, and only when, the meaning
of code it runs has changed: comments, docstrings, descriptions of config keys and formatting leave the digest as it is.
It covers a step and all modules that it imports from this package, found by parsing: nothing is imported here.

Modules that a config chooses by name (nets, modalities, dataset adapters) are not imported by their users, so the rule
adds the one it uses: a change in one net never retrains another. For the same reason the tables that list them
(`TABLES`) are not part of any digest; the rule adds the row it uses, and a new row re-runs nothing.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = "egokd"
SOURCE_ROOT = Path(__file__).resolve().parents[2]
# pure tables of names; what stands in them reaches a digest by the row a rule uses
TABLES = ("egokd.models.nets", "egokd.datasets.formats", "egokd.modalities")
# parts of a syntax tree that say nothing about what the code does
SILENT_FIELDS = ("kind", "type_comment", "type_ignores", "ctx")


def _file_of(module: str) -> Path | None:
    """The source file of a module of this package; None for a name that is no module (a function, say)."""
    path = SOURCE_ROOT.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _imports(path: Path) -> frozenset[str]:
    """Modules of this package that a file imports, wherever the statement stands; not those for type checkers only."""
    found: set[str] = set()
    for node in _walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(name for name in found if name.split(".")[0] == PACKAGE and _file_of(name))


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below, without the blocks that only a type checker reads."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _walk(child)


def import_closure(*modules: str) -> dict[str, Path]:
    """Source files by module, sorted, of `modules` and all they import from this package.

    Raises ValueError for a module that does not exist: a rule that names it is wrong.
    """
    waiting, found = list(modules), {}
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        path = _file_of(module)
        if path is None:
            raise ValueError(f"no module {module} under {SOURCE_ROOT}")
        found[module] = path
        waiting.extend(_imports(path))
    return dict(sorted(found.items()))


def _words(node: ast.AST) -> Iterator[str]:
    """A syntax tree as words, the same in every version of Python for code that means the same.

    Empty fields are left out, because later versions have more of them.
    """
    yield type(node).__name__
    for name in node._fields:
        value = getattr(node, name, None)
        if name in SILENT_FIELDS or (value in (None, []) and not isinstance(node, ast.Constant)):
            continue
        yield name
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, ast.AST):
                yield repr(item)
            elif not _is_docstring(item):
                yield from _words(item)
        yield ";"


def _is_docstring(node: ast.AST) -> bool:
    """Whether a statement is nothing but a text: a docstring, or the description of a config key."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@cache
def meaning_of(path: Path) -> str:
    """A digest of what a source file means, 32 hexadecimal digits."""
    return hashlib.blake2b(" ".join(_words(_tree(path))).encode(), digest_size=16).hexdigest()


@cache
def code_digest(modules: tuple[str, ...], rows: tuple[str, ...] = ()) -> str:
    """A digest of the meaning of `modules`, of all they import, and of the rows of tables that a job uses.

    rows  any text that stands for a row, such as its repr
    """
    parts = [f"{name} {meaning_of(path)}" for name, path in import_closure(*modules).items() if name not in TABLES]
    return hashlib.blake2b("\n".join([*parts, *rows]).encode(), digest_size=16).hexdigest()
