"""Own videos: what a CSV may say, how it is split, and how mistakes are named."""

import pandas as pd
import pytest

from egokd.datasets.folder import read, rgb_source
from egokd.datasets.segments import check_segments
from egokd.errors import UserError


def table(root, text: str, **options):
    (root / "clips.csv").write_text(text)
    arguments = {"annotations": "clips.csv", "heads": ["action"], "val_share": 0.25, "split_seed": 0} | options
    return read(root, **arguments)


def test_parts_of_files_with_splits(tmp_path):
    text = (
        "file,start,stop,action,split,group\na.mp4,0.5,2,wash,train,ann\na.mp4,2,,cut,train,ann\nb.mp4,,,cut,val,bob\n"
    )
    segments = table(tmp_path, text + "c.mp4,,,,test,cid\n")
    rows = segments.table
    assert rows["segment_id"].tolist() == ["a.mp4#0.5-2", "a.mp4#2-", "b.mp4", "c.mp4"]
    assert segments.heads == {"action": ["cut", "wash"]}
    assert rows["action"].tolist() == [1, 0, 0, -1]
    assert rows["start_s"].tolist() == [0.5, 2.0, 0.0, 0.0]
    assert rows["stop_s"].isna().tolist() == [False, True, True, True]
    assert rows["unseen"].tolist() == [False, False, True, True]
    check_segments(type(segments)(rows.assign(stop_s=rows["stop_s"].fillna(9.0)), segments.heads, ""), "here")


def test_split_by_group_shares_no_source_and_is_repeatable(tmp_path):
    lines = [f"{group}{number}.mp4,go,{group}" for group in "abcdefgh" for number in range(5)]
    text = "file,action,group\n" + "\n".join(lines) + "\n"
    rows = table(tmp_path, text).table
    assert rows.equals(table(tmp_path, text).table)
    by_group = rows.groupby("group")["split"].nunique()
    assert (by_group == 1).all()
    assert (rows["split"] == "val").sum() == 10  # a quarter of 40, in whole groups of five
    assert not rows["split"].equals(table(tmp_path, text, split_seed=1).table["split"])


def test_without_group_a_file_is_the_source(tmp_path):
    lines = [f"{name}.mp4,{start},{start + 1},go" for name in "abcd" for start in range(3)]
    rows = table(tmp_path, "file,start,stop,action\n" + "\n".join(lines) + "\n").table
    assert (rows.groupby("video_id")["split"].nunique() == 1).all()
    assert not rows["unseen"].any()  # nothing is known about who is filmed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,verb\na.mp4,go\n", r"lacks the columns \['action'\]"),
        ("file,action,split\na.mp4,go,trian\n", r"line 2 \(a.mp4\): split is 'trian', expected train, val or test"),
        ("file,action,split\na.mp4,,train\n", r"line 2 \(a.mp4\): action is empty"),
        ("file,action,split\na.mp4,go,train\na.mp4,go,val\n", r"line 3 .*listed twice"),
        ("file,start,stop,action,split\na.mp4,3,2,go,train\n", r"line 2 .*empty or reversed: start is 3, stop is 2"),
        ("file,start,action,split\na.mp4,-1,go,train\n", r"line 2 .*start is -1"),
        ("file,start,action,split\na.mp4,soon,go,train\n", r"line 2 .*start is 'soon', expected seconds"),
        (
            "file,action,split,group\na.mp4,go,train,x\nb.mp4,go,val,x\n",
            r"line 3 .*group 'x' is in train and in",
        ),
        ("file,action\na.mp4,go\n", r"no column `split`, and all rows have one source"),
    ],
)
def test_mistakes(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        table(tmp_path, text)


def test_missing_table(tmp_path):
    with pytest.raises(UserError, match=r"clips.csv: not found"):
        read(tmp_path, annotations="clips.csv", heads=["action"], val_share=0.25, split_seed=0)


def test_files_may_lie_in_videos(tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").touch()
    assert rgb_source(tmp_path, "a.mp4").path == tmp_path / "videos" / "a.mp4"
    assert rgb_source(tmp_path, "b.mp4").path == tmp_path / "b.mp4"
    assert pd.isna(table(tmp_path, "file,action,split\na.mp4,go,train\n").table.loc[0, "stop_s"])
