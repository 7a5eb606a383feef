"""What the steps that hold predictions against labels share: rows, labels and views of a file of predictions."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from egokd.datasets.joining import rows_of
from egokd.datasets.segments import Segments, select
from egokd.distillation.logit_files import LogitFile
from egokd.errors import UserError
from egokd.evaluation.view_settings import Setting, places_in


def labelled_rows(segments: Segments, file: LogitFile, path: Path) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The rows of the file's segments, with their ids as the index, and {head: int64 [N]} labels.

    Raises UserError for a segment that the table `path` lacks, for labels that are not published, and for a file of
    other classes.
    """
    every, heads = select(segments.table, file.metadata["split"]), list(segments.heads)
    ids = file.segment_ids
    rows = rows_of(every, ids, str(file.paths[0]), str(path))
    if (rows[heads] < 0).any(axis=None):
        raise UserError(
            f"{file.paths[0]}: the labels of split {file.metadata['split']!r} are not published, so it cannot be "
            "evaluated; write a submission instead"
        )
    file.check(ids, [], segments.num_classes)
    return rows, {head: rows[head].to_numpy(np.int64) for head in heads}


def origin(args: argparse.Namespace, segments: Segments) -> dict[str, Any]:
    """What a file of measures begins with: whose predictions, on which data, at which view setting."""
    return {
        "dataset": args.dataset,
        "source": segments.source,
        "model": args.model,
        "seed": args.seed,
        "clips": args.views[0],
        "crops": args.views[1],
    }


def chosen_views(file: LogitFile, views: Setting) -> list[int]:
    """Places of the wanted views among those of the file; UserError if they are not among them."""
    predicted = int(file.metadata["clips"]), int(file.metadata["crops"])
    if (places := places_in(views, predicted)) is None:
        raise UserError(
            f"{file.paths[0]}: has the views {list(predicted)} (clips, crops), and {list(views)} are not among them; "
            "predict these"
        )
    return places
