"""The digest of a step's code decides what is run again: it holds what a step runs, by meaning, and nothing else."""

import ast
import shutil

import pytest

from egokd.planning import code
from egokd.planning.code import SOURCE_ROOT, TABLES, code_digest, import_closure, meaning_of

MODULES = sorted(path for path in (SOURCE_ROOT / "egokd").rglob("*.py"))
TRAIN = "egokd.steps.train"


def names(*modules: str) -> set[str]:
    return {name.removeprefix("egokd.") for name in import_closure(*modules)}


def test_a_plot_has_no_training_code():
    found = names("egokd.steps.plot_training")
    assert {"steps.plot_training", "evaluation.figures", "io", "errors", "runtime"} <= found
    assert not {name for name in found if name.startswith(("training", "distillation", "config", "sampling"))}


def test_training_has_its_loop_but_no_nets_adapters_or_figures():
    found = names(TRAIN)
    assert {"training.loop", "distillation.losses", "sampling.views", "models.build"} <= found
    unwanted = ("evaluation.figures", "evaluation.tables", "models.small", "models.stlt", "datasets.", "planning.")
    assert {name for name in found if name.startswith(unwanted)} == {"datasets.segments"}


def test_training_knows_its_own_sections_of_the_config_only():
    sections = {name for name in names(TRAIN) if name.startswith("config.")}
    assert "config.training" in sections
    assert not {"config.experiment", "config.evaluation", "config.data", "config.compute", "config.models"} & sections


def test_chosen_module_is_added_with_its_imports():
    found = names(TRAIN, "egokd.models.small")
    assert "models.small" in found
    assert "models.small_boxes" not in found


def test_unknown_module_is_refused():
    with pytest.raises(ValueError, match=r"egokd\.steps\.trian"):
        import_closure("egokd.steps.trian")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE_ROOT)))
def test_comments_docstrings_and_formatting_mean_nothing(path, tmp_path):
    text = path.read_text()
    tree = ast.parse(text)
    rewritten = ast.unparse(tree)  # without comments, on other lines, with other quotes and brackets
    other = tmp_path / path.name
    other.write_text("# a comment\n\n" + rewritten + '\n\n"""A text that nothing reads."""\n# another\n')
    assert other.read_text() != text
    assert meaning_of(other) == meaning_of(path)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE_ROOT)))
def test_other_docstrings_mean_nothing(path, tmp_path):
    tree = ast.parse(path.read_text())
    changed = 0
    for node in ast.walk(tree):
        for statement in getattr(node, "body", []) if isinstance(getattr(node, "body", None), list) else []:
            if code._is_docstring(statement):
                statement.value = ast.Constant("reworded")
                changed += 1
    assert changed, "every module has a docstring"
    other = tmp_path / path.name
    other.write_text(ast.unparse(tree))
    assert meaning_of(other) == meaning_of(path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1", "x = 2"),
        ("x = 1", "x = 1.0"),
        ("x = True", "x = 1"),
        ("x = 'a'", "x = b'a'"),
        ("x = (a,)", "x = (a)"),
        ("x = None", "x = ..."),
        ("def f(a, b): return a", "def f(b, a): return a"),
        ("def f(a=1): return a", "def f(*, a=1): return a"),
        ("f('a b')", "f('a', 'b')"),
        ("f(x=None)", "f()"),
        ("from a import b", "from .a import b"),
        ("if a:\n    b()\nc()", "if a:\n    b()\n    c()"),
        ("x = f'{a!r}'", "x = f'{a}'"),
        ("x: int = 1", "x: float = 1"),
        ("a < b", "a > b"),
        ("del a", "a"),
    ],
)
def test_a_change_of_meaning_is_seen(before, after, tmp_path):
    files = [tmp_path / "before.py", tmp_path / "after.py"]
    for file, text in zip(files, (before, after), strict=True):
        file.write_text(text)
    assert meaning_of(files[0]) != meaning_of(files[1])


def copied(tmp_path, monkeypatch):
    """A copy of the package that the module under test looks at."""
    shutil.copytree(SOURCE_ROOT / "egokd", tmp_path / "egokd", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "SOURCE_ROOT", tmp_path)
    for function in (code._tree, code._imports, code.meaning_of, code.code_digest):
        function.cache_clear()
    return tmp_path / "egokd"


@pytest.fixture
def package(tmp_path, monkeypatch):
    yield copied(tmp_path, monkeypatch)
    for function in (code._tree, code._imports, code.meaning_of, code.code_digest):
        function.cache_clear()


@pytest.mark.parametrize("changed", ["training/loop.py", "evaluation/figures.py", "config/evaluation.py", "errors.py"])
def test_a_changed_module_reaches_exactly_the_steps_that_import_it(package, changed):
    steps = [f"egokd.steps.{path.stem}" for path in (package / "steps").glob("[a-z]*.py")]
    before = {step: code_digest((step,)) for step in steps}
    module = "egokd." + changed.removesuffix(".py").replace("/", ".")
    users = {step for step in steps if module in import_closure(step)}
    with (package / changed).open("a") as handle:
        handle.write("\nADDED = 1\n")
    for function in (code._tree, code._imports, code.meaning_of, code.code_digest):
        function.cache_clear()
    assert {step for step in steps if code_digest((step,)) != before[step]} == users
    assert (users and users != set(steps)) or changed == "errors.py"


def test_tables_count_by_the_row_that_is_used(package):
    before = code_digest((TRAIN,), ("row",))
    with (package / "models/nets.py").open("a") as handle:
        handle.write('\nNETS["another"] = NETS["small"]\n')
    for function in (code._tree, code._imports, code.meaning_of, code.code_digest):
        function.cache_clear()
    assert "egokd.models.nets" in TABLES
    assert code_digest((TRAIN,), ("row",)) == before
    assert code_digest((TRAIN,), ("other row",)) != before
