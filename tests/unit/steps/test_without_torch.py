"""Steps that run no net start without torch: short jobs are mostly start-up, and a run has a hundred of them."""

import json
import subprocess
import sys

import pytest

from egokd.config.ensembles import EnsembleSettings
from egokd.planning.code import SOURCE_ROOT
from made_up_predictions import write_predictions, write_table

WITH_NETS = {"train", "bank", "predict", "measure_cost", "measure_pipeline", "import_weights"}
STEPS = {path.stem for path in (SOURCE_ROOT / "egokd" / "steps").glob("[a-z]*.py")}
WITHOUT_TORCH = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ImportError("torch was imported")

sys.meta_path.insert(0, NoTorch())
"""
TEACHERS = ("rgb", "flow")


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_every_step_without_a_net_can_be_imported_without_torch():
    assert WITH_NETS < STEPS
    run(WITHOUT_TORCH + "\n".join(f"import egokd.steps.{step}" for step in sorted(STEPS - WITH_NETS)))


@pytest.mark.parametrize("step", ["combine_ensemble", "index_stores"])
def test_the_shortest_steps_import_no_table_or_picture_library_either(step):
    heavy = ("pandas", "pyarrow", "cv2", "scipy", "matplotlib", "torch")
    program = f"import sys, egokd.steps.{step}, egokd.runtime\negokd.runtime.start('x', 1)\n"
    assert run(program + f"print([name for name in {heavy} if name in sys.modules])").strip() == "[]"


def test_from_predictions_to_the_figures_nothing_needs_torch(tmp_path):
    rows = write_table(tmp_path / "segments.parquet")
    files = {}
    for teacher in TEACHERS:
        for split in ("heldout", "val"):
            files[teacher, split] = tmp_path / teacher / f"{split}-1x1.safetensors"
            files[teacher, split].parent.mkdir(exist_ok=True)
            write_predictions(files[teacher, split], rows, teacher)
    segments, weights = f"--segments {tmp_path}/segments.parquet", tmp_path / "heldout" / "seed0.json"
    settings = {"scheme": "fitted", "weights_temperature": 1.0, "combine": "logits", "calibrate": True}
    settings = EnsembleSettings(teachers=list(TEACHERS), **settings).model_dump_json().replace(" ", "")

    def predictions(split):
        return "--predictions " + " ".join(f"{name}={files[name, split]}" for name in TEACHERS)

    table_rows = [
        {"model": "baseline_rgb", "input": "rgb", "taught_by": "", "members": []},
        {"model": "ensemble_heldout", "input": "rgb+flow", "taught_by": "", "members": ["baseline_rgb"]},
    ]
    cost = {"baseline_rgb": {"params_m": 1.0, "gflops_per_view": 2.0, "clips_per_s": 3.0}}
    (tmp_path / "cost.json").write_text(json.dumps(cost))
    of = {"baseline_rgb": files["rgb", "val"], "ensemble_heldout": tmp_path / "combined.safetensors"}
    metrics = {model: tmp_path / f"{model}.json" for model in of}
    both, drawn = " ".join(map(str, metrics.values())), f"--svg {tmp_path}/a.svg --png {tmp_path}/a.png"
    calls = [
        f"fit_ensemble {segments} {predictions('heldout')} --settings {settings} --out {weights}",
        f"combine_ensemble --weights {weights} {predictions('val')} --out {of['ensemble_heldout']}",
        *(
            f"evaluate {segments} --predictions {path} --dataset made_up --model {model} --seed 0 --views 1x1 --bins 15"
            f" --out {metrics[model]}"
            for model, path in of.items()
        ),
        f"tabulate --metrics {both} --cost {tmp_path}/cost.json --rows ROWS --csv {tmp_path}/t.csv"
        f" --md {tmp_path}/t.md --provenance {tmp_path}/t.json --call {tmp_path}/none --models {tmp_path}/models",
        f"plot_accuracy --metrics {both} --rows ROWS {drawn}",
        f"plot_reliability --metrics {both} --models {' '.join(of)} {drawn}",
        f"plot_ensemble_weights --weights {weights} --dataset made_up {segments} {drawn}",
    ]
    program = WITHOUT_TORCH + "from importlib import import_module\n"
    for call in calls:
        step, *arguments = call.split()
        arguments = [json.dumps(table_rows) if word == "ROWS" else word for word in arguments]
        program += f"import_module('egokd.steps.{step}').main({arguments!r})\n"
    run(program)
    assert "ensemble_heldout" in (tmp_path / "t.md").read_text()
