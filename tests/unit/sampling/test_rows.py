"""Lists of shards: a damaged one never leaves a shard out in silence."""

import json

import pytest

from egokd.errors import UserError
from egokd.sampling.rows import shard_paths
from egokd.steps.index_stores import main as index_stores


@pytest.fixture
def listed(tmp_path):
    stores = [tmp_path / f"results/data/epic/audio/{number}.arrow" for number in range(2)]
    for store in stores:
        store.parent.mkdir(parents=True, exist_ok=True)
        store.write_bytes(b"content")
    out = stores[0].with_name("shards.json")
    index_stores(["--stores", *map(str, stores), "--out", str(out)])
    return stores, out


def test_a_list_and_single_files_give_the_same(listed):
    stores, out = listed
    assert shard_paths([out]) == shard_paths(stores) == stores


def test_a_shard_that_became_another_is_noticed(listed):
    _, out = listed
    out.write_text(out.read_text().replace("0.arrow", "1.arrow"))  # one bit
    with pytest.raises(
        UserError, match=r"shards\.json: damaged .*1\.arrow is listed twice.*rule index_stores makes it"
    ):
        shard_paths([out])


def test_an_entry_without_a_path_is_noticed(listed):
    _, out = listed
    for content in ([{"pauh": "a"}], {"path": "a"}, [3], 7):
        out.write_text(json.dumps(content))
        with pytest.raises(UserError, match=r"shards\.json: damaged"):
            shard_paths([out])
    out.unlink()
    with pytest.raises(UserError, match=r"shards\.json: no such file"):
        shard_paths([out])
