"""The card says what was measured, and the hub's own client reads its head."""

import pytest
from huggingface_hub import ModelCard

from egokd.portable.card import Facts, card
from egokd.portable.settings import Calibration
from packed_model import portable_of

TRAIN = {"epochs": 3, "lr": 0.002}
TAUGHT = {"ensemble": "heldout", "teachers": ["rgb", "flow"], "scheme": "heldout"}
TAUGHT |= {"tau": 2.0, "kd_weight": 1.0, "ce_weight": 0.0}


def metrics(model, seed, top1, unseen=None):
    def scores(value):
        names = {"top1": value, "top5": 80.0, "nll": 1.25, "ece": 4.0, "brier": 30.0}
        return {f"{head}_{key}": v for head in ("verb", "noun", "action") for key, v in names.items()}

    subsets = {"all": scores(top1)} | ({"unseen": scores(unseen)} if unseen else {})
    return {"model": model, "seed": seed, "segments": 24, "skipped": 1, "subsets": subsets}


def facts(**changes):
    values = {
        "licence": "cc-by-nc-4.0",
        "training": {"net": "small", "options": {}, "train": TRAIN, "taught_by": TAUGHT},
        "metrics": [
            metrics("student_heldout", 0, 60.0, 50.0),
            metrics("student_heldout", 1, 64.0, 52.0),
            metrics("baseline_rgb", 0, 55.0),
        ],
        "cost": {"params_m": 0.44, "gflops_per_view": 0.031, "clips_per_s": 380.0, "device": "CPU, 1 thread(s)"},
        "starts": "trained from scratch",
    }
    return Facts(**{**values, **changes})


def test_the_client_of_the_hub_reads_licence_task_and_scores():
    found = ModelCard(card(portable_of(), {"segments": 7}, facts()))
    assert found.data.license == "cc-by-nc-4.0"
    assert found.data.pipeline_tag == "video-classification"
    assert found.data.library_name == "egokd"
    assert "knowledge-distillation" in found.data.tags
    scores = {result.metric_name: result.metric_value for result in found.data.eval_results}
    assert scores == {"verb top-1": 60.0, "noun top-1": 60.0, "action top-1": 60.0}  # of this seed, not the mean


def test_the_table_has_the_mean_and_spread_over_seeds_and_the_baseline_beside_it():
    text = card(portable_of(), {"segments": 7}, facts())
    row = next(line for line in text.splitlines() if line.startswith("| student_heldout | all"))
    assert "62.0 ± 2.8" in row
    assert "| student_heldout | unseen participants | 51.0 ± 1.4 |" in text
    assert "| baseline_rgb | all | 55.0 |" in text
    assert "over the training seeds [0, 1]" in text


def test_every_thing_that_must_be_said_is_said():
    text = card(portable_of(licence="only for friends"), {"segments": 7}, facts())
    for words in ("only for friends", "7 training segments", "tau 2", "0.44 M parameters", "of no use on real video"):
        assert words in text
    assert "egokd predict" in text and "## Intended use and limits" in text


def test_calibration_is_told_with_its_figures_or_said_to_be_missing():
    assert "The logits were not calibrated" in card(portable_of(), {}, facts())
    fit = Calibration(
        segments=40, noisy_labels=True, nll_before={"verb": 1.5, "noun": 2}, nll_after={"verb": 1, "noun": 2}
    )
    text = card(portable_of(calibration=fit), {}, facts())
    assert "fitted on 40 held-out" in text and "| verb | 2.000 | 1.500 | 1.000 |" in text and "wrong labels" in text


@pytest.mark.parametrize(
    ("change", "said"), [({"metrics": []}, "has not been evaluated"), ({"cost": {}}, "Not measured")]
)
def test_what_was_not_measured_is_not_claimed(change, said):
    text = card(portable_of(), {}, facts(**change))
    assert said in text
    assert ModelCard(text).data.license == "cc-by-nc-4.0"


def test_one_seed_claims_no_spread():
    text = card(portable_of(), {}, facts(metrics=[metrics("student_heldout", 0, 60.0)]))
    assert "nothing is known about the spread" in text and "±" not in text.split("## Results")[1].split("##")[0]
