"""Look at a dataset before hours of work: annotations, headers of all referenced files, expected size of the run.

Writes a report, a table of problems and a histogram of classes. Ends with exit code 1 when annotations are wrong or
more segments than the config allows cannot be used.
"""

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd

from egokd import runtime
from egokd.config.validation import validate
from egokd.config.views import ViewSettings
from egokd.datasets import checks
from egokd.datasets.adapter import Adapter
from egokd.datasets.checks import Problem
from egokd.datasets.formats import FORMATS, adapter
from egokd.datasets.headers import fill_in
from egokd.datasets.segments import Segments, check_segments
from egokd.errors import UserError
from egokd.io import atomic_path, write_text
from egokd.media.header import Header, read_headers
from egokd.media.json_boxes import check_file
from egokd.media.sources import FrameFiles
from egokd.sampling.repeated_frames import share_of_repeats

COLUMNS = ["level", "kind", "video_id", "segment_id", "message"]
SHOWN = 5  # examples of each kind of problem in the report


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder with the official files")
    parser.add_argument("--format", required=True, help="layout of the files")
    parser.add_argument("--dataset", required=True, help="name of the dataset in the config")
    parser.add_argument("--options", type=json.loads, default={}, help="JSON: further arguments of the format")
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: modalities, flow, frame_rate, ...")
    parser.add_argument("--frames-fps", type=float, help="rate at which frames beside or in place of videos were made")
    parser.add_argument("--threads", type=int, default=1, help="headers looked at side by side")
    parser.add_argument("--out", type=Path, required=True, help="folder for report.md, problems.csv, classes.csv")
    return parser.parse_args(argv)


def box_files(args: argparse.Namespace) -> list[Path]:
    """Few large files with the boxes of all videos, for formats that have such."""
    return sorted({path for pattern in FORMATS[args.format].box_files for path in args.root.glob(pattern)})


def further_files(args: argparse.Namespace, module: Adapter, videos: list[str], frames: set[str]) -> list[Problem]:
    """Files beside the pictures that the chosen modalities need."""
    wanted, found = args.settings["modalities"], []
    if "audio" in wanted:
        of_frames = sorted(frames)  # the others' sound is in the file whose header was read
        found += checks.check_files(of_frames, "no video for the sound", lambda v: module.sound_path(args.root, v))
    if "flow" in wanted and args.settings["flow"] == "official":
        sources = {video_id: module.flow_source(args.root, video_id) for video_id in videos}
        places = {video_id: source.files.path for video_id, source in sources.items() if source}
        found += checks.check_files(videos, "no flow", places.get)
    patterns = FORMATS[args.format].box_files
    if "obj" in wanted and not patterns:
        found += checks.check_files(videos, "no boxes", lambda v: module.boxes_path(args.root, v))
    elif "obj" in wanted and not box_files(args):
        found.append(Problem("warning", "no boxes", "", "", f"{args.root}: no files {' or '.join(patterns)}"))
    return found


def repeats(rows: pd.DataFrame, settings: dict) -> list[str]:
    """For each number of test clips, how many of the clips would show a frame twice."""
    spec = validate(ViewSettings, settings["views"], "--settings")
    lines = []
    for clips in settings["clips"]:
        share = 100 * share_of_repeats(rows, spec, clips, settings["frame_rate"])
        lines.append(
            f"{share:.1f} % of the test clips of val ({clips} a segment, {spec.num_frames} frames each) show a frame "
            f"twice, as {settings['frame_rate']:g} frames per second are stored (media.frame_rate)."
        )
    return ["", *lines]


