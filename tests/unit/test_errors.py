"""A sentence stays a sentence on its way out of a loading process."""

import pytest
from torch.utils.data import DataLoader, Dataset

from egokd.errors import UserError, sentence_of
from egokd.media.errors import MediaError


class Damaged(Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, place):
        raise MediaError("0.arrow: damaged (row 3).\nDelete it.")


def test_the_traceback_of_a_loading_process_is_left_out():
    with pytest.raises(UserError, match="Traceback") as caught:
        next(iter(DataLoader(Damaged(), num_workers=1)))
    assert sentence_of(caught.value) == "0.arrow: damaged (row 3).\nDelete it."


def test_other_messages_are_left_alone():
    assert sentence_of(UserError("egokd.x: 1\negokd.y: 2")) == "egokd.x: 1\negokd.y: 2"
