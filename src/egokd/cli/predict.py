"""`egokd predict`: what a trained model sees in videos."""

import itertools
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from egokd import runtime
from egokd.errors import UserError

if TYPE_CHECKING:
    from egokd.portable.answers import Answer
    from egokd.portable.requests import Request, Window


class Format(StrEnum):
    """How answers are written."""

    table = "table"
    jsonl = "jsonl"
    csv = "csv"


class Device(StrEnum):
    """Where the net runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


def predict(
    videos: Annotated[list[Path] | None, typer.Argument(help="Video files, or folders of them.")] = None,
    model: Annotated[
        list[Path] | None,
        typer.Option("--model", "-m", help="Folder of a model; give several seeds of one to average them."),
    ] = None,
    segments: Annotated[
        Path | None, typer.Option(help="CSV of parts to look at: file, start, stop (seconds, may be empty).")
    ] = None,
    start: Annotated[float, typer.Option(help="Second at which to begin.")] = 0.0,
    stop: Annotated[float | None, typer.Option(help="Second at which to end. [default: the video's end]")] = None,
    window: Annotated[
        float | None, typer.Option(help="Slide a window of so many seconds over the video, an answer for each.")
    ] = None,
    every: Annotated[float | None, typer.Option(help="Seconds by which it moves. [default: half of it]")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many of the best classes to list.")] = 3,
    form: Annotated[Format, typer.Option("--format", "-f", help="How to write the answers.")] = Format.table,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format jsonl: an object per line.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write to, in place of the screen.")] = None,
    logits: Annotated[bool, typer.Option("--logits", help="Also give the logits (JSON only).")] = False,
    render: Annotated[
        Path | None, typer.Option(help="Also draw the answers into this video (.mp4); for one video only.")
    ] = None,
    device: Annotated[Device, typer.Option(help="Where the net runs.")] = Device.auto,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second of folders or tars of frames in place of videos.")
    ] = None,
) -> None:
    """Say what happens in videos: the best classes of each head, with calibrated confidence.

    Frames are decoded, stored, cropped and normalised exactly as in training. A file that cannot be read is named with
    the reason and stops no other; the exit code is 1 only if nothing could be answered.
    """
    from egokd.portable.answers import Prediction
    from egokd.portable.student import load

    if not model:
        raise UserError(
            "--model is missing: the folder of a trained model, like results/models/epic/student_heldout/seed0"
        )
    runtime.start("egokd", threads)
    asked = _requests(videos or [], segments, start, stop, _window(window, every))
    if render and len(asked) != 1:
        raise UserError(f"--render draws one video, and {len(asked)} are asked about")
    student = load(*model, device=device.value, threads=threads, fps=fps)
    listed = runtime.progress(asked, len(asked), "videos", "videos") if len(asked) > 1 else asked
    answers = student.stream(listed)
    kept = list(answers) if render else None
    form = Format.jsonl if as_json else form
    found = _write(kept if kept is not None else answers, form, out, top, logits)
    if render and kept is not None and found:
        from egokd.portable.render import render_video

        shown = [answer for answer in kept if isinstance(answer, Prediction)]
        render_video(asked[0].video, shown, render)
    if not found:
        print("error: there is no answer about any of the videos", file=sys.stderr)
        raise typer.Exit(1)


def _window(window: float | None, every: float | None) -> "Window | None":
    from egokd.portable.requests import Window

    if window is None:
        if every is not None:
            raise UserError("--every needs --window: it says by how much the window moves")
        return None
    return Window(window, window / 2 if every is None else every)


def _requests(
    videos: list[Path], segments: Path | None, start: float, stop: float | None, window: "Window | None"
) -> "list[Request]":
    from egokd.portable.requests import listed_segments, whole_files

    if segments is None:
        return whole_files(videos, start, float("nan") if stop is None else stop, window)
    if videos or start or stop is not None:
        raise UserError("--segments lists files and times; give no videos, --start or --stop beside it")
    return listed_segments(segments, window)


def _write(answers: "Iterable[Answer]", form: Format, out: Path | None, top: int, logits: bool) -> int:
    """Write answers as they come (tables when all are there); return how many there are, without what was skipped."""
    from egokd.portable.answers import Prediction, Skipped, csv_lines, json_line

    counted = {"answers": 0, "skipped": 0}

    def watched() -> "Iterator[Answer]":
        for answer in answers:
            counted["skipped" if isinstance(answer, Skipped) else "answers"] += 1
            if isinstance(answer, Skipped):
                part = "" if answer.start_s is None else f" ({answer.start_s:.2f} to {answer.stop_s:.2f} s)"
                where = "" if answer.video in answer.reason else f"{answer.video}: "
                runtime.log.warning("skipped%s: %s%s", part, where, answer.reason)
            yield answer

    if form is Format.jsonl:
        lines: Iterator[str] = (json_line(answer, top, logits) + "\n" for answer in watched())
    elif form is Format.csv:
        every = list(watched())
        asked = next((answer.asked for answer in every if isinstance(answer, Prediction)), [])
        lines = iter([csv_lines(every, asked, top)])
    else:
        lines = _table(list(watched()), top, out is None)
    if out is None:
        for line in lines:
            sys.stdout.write(line)
            sys.stdout.flush()
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("w") as handle:
            handle.writelines(lines)
    runtime.log.info("%d answers, %d skipped", counted["answers"], counted["skipped"])
    return counted["answers"]


def _table(answers: "list[Answer]", top: int, on_screen: bool) -> Iterator[str]:
    """A table for people, one row per part of a video."""
    from rich.console import Console
    from rich.table import Table

    from egokd.portable.answers import Prediction

    console = Console(width=None if on_screen and sys.stdout.isatty() else 160, force_terminal=None)
    for video, group in itertools.groupby(answers, key=lambda answer: answer.video):
        parts = [answer for answer in group if isinstance(answer, Prediction)]
        if not parts:
            continue
        table = Table(title=video, title_justify="left", title_style="bold", show_lines=top > 1)
        for name in ("from", "to", *parts[0].asked):
            table.add_column(name, justify="right" if name in ("from", "to") else "left")
        for part in parts:
            cells = ["\n".join(f"{label} {100 * p:.0f} %" for label, p in part.top(name, top)) for name in part.asked]
            table.add_row(f"{part.start_s:.2f} s", f"{part.stop_s:.2f} s", *cells)
        with console.capture() as capture:
            console.print(table)
        yield capture.get()
