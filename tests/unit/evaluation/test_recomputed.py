"""The numbers of the metrics files, computed anew from the stored predictions by loops that share no code with
egokd.evaluation: the files are read as plain safetensors and Parquet."""

import itertools
import json
import math

import pytest
from safetensors.numpy import load_file

import slow_metrics as slow
from egokd.steps import calibrate, combine_ensemble, evaluate
from made_up_predictions import write_predictions, write_table

HEADS, BINS = ("verb", "noun"), 15


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Predictions at 3x3 views with missing segments, their metrics at two settings, and the calibration."""
    folder = tmp_path_factory.mktemp("run")
    rows = write_table(folder / "segments.parquet")
    write_predictions(folder / "val-3x3.safetensors", rows, "rgb", (3, 3), strength=1.5, missing=4)
    write_predictions(folder / "heldout-1x1.safetensors", rows, "rgb")
    common = f"--segments {folder}/segments.parquet --dataset made_up --model baseline_rgb --seed 0 --bins {BINS}"
    common += f" --predictions {folder}/val-3x3.safetensors"
    for views in ("3x3", "1x1"):
        evaluate.main(f"{common} --views {views} --out {folder}/{views}.json".split())
    heldout = f"--heldout {folder}/heldout-1x1.safetensors"
    calibrate.main(f"{common} {heldout} --views 3x3 --out {folder}/calibration.json".split())
    return folder, rows[rows["split"] == "val"].reset_index(drop=True)


def mean_logits(folder, places):
    """{head: a list of logits per segment}, the mean over the views at `places`."""
    stored = load_file(folder / "val-3x3.safetensors")
    return {
        head: [
            [math.fsum(float(view[k]) for view in views) / len(views) for k in range(stored[head].shape[2])]
            for views in stored[head][:, places]
        ]
        for head in HEADS
    }


def expected(logits, rows, chosen):
    """All metrics of the segments `chosen`, by head and for the action."""
    truth = {head: rows[head].tolist() for head in HEADS}
    found = {}
    probabilities = {head: [slow.softmax(row) for row in logits[head]] for head in HEADS}
    for head in (*HEADS, "action"):
        ranks, nll, brier, confidence, correct = [], [], [], [], []
        for n in chosen:
            if head == "action":
                pairs = {
                    (v, o): probabilities["verb"][n][v] * probabilities["noun"][n][o]
                    for v, o in itertools.product(range(len(logits["verb"][n])), range(len(logits["noun"][n])))
                }
                label = (truth["verb"][n], truth["noun"][n])
                scores = {(v, o): logits["verb"][n][v] + logits["noun"][n][o] for v, o in pairs}
            else:
                pairs, label = dict(enumerate(probabilities[head][n])), truth[head][n]
                scores = dict(enumerate(logits[head][n]))
            above = sum(scores[other] > scores[label] - 1e-9 for other in scores if other != label)
            ranks.append(above)
            nll.append(-math.log(pairs[label]))
            brier.append(math.fsum((p - (other == label)) ** 2 for other, p in pairs.items()))
            confidence.append(max(pairs.values()))
            correct.append(above == 0)
        found |= {
            f"{head}_top1": 100 * sum(rank == 0 for rank in ranks) / len(ranks),
            f"{head}_top5": 100 * sum(rank < 5 for rank in ranks) / len(ranks),
            f"{head}_nll": math.fsum(nll) / len(nll),
            f"{head}_ece": 100 * slow.calibration_error(confidence, correct, BINS),
            f"{head}_brier": 100 * math.fsum(brier) / len(brier),
        }
    return {**found, "segments": len(chosen)}


@pytest.mark.parametrize(("views", "places"), [("3x3", range(9)), ("1x1", [4])])
def test_metrics_of_every_subset_equal_slow_loops_over_the_stored_logits(run, views, places):
    folder, rows = run
    written = json.loads((folder / f"{views}.json").read_text())
    assert (written["clips"], written["crops"]) == ((3, 3) if views == "3x3" else (1, 1))
    assert written["without_modality"] == 4
    logits = mean_logits(folder, list(places))
    subsets = {
        "all": rows.index,
        "unseen": rows.index[rows["unseen"]],
        "tail_verb": rows.index[rows["tail_verb"]],
        "tail_action": rows.index[rows["tail_verb"] | rows["tail_noun"]],
    }
    for name, chosen in subsets.items():
        assert written["subsets"][name] == pytest.approx(expected(logits, rows, list(chosen)), abs=1e-6), name


def test_the_calibration_file_agrees_with_the_metrics_and_divides_by_its_temperature(run):
    folder, rows = run
    metrics = json.loads((folder / "3x3.json").read_text())["subsets"]["all"]
    variants = json.loads((folder / "calibration.json").read_text())["variants"]
    for name in ("action_top1", "action_nll", "action_ece", "verb_brier"):
        assert variants[""]["metrics"][name] == pytest.approx(metrics[name], abs=1e-9)
    temperatures, scaled = variants["+ts"]["temperatures"], mean_logits(folder, list(range(9)))
    divided = {h: [[value / temperatures[h] for value in row] for row in scaled[h]] for h in HEADS}
    found = expected(divided, rows, list(rows.index))
    for name in ("verb_nll", "noun_ece", "action_nll", "action_brier"):
        assert variants["+ts"]["metrics"][name] == pytest.approx(found[name], abs=1e-6), name
    assert temperatures["verb"] != 1 and variants["+ts"]["metrics"]["verb_top1"] == metrics["verb_top1"]


def test_combining_nine_views_and_reading_one_gives_that_view_combined(run, tmp_path):
    folder, _ = run
    weights = {"weights": {h: {"rgb": 1.0} for h in HEADS}, "combine": "logits", "scale": dict.fromkeys(HEADS, 2.0)}
    (tmp_path / "w.json").write_text(json.dumps(weights))
    arguments = f"--weights {tmp_path}/w.json --predictions rgb={folder}/val-3x3.safetensors --out {tmp_path}/e.st"
    combine_ensemble.main(arguments.split())
    combined, single = load_file(tmp_path / "e.st"), load_file(folder / "val-3x3.safetensors")
    assert (combined["verb"][:, 4] == 2 * single["verb"][:, 4]).all()
