"""The order of batches is pure: any process and any restart has the same one."""

import numpy as np
import pytest

from egokd.errors import UserError
from egokd.sampling.batches import EpochBatches, OrderedBatches


def test_the_order_is_a_pure_permutation():
    one = list(EpochBatches(10, 4, seed=0, epoch=3))
    np.random.seed(1)
    assert one == list(EpochBatches(10, 4, seed=0, epoch=3))
    assert [len(batch) for batch in one] == [4, 4, 2] == [len(b) for b in EpochBatches(10, 4, seed=0, epoch=4)]
    assert sorted(row for batch in one for row, _ in batch) == list(range(10))
    others = [EpochBatches(10, 4, seed=0, epoch=4), EpochBatches(10, 4, seed=1, epoch=3)]
    for other in others:
        assert [row for batch in other for row, _ in batch] != [row for batch in one for row, _ in batch]
    assert len(EpochBatches(10, 4, seed=0)) == 3


def test_views_follow_the_epoch():
    def view(epoch, views):
        return {v for batch in EpochBatches(5, 2, 0, epoch, views) for _, v in batch}

    assert [view(epoch, None) for epoch in (0, 1, 7)] == [{0}, {1}, {7}]
    assert [view(epoch, 3) for epoch in (0, 1, 7)] == [{0}, {1}, {1}]


def test_skipping_gives_the_tail():
    whole = list(EpochBatches(11, 3, seed=5, epoch=2))
    for skip in range(5):
        tail = EpochBatches(11, 3, seed=5, epoch=2, skip_batches=skip)
        assert list(tail) == whole[skip:] and len(tail) == len(whole[skip:])


def test_ranks_share_each_batch():
    whole = list(EpochBatches(11, 4, seed=5, epoch=2))
    parts = [list(EpochBatches(11, 4, seed=5, epoch=2, rank=rank, world=3)) for rank in range(3)]
    for batch, *shares in zip(whole, *parts, strict=True):
        assert sorted(batch) == sorted(pair for share in shares for pair in share)
        assert all(shares)  # nobody waits with nothing to do


@pytest.mark.parametrize(
    ("rows", "world", "sizes"), [(9, 1, [4, 5]), (10, 1, [4, 4, 2]), (10, 3, [4, 6]), (11, 3, [4, 4, 3])]
)
def test_too_few_left_over_for_all_processes_join_the_batch_before(rows, world, sizes):
    parts = [list(EpochBatches(rows, 4, seed=5, rank=rank, world=world)) for rank in range(world)]
    assert [sum(map(len, shares)) for shares in zip(*parts, strict=True)] == sizes
    assert all(share for part in parts for share in part)
    assert EpochBatches(rows, 4, seed=5, world=world).whole == len(sizes)


def test_more_processes_than_segments_is_refused():
    for rows, batch_size in ((12, 2), (2, 8)):
        with pytest.raises(UserError, match="too few for 3 processes"):
            EpochBatches(rows, batch_size, seed=5, world=3)


def test_ordered_batches_cover_rows_by_views():
    batches = OrderedBatches(3, [0, 5], 4)
    assert list(batches) == [[(0, 0), (0, 5), (1, 0), (1, 5)], [(2, 0), (2, 5)]] and len(batches) == 2
