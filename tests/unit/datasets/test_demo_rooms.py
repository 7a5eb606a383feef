"""The two demo worlds share a kit and nothing else: a change in one never renders the other again."""

import ast
from pathlib import Path

import pytest

from paths import REPOSITORY

SOURCE = REPOSITORY / "src"
DEMOS = "egokd.datasets.demos"
ROOMS = ("kit", "kitchen", "compositional")


def file_of(module: str) -> Path | None:
    """Source file of a module or package of egokd; None for a name that is neither."""
    path = SOURCE.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def imports(module: str) -> set[str]:
    """Modules of egokd that a module's import statements name, with the packages that they lie in."""
    named = set()
    for node in ast.walk(ast.parse(file_of(module).read_text())):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    parents = {name.rsplit(".", depth)[0] for name in named for depth in range(1, name.count(".") + 1)}
    return {name for name in named | parents if name.split(".")[0] == "egokd" and file_of(name)}


def reached(*modules: str) -> set[str]:
    """`modules` and all of egokd that importing them imports."""
    waiting, seen = list(modules), set()
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting.extend(imports(module))
    return seen


def room(name: str) -> list[str]:
    """The modules of one room of the demos."""
    files = sorted((SOURCE / DEMOS.replace(".", "/") / name).glob("*.py"))
    return [f"{DEMOS}.{name}" if file.stem == "__init__" else f"{DEMOS}.{name}.{file.stem}" for file in files]


def in_room(modules: set[str], name: str) -> set[str]:
    return {module for module in modules if f"{module}.".startswith(f"{DEMOS}.{name}.")}


@pytest.mark.parametrize("one, other", [(a, b) for a in ROOMS for b in ROOMS if a != b and b != "kit"])
def test_no_demo_reaches_the_other_and_the_kit_reaches_neither(one: str, other: str) -> None:
    assert len(room(one)) > 5
    assert not in_room(reached(*room(one)), other)


@pytest.mark.parametrize("step, own, other", [("demo", *ROOMS[1:]), ("compositional", *ROOMS[:0:-1])])
def test_a_demo_s_step_runs_its_own_code_only(step: str, own: str, other: str) -> None:
    modules = reached(f"egokd.steps.generate_{step}")
    assert in_room(modules, own) and in_room(modules, "kit") and not in_room(modules, other)


def test_everything_in_the_kit_is_used_by_both() -> None:
    used = [in_room(reached(*room(name)), "kit") - {f"{DEMOS}.kit"} for name in ROOMS[1:]]
    assert used[0] == used[1] == set(room("kit")) - {f"{DEMOS}.kit"}
