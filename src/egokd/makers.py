"""Which rule makes a file, by its place below results/: what the sentence about a damaged file advises."""

import re
from pathlib import Path

SHARDS = {"rgb": "extract_frames", "flow": "extract_flow", "audio": "extract_audio", "obj": "extract_objects"}
# the place below results/ and the rule; the first that fits counts
PLACES = (
    (r"data/[^/]+(?:/test)?/annotations\.parquet", "index_segments"),
    (r"data/[^/]+/segments\.parquet", "assign_folds"),
    (r"data/[^/]+/boxes_index\.parquet", "index_boxes"),
    (r"data/[^/]+(?:/test)?/skipped\.csv", "collect_skipped"),
    (r"data/[^/]+(?:/test)?/[^/]+/shards\.json", "index_stores"),
    *((rf"data/[^/]+(?:/test)?/{modality}/.+", rule) for modality, rule in SHARDS.items()),
    (r"models/[^/]+/[^/]+/[^/]+/inference\.json", "package"),
    (r"models/[^/]+/baseline_([^/]+)/.+", r"train_teacher_\1"),
    (r"models/[^/]+/(omnivore|student_[^/]+)/.+", r"train_\1"),
    (r"bank/[^/]+/([^/]+)/.+", r"bank_teacher_\1"),
    (r"predictions/[^/]+/ensemble_[^/]+/.+", "combine_ensemble"),
    (r"predictions/[^/]+/[^/]+/[^/]+/heldout-.+", "predict_heldout"),
    (r"predictions/.+", "predict"),
    (r"ensembles/.+", "fit_ensemble"),
    (r"metrics/.+", "evaluate"),
    (r"calibration/.+", "calibrate"),
    (r"cost/[^/]+_pipeline\.json", "measure_pipeline"),
    (r"cost/.+", "measure_cost"),
    (r"init/[^/]+/([^/]+)/.+", r"import_init_\1"),
)


def maker_of(path: str | Path) -> str | None:
    """The name of the rule that makes the file; None outside results/, or where no rule is known to make it."""
    _, found, place = Path(path).absolute().as_posix().rpartition("/results/")
    for pattern, rule in PLACES if found else ():
        if match := re.fullmatch(pattern, place):
            return match.expand(rule)
    return None


def again(path: str | Path) -> str:
    """The advice, a sentence: nobody is told to delete a file that no rule makes."""
    rule = maker_of(path)
    if rule is None:
        return "Put an undamaged copy in its place, or make it again in the way it was made."
    return f"Delete it and call the workflow again: rule {rule} makes it."
