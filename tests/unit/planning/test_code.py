"""The import closure decides what is run again, so it must hold what a step runs and nothing else."""

import pytest

from egokd.planning.code import SOURCE_ROOT, import_closure


def names(*modules: str) -> set[str]:
    return {str(path.relative_to(SOURCE_ROOT / "egokd")) for path in import_closure(*modules)}


def test_a_plot_has_no_training_code():
    found = names("egokd.steps.plot_training")
    assert {"steps/plot_training.py", "figures.py", "io.py", "errors.py", "runtime.py"} <= found
    assert not {"training.py", "losses.py", "bank.py", "config.py"} & found


def test_training_has_its_loop_but_no_nets_and_no_figures():
    found = names("egokd.steps.train")
    assert {"training.py", "losses.py", "views.py", "inputs.py", "models/build.py"} <= found
    assert not {name for name in found if name.startswith(("figures", "tables", "models/small", "models/stlt"))}
    assert not {name for name in found if name.startswith("datasets/")}


def test_chosen_module_is_added_with_its_imports():
    found = names("egokd.steps.train", "egokd.models.small")
    assert "models/small.py" in found
    assert "models/small_boxes.py" not in found


def test_unknown_module_is_refused():
    with pytest.raises(ValueError, match=r"egokd\.steps\.trian"):
        import_closure("egokd.steps.trian")
