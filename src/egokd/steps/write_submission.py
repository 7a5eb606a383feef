"""Write a submission to the EPIC-KITCHENS-100 action recognition challenge: test predictions -> zip.

The zip has one file, test.json: version, challenge, the three levels of supervision, and under `results` the scores of
all verbs and all nouns by class number, for every narration. Scores are logits, averaged over views.
"""

import argparse
import json
import zipfile
from pathlib import Path

from egokd import runtime
from egokd.config.evaluation import SubmissionSettings
from egokd.config.validation import parse_settings
from egokd.datasets.segments import read_segments, select
from egokd.distillation.logit_files import LogitFile
from egokd.distillation.logits import average_views
from egokd.errors import UserError
from egokd.io import atomic_path

VERSION, CHALLENGE = "0.2", "action_recognition"
HEADS = ("verb", "noun")
DATE = (1980, 1, 1, 0, 0, 0)  # fixed, so that the same scores give the same file


def submission(ids: list[str], scores: dict[str, list[list[float]]], levels: dict[str, int]) -> dict:
    """The content of test.json. scores: {head: one list of numbers per narration}."""
    results = {
        narration: {head: {str(number): score for number, score in enumerate(scores[head][row])} for head in HEADS}
        for row, narration in enumerate(ids)
    }
    return {"version": VERSION, "challenge": CHALLENGE, **levels, "results": results}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=Path, required=True, help="segments.parquet")
    parser.add_argument("--predictions", type=Path, nargs="+", required=True, help="of the test split")
    parser.add_argument("--settings", required=True, help="JSON: sls_pt, sls_tl, sls_td")
    parser.add_argument("--out", type=Path, required=True, help="the zip")
    args = parser.parse_args(argv)
    runtime.start("write_submission", 1)

    levels = parse_settings(SubmissionSettings, args.settings)
    segments, file = read_segments(args.segments), LogitFile(args.predictions)
    if set(segments.heads) != set(HEADS):
        raise UserError(f"{args.segments}: a submission needs verb and noun, this dataset has {list(segments.heads)}")
    ids = select(segments.table, "test")["segment_id"].tolist()
    missing = sorted(set(ids) - set(file.segment_ids))
    if missing:
        raise UserError(
            f"{args.predictions[0]}: {len(missing)} of {len(ids)} test segments have no prediction, the first is "
            f"{missing[0]!r} (see skipped.csv); the challenge accepts complete submissions only"
        )
    logits = file.all_logits(ids)
    scores = {head: average_views(logits[head]).round(4).tolist() for head in HEADS}
    with atomic_path(args.out) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps(submission(ids, scores, levels.model_dump()))
        archive.writestr(zipfile.ZipInfo("test.json", DATE), text, zipfile.ZIP_DEFLATED)
    runtime.log.info("scores of %d narrations", len(ids))


if __name__ == "__main__":
    runtime.run(main)