def report(
    args: argparse.Namespace, segments: Segments, files: list[str], problems: list[Problem], sizes: dict[str, float]
) -> str:
    """What a person reads; `files`: sentences about layout and coverage."""
    table, settings = segments.table, args.settings
    source = checks.full_source(segments.source, segments.part)
    lines = [f"# {args.dataset}: {source} in {args.root}", ""]
    for split, rows in table.groupby("split", sort=False):
        lines.append(f"- {split}: {len(rows)} segments in {rows['video_id'].nunique()} videos")
    lines += [f"- {head}: {len(names)} classes" for head, names in segments.heads.items()]
    lines += ["", "## Files", "", *(f"- {sentence}" for sentence in files)]
    lines += ["", "## Problems", ""]
    for (level, kind), same in pd.DataFrame(map(asdict, problems), columns=COLUMNS).groupby(["level", "kind"]):
        lines.append(f"- {level}: {kind}: {len(same)}")
        lines += [f"  - {text}" for text in same["message"].head(SHOWN)]
    lines += [] if problems else ["none"]
    shares = checks.affected_shares(table, problems).items()
    unusable, limit = (f"{100 * share:.2f} % of {split}" for split, share in shares), 100 * settings["max_share"]
    lines += ["", f"Cannot be used: {', '.join(unusable)}; the limit is {limit:.2f} % of train and of val."]
    lines += repeats(table[table["split"] == "val"], settings)
    wanted = {name: gb for name, gb in sizes.items() if name in settings["modalities"]}
    lines += ["", "## What a complete run makes", ""]
    lines += [f"- {name}: about {gb:.3g} GB" for name, gb in wanted.items()]
    lines += [f"- jobs to {what}: {count}" for what, count in settings["jobs"].items()]
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> None:
    args = arguments(argv)
    runtime.start("check", args.threads)
    module, settings = adapter(args.format), args.settings
    problems: list[Problem] = []
    try:
        segments = module.read(args.root, **args.options)
        checks.check_splits(segments, f"dataset {args.dataset} in {args.root}")
        if "obj" in settings["modalities"]:
            for path in box_files(args):
                check_file(path)
        videos = sorted(set(segments.table["video_id"]))
        sources = {video_id: module.rgb_source(args.root, video_id, args.frames_fps) for video_id in videos}
        found = runtime.progress(read_headers(sources.values(), args.threads), len(videos), "headers", "videos")
        headers = dict(zip(videos, found, strict=True))
        readable = {video_id: header for video_id, header in headers.items() if isinstance(header, Header)}
        table = segments.table.assign(aspect=segments.table["aspect"].mask(segments.table["aspect"] == 0))
        whole = table["stop_s"].isna() & table["video_id"].isin(set(readable))
        segments = replace(segments, table=fill_in(table, readable))
        if args.frames_fps is None:
            checks.check_lengths(segments.table[whole], module, sources, str(args.root))
        check_segments(segments, f"dataset {args.dataset} in {args.root}")
    except UserError as error:
        write_problems(args.out, [Problem("error", "annotations", "", "", str(error))])
        raise UserError(f"annotations: {error}") from None
    frames = {video_id for video_id, source in sources.items() if isinstance(source, FrameFiles)}
    problems += checks.check_videos(segments.table, headers)
    files = [*segments.found, *checks.layouts(sources, headers), *checks.coverage(segments.table, problems)]
    problems += checks.check_shared(segments.table) + checks.check_shapes(segments.table, set(readable))
    silent = {v for v, header in readable.items() if not header.has_audio} - frames
    if "audio" in settings["modalities"]:
        problems += [
            Problem("warning", "no sound", v, "", f"{sources[v].path}: no sound track") for v in sorted(silent)
        ]
    problems += further_files(args, module, videos, frames) + checks.check_classes(segments)
    sizes = checks.expected_gb(
        segments.table, headers, settings["frame_rate"], settings["short_side"], settings["sample_rate"]
    )
    text = report(args, segments, files, problems, sizes)
    write_problems(args.out, problems)
    with atomic_path(args.out / "classes.csv") as temporary:
        checks.histogram(segments).to_csv(temporary, index=False)
    write_text(args.out / "report.md", text)
    print(text)
    for split in checks.check_left(segments.table, problems):
        print(f"error: no {split} segment can be used; see {args.out / 'problems.csv'}", file=sys.stderr)
        sys.exit(1)
    shares = checks.affected_shares(segments.table, problems)
    if above := checks.above_limit(shares, settings["max_share"]):
        text = " and ".join(f"{100 * share:.1f} % of the {split} segments" for split, share in above.items())
        print(f"error: {text} cannot be used; see {args.out / 'problems.csv'}", file=sys.stderr)
        sys.exit(1)


def write_problems(folder: Path, problems: list[Problem]) -> None:
    """problems.csv, with its header also where there are none."""
    with atomic_path(folder / "problems.csv") as temporary:
        pd.DataFrame(map(asdict, problems), columns=COLUMNS).to_csv(temporary, index=False)


if __name__ == "__main__":
    runtime.run(main)
