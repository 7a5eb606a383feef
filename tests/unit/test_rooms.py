"""The rooms of the house: imports go one way, in no circle; packages hold a docstring only; modules stay small."""

import ast
from graphlib import TopologicalSorter

import pytest

from egokd.planning.code import SOURCE_ROOT, TABLES, _imports, import_closure

PACKAGE = SOURCE_ROOT / "egokd"
# every room may import from those in the lines before its own, and from its own
FLOORS = (
    ("errors", "hashing", "checksums", "makers", "times", "names", "modalities", "io", "runtime"),
    ("config",),
    ("media", "machine"),
    ("datasets",),
    ("sampling", "models"),
    ("distillation",),
    ("training", "evaluation"),
    ("portable",),
    ("planning",),
    ("steps",),
    ("cli",),
)
LONGEST = 300  # lines of a module


def modules() -> dict[str, object]:
    """Every module of the package and its file."""
    paths = PACKAGE.rglob("*.py")
    named = ((path.relative_to(SOURCE_ROOT).with_suffix("").parts, path) for path in paths)
    return {".".join(parts[:-1] if parts[-1] == "__init__" else parts): path for parts, path in named}


def floor_of(module: str) -> int:
    room = module.split(".")[1]
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


MODULES = modules()
PACKAGES = [name for name, path in MODULES.items() if path.name == "__init__.py"]
IMPORTED = {module: {name for name in _imports(path) if name in MODULES} for module, path in MODULES.items()}


def test_every_room_has_a_floor():
    rooms = {module.split(".")[1] for module in MODULES if "." in module}
    assert rooms == {room for rooms in FLOORS for room in rooms}


def test_no_import_goes_up_or_to_a_neighbour():
    wrong = [
        f"{module} imports {name}"
        for module, names in IMPORTED.items()
        for name in names
        if "." in name
        and "." in module
        and module.split(".")[1] != name.split(".")[1]
        and floor_of(name) >= floor_of(module) > 0
    ]
    assert wrong == []


def test_no_import_goes_in_a_circle():
    order = list(TopologicalSorter(IMPORTED).static_order())  # raises CycleError, which names the circle
    assert set(order) == set(IMPORTED)


def test_no_step_imports_a_step():
    steps = {module for module in MODULES if module.startswith("egokd.steps.") and "._" not in module}
    assert {module: IMPORTED[module] & steps for module in steps if IMPORTED[module] & steps} == {}


@pytest.mark.parametrize("module", [name for name in PACKAGES if name != "egokd"])
def test_a_package_holds_a_docstring_only(module):
    body = ast.parse(MODULES[module].read_text()).body
    assert len(body) == 1 and ast.get_docstring(ast.parse(MODULES[module].read_text()))


def test_the_package_itself_brings_nothing_into_the_steps_that_import_it():
    assert set(import_closure("egokd")) == {"egokd"}


def test_modules_fit_on_a_few_screens():
    lengths = {module: len(path.read_text().splitlines()) for module, path in MODULES.items()}
    assert {module: length for module, length in lengths.items() if length > LONGEST} == {}


def test_tables_are_data_and_import_nothing_heavy():
    for table in TABLES:
        assert {name.split(".")[1] for name in import_closure(table) if "." in name} <= {
            *FLOORS[0],
            *FLOORS[1],
            table.split(".")[1],
        }
