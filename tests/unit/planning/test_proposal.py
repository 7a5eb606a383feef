"""`egokd init` proposes a config that is valid, or says in one sentence what is missing."""

import pytest
import yaml

from egokd.config.experiment import Config
from egokd.config.validation import validate
from egokd.errors import UserError
from egokd.planning import proposal
from egokd.planning.proposal import RECIPES, propose
from egokd.planning.recipes import resolve
from media_files import make_video


@pytest.fixture
def videos(tmp_path):
    """Eight short videos."""
    for number in range(8):
        make_video(tmp_path / f"{number}.mp4", frames=12)
    return tmp_path


def labels(folder, columns, rows, name="annotations.csv"):
    lines = [columns, *(f"{number}.mp4,{rows(number)}" for number in range(8))]
    (folder / name).write_text("\n".join(lines) + "\n")


def experiment(text):
    return validate(Config, resolve(yaml.safe_load(text), RECIPES), "config").datasets["mine"]


def test_heads_are_the_columns_of_few_values(videos):
    labels(
        videos,
        "file,verb,note,noun,group,weight",
        lambda n: f"{'ab'[n % 2]},note {n},{'xyz'[n % 3]},g{n // 2},{n % 2}.5",
    )
    made = experiment(propose(videos, "mine", None).text)
    assert made.data.folder.heads == ["verb", "noun"]
    assert made.data.root == str(videos)


def test_sizes_are_no_larger_than_the_pictures_and_silent_videos_have_no_sound_teacher(videos):
    labels(videos, "file,action", lambda n: "ab"[n % 2])
    found = propose(videos, "mine", None)
    made = experiment(found.text)
    assert made.media.short_side == 64 and made.inputs.size <= 64
    assert list(made.teachers) == ["rgb", "flow"]
    assert made.ensembles["heldout"].teachers == ["rgb", "flow"]
    assert found.facts["split"] == "whole files" and found.facts["sound"] == 0


def test_a_table_of_another_name_is_found_by_its_column(videos):
    labels(videos, "file,action,split", lambda n: f"{'ab'[n % 2]},{'val' if n > 5 else 'train'}", "labels.csv")
    (videos / "other.csv").write_text("name,age\na,3\n")
    found = propose(videos, "mine", None)
    assert experiment(found.text).data.folder.annotations == "labels.csv"
    assert found.facts["split"] == "as the CSV says"


def test_subfolders_are_taken_as_classes(tmp_path):
    for number in range(8):
        folder = tmp_path / ("cut", "wash bowl")[number % 2]
        folder.mkdir(exist_ok=True)
        make_video(folder / f"{number}.mp4", frames=12)
    assert propose(tmp_path, "mine", None).facts["heads"] == {"action": 2}
    assert (tmp_path / "annotations.csv").read_text().splitlines()[:2] == ["file,action", "cut/0.mp4,cut"]


def test_unreadable_files_are_allowed_for(videos, monkeypatch):
    labels(videos, "file,action", lambda n: "ab"[n % 2])
    (videos / "3.mp4").write_text("junk")
    assert experiment(propose(videos, "mine", None).text).data.max_skipped_share >= 1 / 8
    monkeypatch.setattr(proposal, "MOST_SHARE", 0.05)
    with pytest.raises(UserError, match="1 of 8 files cannot be read"):
        propose(videos, "mine", None)


def test_videos_without_labels_are_one_sentence_that_shows_the_first_row(videos):
    with pytest.raises(UserError, match=r"8 videos, and nothing says what they show; .*0\.mp4,CLASS"):
        propose(videos, "mine", None)


@pytest.mark.parametrize(
    ("columns", "row", "expected"),
    [
        ("file,note", lambda n: f"note {n}", "--heads"),
        ("video,action", lambda n: "a", "lacks the columns"),
        ("file,action", lambda n: "a", "no column looks like classes"),
    ],
)
def test_a_table_that_does_not_suffice_is_one_sentence(videos, columns, row, expected):
    labels(videos, columns, row)
    with pytest.raises(UserError, match=expected):
        propose(videos, "mine", None)


def test_an_empty_folder_and_a_missing_one_are_said(tmp_path):
    with pytest.raises(UserError, match="there are no videos"):
        propose(tmp_path, "mine", None)
    with pytest.raises(UserError, match="no such folder"):
        propose(tmp_path / "x", "mine", None)


def test_real_clips_with_a_table_lead_to_a_valid_config(realdata):
    made = propose(realdata / "grid_s1", "mine", None)
    assert made.facts["heads"] == {"verb": 4, "noun": 4} and made.facts["segments"] == 160
    assert list(experiment(made.text).teachers) == ["rgb", "flow", "audio"]
    with pytest.raises(UserError, match="25 videos, and nothing says what they show"):
        propose(realdata / "videos", "mine", None)
