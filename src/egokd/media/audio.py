"""Sound of segments: decoded once per video from the start, resampled to mono, aligned with the picture by seconds."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd

from egokd.media.audio_writer import audio_writer
from egokd.media.decode import merge_intervals
from egokd.media.errors import MediaError
from egokd.media.header import read_header
from egokd.media.opening import open_media, packets_of, tick_s, video_stream
from egokd.media.pieces import JOIN_S, Hole, stop_of, touching
from egokd.media.skipped import Cut, Skip
from egokd.media.sources import Pieces, moving

STEP = "extract_audio"

GAP_S = 0.05  # time stamps that jump by more mark a gap; smaller differences are rounding and clock jitter
FIRST_FRAMES = 64  # more than any codec reorders: the earliest time stamp is among so many packets
MAX_DAMAGED_SHARE = 0.05
LONGEST_S = 1e9  # no recording is longer; beyond, sample numbers would not fit into 64 bits
LONGEST_SILENCE_S = 600  # behind the end of the sound


def video_start_s(path: Path) -> float:
    """Time of the first shown frame on the container's clock, the zero of segment times."""
    with open_media(path) as container:
        stream = video_stream(container)
        stamps: list[int] = []
        try:
            for packet in packets_of(container, stream):
                stamp = packet.pts if packet.pts is not None else packet.dts
                if packet.size and stamp is not None and not packet.is_discard:
                    stamps.append(stamp)
                if len(stamps) == FIRST_FRAMES:
                    break
        except av.FFmpegError as error:
            raise MediaError(f"{path}: damaged ({error})") from None
        if not stamps:
            raise MediaError(f"{path}: the video stream holds no frames")
        return float(min(stamps) * tick_s(path, stream))


class _Mono:
    """Sound of any rate and layout, also where they change inside the file -> mono int16 at one rate."""

    def __init__(self, sample_rate: int):
        self.sample_rate = sample_rate
        self._given: tuple | None = None
        self._resampler: av.AudioResampler | None = None

    def __call__(self, frame: av.AudioFrame | None) -> list[np.ndarray]:
        """int16 [n] pieces for a decoded frame; None gives what is left at the end."""
        given = (frame.sample_rate, frame.layout.name, frame.format.name) if frame else None
        made = []
        if given != self._given:
            if self._resampler:
                made = self._resampler.resample(None)
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=self.sample_rate) if frame else None
            self._given = given
        if frame:
            frame.pts = None
            made += self._resampler.resample(frame) if self._resampler else []
        return [chunk.to_ndarray()[0] for chunk in made]


def _decoded_chunks(path: Path, sample_rate: int, start_s: float) -> Iterator[tuple[int, np.ndarray]]:
    """(position in output samples counted from `start_s`, int16 [n] mono), in order, without overlaps."""
    damaged = packets = 0
    position: int | None = None
    resample = _Mono(sample_rate)
    with open_media(path) as container:
        stream = container.streams.audio[0]
        if stream.codec_context is None:
            raise MediaError(f"{path}: there is no decoder for its sound")
        try:
            for packet in packets_of(container, stream):
                packets += 1
                try:
                    frames = packet.decode()
                except av.error.InvalidDataError:
                    damaged += 1  # the gap stays silent; time stamps put what follows where it belongs
                    continue
                for frame in frames:
                    if frame.pts is not None and frame.time_base is not None:
                        stamp = round((float(frame.pts * frame.time_base) - start_s) * sample_rate)
                        if position is None or abs(stamp - position) > GAP_S * sample_rate:
                            position = stamp if position is None else max(stamp, position)
                    if position is None:
                        raise MediaError(f"{path}: the sound has no time stamps")
                    for samples in resample(frame):
                        yield position, samples
                        position += len(samples)
            for samples in resample(None):
                yield position or 0, samples
        except MediaError:
            raise
        except (av.FFmpegError, ValueError) as error:
            raise MediaError(f"{path}: the sound does not decode ({error})") from None
    if damaged > MAX_DAMAGED_SHARE * packets:
        raise MediaError(f"{path}: {damaged} of {packets} packets of sound do not decode")


def read_audio(path: Path, intervals_s: np.ndarray, sample_rate: int) -> tuple[list[np.ndarray], float] | None:
    """(int16 [n] mono samples for each of `intervals_s` (float64 [m, 2], video time), end of the decoded sound in s).

    None without a sound stream. Sample j of an interval is at round(start * sample_rate) + j, in samples since the
    first shown frame. Where the source has no sound (before it begins, in gaps, after its end) there are zeros, but
    never more than ten minutes of them behind the end: annotations may claim any length.
    Decoding stops behind the last interval. MediaError if the sound does not decode.
    """
    start_s = video_start_s(path)
    with open_media(path) as container:
        if not container.streams.audio:
            return None
    intervals_s = np.clip(np.asarray(intervals_s, np.float64), None, LONGEST_S)
    bounds = np.rint(merge_intervals(intervals_s) * sample_rate).astype(np.int64)
    held: list[list[tuple[int, np.ndarray]]] = [[] for _ in bounds]
    stop = 0
    for position, samples in _decoded_chunks(path, sample_rate, start_s):
        stop = position + len(samples)
        if stop <= bounds[0, 0]:
            continue
        if position >= bounds[-1, 1]:
            break
        for (begin, end), pieces in zip(bounds, held, strict=True):
            low, high = max(begin, position), min(end, stop)
            if low < high:
                pieces.append((low, samples[low - position : high - position]))
    cuts = []
    for begin, end in np.rint(intervals_s * sample_rate).astype(np.int64):
        end = max(begin, min(end, max(begin, stop) + LONGEST_SILENCE_S * sample_rate))
        wave = np.zeros(end - begin, np.int16)
        for at, samples in held[int(np.searchsorted(bounds[:, 0], begin, side="right")) - 1]:
            low, high = max(begin, at), min(end, at + len(samples))
            if low < high:
                wave[low - begin : high - begin] = samples[low - at : high - at]
        cuts.append(wave)
    return cuts, stop / sample_rate


