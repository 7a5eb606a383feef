"""The order of batches, as lists of (row of the segment table, number of the view): pure functions of a seed.

The order of rows follows from (seed, epoch), so a run that stopped goes on with exactly the batches it would have had,
and several processes share one order.
"""

from collections.abc import Iterator

from egokd.errors import UserError
from egokd.hashing import generator
from egokd.sampling.views import view_index

Pair = tuple[int, int]  # row of the segment table, number of the view


class EpochBatches:
    """Batches of one training epoch, as lists of (row, view): a permutation that follows from (seed, epoch).

    batch_size counts the segments of a step over all processes; process `rank` of `world` takes every world-th of each
    batch, so that all together have the batches that one process would have. Fewer segments left over than there are
    processes join the batch before them, because every process needs one; so does a single one, because batch
    normalisation cannot learn from one. skip_batches leaves out the first batches, to go on in the middle of an epoch.
    `epoch` and `skip_batches` may be set between epochs, which lets a loader keep its workers. Raises UserError where
    there are more processes than segments in a batch, or than segments at all.
    """

    def __init__(
        self,
        num_rows: int,
        batch_size: int,
        seed: int,
        epoch: int = 0,
        views_per_segment: int | None = None,
        skip_batches: int = 0,
        rank: int = 0,
        world: int = 1,
    ):
        if min(batch_size, num_rows) < world:
            raise UserError(
                f"batch_size {batch_size} and {num_rows} training segments are too few for {world} processes, which "
                "need one segment each in every batch; take fewer GPUs (`gpus`) or a larger batch"
            )
        self.num_rows, self.batch_size, self.seed = num_rows, batch_size, seed
        self.epoch, self.views_per_segment = epoch, views_per_segment
        self.skip_batches, self.rank, self.world = skip_batches, rank, world

    @property
    def whole(self) -> int:
        """Batches of a whole epoch."""
        full, rest = divmod(self.num_rows, self.batch_size)
        return max(1, full + int(rest >= max(2, self.world)))

    def __len__(self) -> int:
        return max(0, self.whole - self.skip_batches)

    def __iter__(self) -> Iterator[list[Pair]]:
        order = generator("order", self.seed, self.epoch).permutation(self.num_rows).tolist()
        view = view_index(self.epoch, self.views_per_segment)
        for batch in range(self.skip_batches, self.whole):
            end = (batch + 1) * self.batch_size if batch < self.whole - 1 else None
            rows = order[batch * self.batch_size : end]
            yield [(row, view) for row in rows[self.rank :: self.world]]


class OrderedBatches:
    """Batches of all pairs of `num_rows` rows and `views`, row by row: for predictions and for the logit bank."""

    def __init__(self, num_rows: int, views: list[int], batch_size: int):
        self.num_rows, self.views, self.batch_size = num_rows, views, batch_size

    def __len__(self) -> int:
        return -(-self.num_rows * len(self.views) // self.batch_size)

    def __iter__(self) -> Iterator[list[Pair]]:
        total = self.num_rows * len(self.views)
        for first in range(0, total, self.batch_size):
            pairs = [divmod(place, len(self.views)) for place in range(first, min(first + self.batch_size, total))]
            yield [(row, self.views[view]) for row, view in pairs]
