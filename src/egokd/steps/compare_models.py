"""Show where the student's gain comes from: predictions of models and seeds -> three CSV, Markdown, SVG, PNG."""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from egokd import runtime
from egokd.config.views import ViewSettings
from egokd.datasets.segments import Segments, read_segments
from egokd.distillation.logit_files import LogitFile
from egokd.distillation.logits import average_views
from egokd.errors import UserError
from egokd.evaluation.figures import save
from egokd.evaluation.gain_report import as_markdown, figure_of_classes
from egokd.evaluation.gains import Compared, by_class, by_length, confusions, predicted_classes, share_in_view
from egokd.io import write_csv, write_text
from egokd.steps._evaluated import chosen_views, labelled_rows
from egokd.steps._logit_arguments import clips_and_crops, labelled_paths


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=Path, required=True, help="segments.parquet")
    parser.add_argument("--predictions", type=labelled_paths, nargs="+", required=True, help="MODEL/SEED=FILE[,FILE]")
    parser.add_argument(
        "--compared", type=json.loads, required=True, help="JSON: baseline, ensemble, student, teachers"
    )
    parser.add_argument("--views", type=clips_and_crops, required=True, help="CLIPSxCROPS")
    parser.add_argument("--sampling", type=json.loads, required=True, help="JSON: the config's `views`")
    parser.add_argument("--dataset", required=True, help="name in the config, for captions")
    for kind in ("csv", "confusions", "lengths", "md", "svg", "png"):
        parser.add_argument(f"--{kind}", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.start("compare_models", 1)

    segments, compared = read_segments(args.segments), Compared(**args.compared)
    data = f"{args.dataset} (source: {segments.source})"
    rows, labels, predicted = read(segments, args.predictions, args.segments, args.views)
    names, classes, pairs = segments.heads, [], []
    for head, labels_N in labels.items():
        classes.append(by_class(predicted[head], labels_N, names[head], compared).assign(head=head))
        pairs.append(confusions(predicted[head], labels_N, names[head], compared).assign(head=head))
    right = {
        model: [
            np.logical_and.reduce([predicted[head][model][seed] == labels[head] for head in labels])
            for seed in range(len(found))
        ]
        for model, found in next(iter(predicted.values())).items()
    }
    length_s, spec = (rows["stop_s"] - rows["start_s"]).to_numpy(), ViewSettings(**args.sampling)
    lengths = by_length(
        right, length_s, share_in_view(length_s, spec.sampling, spec.num_frames, spec.stride_s), compared
    )
    all_classes, all_pairs = pd.concat(classes, ignore_index=True), pd.concat(pairs, ignore_index=True)
    write_csv(args.csv, all_classes)
    write_csv(args.confusions, all_pairs)
    write_csv(args.lengths, lengths)
    write_text(args.md, as_markdown(all_classes, all_pairs, lengths, compared, data))
    save(figure_of_classes(all_classes, compared, data), args.svg, args.png)


def read(
    segments: Segments, files: list[tuple[str, list[Path]]], path: Path, views: tuple[int, int]
) -> tuple[pd.DataFrame, dict[str, np.ndarray], dict[str, dict[str, list[np.ndarray]]]]:
    """Rows, labels by head, and predicted classes by head and model, a list over seeds; one file is held at a time.

    Raises UserError unless all predictions are of the same segments.
    """
    predicted: dict[str, dict[str, list[np.ndarray]]] = {head: {} for head in segments.heads}
    first = LogitFile(files[0][1])
    rows, labels = labelled_rows(segments, first, path)
    for name, paths in files:
        file = LogitFile(paths)
        if file.segment_ids != first.segment_ids:
            raise UserError(f"{paths[0]} and {first.paths[0]} are of different segments; predict both again")
        logits, places = file.all_logits(file.segment_ids), chosen_views(file, views)
        for head in labels:
            classes = predicted_classes(average_views(logits[head][:, places]))
            predicted[head].setdefault(name.partition("/")[0], []).append(classes)
    return rows, labels, predicted


if __name__ == "__main__":
    runtime.run(main)