def read_pieces(
    source: Pieces, intervals_s: np.ndarray, sample_rate: int
) -> tuple[list[np.ndarray], float, list[Hole]] | None:
    """Like `read_audio` for a video in pieces, and what cannot be heard of it; None where no piece has sound.

    MediaError if no piece can be read.
    """
    header = read_header(source)
    holes, end_s, heard, silent = list(header.holes), header.duration_s, False, []
    intervals_s = np.clip(np.asarray(intervals_s, np.float64), None, header.duration_s + LONGEST_SILENCE_S)
    bounds = np.rint(intervals_s * sample_rate).astype(np.int64)
    waves = [np.zeros(max(0, end - begin), np.int16) for begin, end in bounds]
    for number, (start, file) in enumerate(source.files):
        stop = stop_of(source, number)
        here = np.flatnonzero((intervals_s[:, 0] < stop) & (intervals_s[:, 1] > start))
        if not len(here):
            continue
        local = np.clip(intervals_s[here], start, stop) - start
        try:
            sound = read_audio(file, local, sample_rate)
        except MediaError as error:
            holes.append(Hole(start, stop, str(error)))
            continue
        if sound is None:
            silent.append(Hole(start, stop, f"{file}: has no sound, other pieces do"))
            continue
        heard = True
        for index, begin_s, samples in zip(here.tolist(), local[:, 0].tolist(), sound[0], strict=True):
            at = max(0, round((start + begin_s) * sample_rate) - int(bounds[index, 0]))
            samples = samples[: len(waves[index]) - at]
            waves[index][at : at + len(samples)] = samples
        if number + 1 == len(source.files):
            end_s = start + sound[1]
        elif sound[1] < local[:, 1].max() - JOIN_S:
            holes.append(Hole(start + sound[1], stop, f"{file}: its sound ends at {sound[1]:.2f} s"))
    if not heard and silent:
        return None
    return waves, end_s, holes + silent


def _sound(path: Path, intervals_s: np.ndarray, sample_rate: int) -> tuple[list[np.ndarray], float, list[Hole]] | None:
    """Sound of a video in one file or in pieces. A folder or tar of frames in the place of a video is silent."""
    if isinstance(source := moving(path), Pieces):
        return read_pieces(source, intervals_s, sample_rate)
    if path.is_dir() or path.suffix == ".tar":
        return None
    sound = read_audio(path, intervals_s, sample_rate)
    return (*sound, []) if sound else None


def add_video(
    add: Callable[[str, float, np.ndarray | None], None],
    video_id: str,
    path: Path,
    rows: pd.DataFrame,
    sample_rate: int,
    margin_s: float,
) -> tuple[list[Skip], bool]:
    """Hand the sound of each segment in `rows`, with `margin_s` seconds around it, to `add` of an `audio_writer`.

    Returns (what was skipped, whether there was sound). A video without sound gives nulls and no skips.
    """
    starts = np.maximum(rows["start_s"].to_numpy() - margin_s, 0.0)
    intervals = np.stack([starts, rows["stop_s"].to_numpy() + margin_s], axis=1)
    try:
        sound = _sound(path, intervals, sample_rate)
    except MediaError as error:
        return [Skip(video_id, "", STEP, str(error))], False
    skips = touching(rows, sound[2], sound[1], STEP, "sound") if sound else []
    cut_off = {skip.segment_id for skip in skips}
    for index, segment_id in enumerate(rows["segment_id"]):
        start_s = round(starts[index] * sample_rate) / sample_rate
        add(segment_id, start_s, None if sound is None or segment_id in cut_off else sound[0][index])
    return skips, sound is not None


def cut_sound(
    path: Path, videos: Iterable[tuple[str, Path, pd.DataFrame]], settings: dict[str, Any], cut: Cut
) -> Iterator[str]:
    """Write the sound of the segments (rows) of each video, given by its file; yield the id of each video.

    settings  sample_rate and margin_s
    """
    rate, margin_s = settings["sample_rate"], settings["margin_s"]
    with audio_writer(path, rate, margin_s) as add:
        for video_id, file, rows in videos:
            skips, heard = add_video(add, video_id, file, rows, rate, margin_s)
            cut.skips += skips
            cut.silent += not heard
            yield video_id
