"""The table of formats: every adapter offers what the others ask for, and every name of the config has a row."""

import ast
import inspect
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest

from egokd.config.experiment import DataSettings
from egokd.datasets.adapter import Adapter
from egokd.datasets.formats import FORMATS, adapter
from egokd.datasets.headers import UNREADABLE_S, fill_in
from egokd.media.header import Header
from segment_rows import segment_rows

OFFERED = [name for name, value in vars(Adapter).items() if inspect.isfunction(value) and not name.startswith("_")]


def parameters(function):
    return [name for name in inspect.signature(function).parameters if name != "self"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_adapter_offers_what_the_protocol_states(name):
    module = adapter(name)
    assert len(OFFERED) == 6 and isinstance(module.SOURCE, str)
    for function in OFFERED:
        expected = parameters(getattr(Adapter, function))
        if function == "read":
            assert parameters(module.read)[0] == "root"
        else:
            assert parameters(getattr(module, function)) == expected


def test_the_config_knows_exactly_the_formats_of_the_table():
    assert set(get_args(DataSettings.model_fields["format"].annotation)) == set(FORMATS)


def test_every_format_says_what_its_segment_table_is_made_of():
    assert all(row.annotations and row.module.startswith("egokd.datasets.") for row in FORMATS.values())


def test_patterns_of_json_formats_cover_folders_names_and_the_first_release():
    assert {"train.json", "labels/something-something-v2-validation.json", "annotations/test.json"} <= set(
        FORMATS["something_something"].annotations
    )
    assert len(FORMATS["something_something"].annotations) == 24
    assert "dataset_splits/compositional/labels.json" in FORMATS["something_else"].annotations
    assert len(FORMATS["something_else"].annotations) == 20 and len(FORMATS["something_else"].box_files) == 8


def test_looking_up_the_table_imports_no_adapter():
    tree = ast.parse(Path(find_spec("egokd.datasets.formats").origin).read_text())
    imported = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert imported == ["dataclasses", "importlib", "typing"]


def test_open_ends_and_shapes_come_from_headers():
    rows = segment_rows(3, 0).assign(video_id=["a", "b", "c"], start_s=[1.0, 0.0, 7.0])
    rows = rows.assign(stop_s=[None, None, 9.5], aspect=[None, 2.0, None]).astype({"stop_s": float, "aspect": float})
    filled = fill_in(rows, {"a": Header(12.0, 160, 120, 0, True, 0), "b": Header(0.0, 100, 100, 0, True, 0)})
    # b's header promises an end before the segment's start; c has no header
    assert filled["stop_s"].tolist() == [12.0, UNREADABLE_S, 9.5]
    assert filled["aspect"].iloc[0] == pytest.approx(4 / 3) and filled["aspect"].iloc[1] == 2.0
    assert filled["aspect"].isna().tolist() == [False, False, True]
