"""What is answered: confidence from the scaled logits, the best combinations, and the forms it is written in."""

import csv
import io
import itertools
import json

import numpy as np
import pytest

from egokd.portable.answers import Prediction, Skipped, csv_lines, json_line

CLASSES = {"noun": ["cup", "pan", "box", "tap"], "verb": ["take", "put", "wash"]}


@pytest.fixture
def answer():
    random = np.random.default_rng(0)
    logits = {head: random.normal(size=len(names)) for head, names in CLASSES.items()}
    scaled = {head: 2 * values for head, values in logits.items()}
    return Prediction("a.mp4", 0.0, 1.5, "x", CLASSES, logits, scaled)


def test_confidence_is_the_softmax_of_the_scaled_logits(answer):
    exponents = np.exp(answer.scaled["verb"])
    assert answer.probabilities("verb") == pytest.approx(exponents / exponents.sum())
    best = int(np.argmax(answer.logits["verb"]))
    assert answer.top("verb", 1) == [(CLASSES["verb"][best], pytest.approx(exponents.max() / exponents.sum()))]


@pytest.mark.parametrize("count", [1, 2, 5, 12, 50])
def test_the_best_actions_are_those_of_all_combinations(answer, count):
    verb, noun = answer.probabilities("verb"), answer.probabilities("noun")
    every = [
        (f"{v} {n}", p * q)
        for (v, p), (n, q) in itertools.product(
            zip(CLASSES["verb"], verb, strict=True), zip(CLASSES["noun"], noun, strict=True)
        )
    ]
    wanted = sorted(every, key=lambda pair: -pair[1])[:count]
    found = answer.top("action", count)
    assert [name for name, _ in found] == [name for name, _ in wanted]
    assert [p for _, p in found] == pytest.approx([p for _, p in wanted])


def test_verbs_come_before_nouns_and_the_action_last(answer):
    assert answer.asked == ["verb", "noun", "action"]
    with pytest.raises(KeyError, match="there are verb, noun, action"):
        answer.top("adverb")


def test_a_line_of_json_holds_what_a_program_needs(answer):
    plain = json.loads(json_line(answer, 2, with_logits=True))
    assert (plain["video"], plain["segment_id"], plain["start_s"], plain["stop_s"]) == ("a.mp4", "x", 0.0, 1.5)
    assert len(plain["verb"]) == 2 and set(plain["verb"][0]) == {"class", "confidence"}
    assert plain["logits"]["noun"] == answer.logits["noun"].tolist()
    skipped = json.loads(json_line(Skipped("b.mp4", "why", start_s=1.0, stop_s=2.0), 2, False))
    assert skipped == {"video": "b.mp4", "skipped": "why", "start_s": 1.0, "stop_s": 2.0}


def test_a_csv_has_a_row_per_rank_and_one_per_skip(answer):
    text = csv_lines([answer, Skipped("b.mp4", "no, such file")], answer.asked, 2)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["rank"] for row in rows] == ["1", "2", ""]
    assert rows[0]["action"] == answer.top("action", 1)[0][0]
    assert float(rows[1]["noun_confidence"]) == pytest.approx(answer.top("noun", 2)[1][1], abs=1e-4)
    assert rows[2]["skipped"] == "no, such file" and rows[2]["verb"] == ""
