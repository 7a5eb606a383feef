"""Numbered frame files of one video, brought to the stored size; damaged ones are replaced by their neighbours."""

from egokd.media.images import decode_rgb, encode_rgb, image_size, is_whole, stored_size
from egokd.media.sources import NumberedFiles


class FileReader:
    """Numbered frames of one video as JPEG of one size, damaged ones replaced by the nearest good file.

    `reach`: how many files away a stand-in may be. `damaged`: places of the wanted files that cannot be read. `size`:
    (width, height) of what is stored, known after the first good file.
    """

    def __init__(self, files: NumberedFiles, reach: int, short_side: int, jpeg_quality: int):
        self.files = files
        self.reach = max(1, reach)
        self.short_side = short_side
        self.jpeg_quality = jpeg_quality
        self.damaged: set[int] = set()
        self.size: tuple[int, int] | None = None
        self._numbers = files.numbers()
        self._known: dict[int, bytes | None] = {}  # the last few files

    def encoded(self, place: int) -> bytes | None:
        """The file at `place` among the numbers, or the nearest good one; None if there is none within reach."""
        for away in range(self.reach + 1):
            for candidate in (place - away, place + away):
                if 0 <= candidate < len(self._numbers) and (found := self._read(candidate)):
                    return found
            self.damaged.add(place)
        return None

    def _read(self, place: int) -> bytes | None:
        if place not in self._known:
            if len(self._known) > 2 * self.reach + 2:
                self._known.clear()
            try:
                self._known[place] = self._fit(self.files.read(self._numbers[place]))
            except (ValueError, OSError):
                self._known[place] = None
        return self._known[place]

    def _fit(self, data: bytes) -> bytes:
        """JPEG of the stored size; ValueError for a damaged file."""
        width, height = image_size(data)
        size = self.size or stored_size(width, height, self.short_side)
        same = (width, height) == size and is_whole(data)
        encoded = data if same else encode_rgb(decode_rgb(data), size, self.jpeg_quality)
        self.size = size
        return encoded
