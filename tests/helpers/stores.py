"""Stores with bytes that spell what they are, for tests of writers and readers."""

from egokd.media.frame_writer import StoreWriter


def write_frames(path, videos, columns=("image",), metadata=None):
    """videos: {video_id: times}; the bytes of a frame spell its video, column and time."""
    with StoreWriter(path, columns, metadata or {"frame_rate": 10.0}) as writer:
        for video_id, times in videos.items():
            writer.begin(video_id)
            for time_s in times:
                writer.add(time_s, **{c: f"{video_id}/{c}/{time_s:g}".encode() for c in columns})
            writer.end({"width": 8, "height": 6, "reader": "pyav"})
    return path
