"""The list of a checkpoint's classes: read in each form, and its order brought to the dataset's through the import."""

import json

import pytest
import torch

from egokd.datasets.segments import Segments, write_segments
from egokd.errors import UserError
from egokd.models.build import build_model, load_model
from egokd.models.classes import class_orders, read_class_names
from egokd.models.foreign import FORMATS
from egokd.steps.import_weights import main as import_weights
from rehearsal import REDUCED
from segment_rows import segment_rows

OURS = {"verb": ["take", "put", "wash"], "noun": ["cup", "knife"]}
OPTIONS = json.dumps(REDUCED["video_swin_t"])


def test_json_and_text_are_read_alike(tmp_path):
    as_json, as_text = tmp_path / "classes.json", tmp_path / "classes.txt"
    as_json.write_text(json.dumps(OURS))
    as_text.write_text("\ufeff[noun]\ncup\nknife\n\n[verb]\ntake\n put \nwash\n", encoding="utf-8")
    assert read_class_names(as_json, list(OURS)) == read_class_names(as_text, list(OURS)) == OURS


def test_one_head_needs_no_heading(tmp_path):
    as_json, as_text = tmp_path / "classes.json", tmp_path / "classes.txt"
    as_json.write_text('["[Something] falls", "cut"]')
    as_text.write_text("[Something] falls\ncut\n")
    assert read_class_names(as_json, ["action"]) == {"action": ["[Something] falls", "cut"]}
    assert read_class_names(as_text, ["action"]) == {"action": ["[Something] falls", "cut"]}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.json", "{", "not valid JSON"),
        ("a.json", '["take"]', "expected a list of names for each head"),
        ("a.json", '{"verb": ["take"], "noun": [1]}', "expected a list of names for each head"),
        ("a.json", '{"verb": ["take"]}', "lists classes of 'verb', but the dataset has the heads 'verb', 'noun'"),
        ("a.txt", "take\n[noun]\ncup", r"'take' stands before the first head.*such as \[verb\]"),
        ("a.txt", "[verb]\ntake\n[noun]\ncup\n[verb]\nput", r"\[verb\] begins twice"),
        ("a.txt", "", "lists classes of no head"),
        ("a.txt", b"\xff\xfe", "not a readable text file"),
    ],
)
def test_other_forms_are_refused(tmp_path, name, text, expected):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=expected):
        read_class_names(tmp_path / name, list(OURS))


def test_a_missing_list_is_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.txt: no such list"):
        read_class_names(tmp_path / "gone.txt", list(OURS))


def test_orders_by_hand():
    assert class_orders(OURS, OURS, "x") == {}
    theirs = {"verb": ["wash", "take", "put"], "noun": ["cup", "knife"]}
    # our take is their 1, our put their 2, our wash their 0
    assert class_orders(theirs, OURS, "x") == {"verb": [1, 2, 0]}


@pytest.mark.parametrize(
    ("verbs", "expected"),
    [
        (
            ["take", "puts", "fry"],
            "head 'verb': class 1 is 'puts', which the dataset does not have; did you mean 'put'",
        ),
        (["take", "take", "put"], "class 1 is 'take', as is class 0"),
        (["wash", "take"], "lacks 'put', class 1 of the dataset"),
        (["put", "take", "wash", "fry"], "class 3 is 'fry', which the dataset does not have"),
    ],
)
def test_other_names_are_refused_by_the_first_that_differs(verbs, expected):
    with pytest.raises(UserError, match=expected):
        class_orders({**OURS, "verb": verbs}, OURS, "list")


def test_equal_names_in_the_dataset_are_fine_in_its_own_order_only():
    twice = {"verb": ["take", "take", "put"]}
    assert class_orders(twice, twice, "x") == {}
    with pytest.raises(UserError, match="classes 0 and 1 are both 'take'"):
        class_orders({"verb": ["put", "take"]}, twice, "x")


@pytest.fixture
def files(tmp_path):
    """A checkpoint with classifiers of three verbs and two nouns and its net, and the dataset's segments."""
    torch.manual_seed(0)
    model = build_model("video_swin_t", "rgb", {"verb": 3, "noun": 2}, 4, 32, **REDUCED["video_swin_t"])
    torch.nn.init.normal_(model.heads.linear["verb"].bias)
    state = {FORMATS["authors"].rename(name): tensor for name, tensor in model.state_dict().items()}
    torch.save(state, tmp_path / "foreign.pth")
    write_segments(tmp_path / "segments.parquet", Segments(segment_rows(), OURS, "demo"))
    return model.eval()


def run(tmp_path, *extra: object) -> torch.nn.Module:
    words = ["--checkpoint", tmp_path / "foreign.pth", "--format", "authors", "--net", "video_swin_t"]
    words += ["--modality", "rgb", "--num-frames", 4, "--size", 32, "--options", OPTIONS]
    out = tmp_path / "out/model.safetensors"
    import_weights([str(word) for word in [*words, "--out", out, *extra]])
    return load_model(out)[0]


def with_list(tmp_path, names: dict) -> list:
    (tmp_path / "classes.json").write_text(json.dumps(names))
    return ["--segments", tmp_path / "segments.parquet", "--classes", tmp_path / "classes.json"]


def test_a_permuted_classifier_is_put_into_the_datasets_order(tmp_path, files, capsys):
    theirs = {"verb": ["wash", "take", "put"], "noun": ["cup", "knife"]}
    model = run(tmp_path, *with_list(tmp_path, theirs))
    pixels = torch.randn(2, 3, 4, 32, 32)
    with torch.no_grad():
        given, found = files({"pixels": pixels}), model({"pixels": pixels})
    for name in ("take", "put", "wash"):
        column, place = given["verb"][:, theirs["verb"].index(name)], OURS["verb"].index(name)
        assert torch.equal(found["verb"][:, place], column), name
    assert torch.equal(found["noun"], given["noun"])
    assert "3 of 3 verb classes put into the dataset's order" in capsys.readouterr().err
    imported = json.loads((tmp_path / "out/config.json").read_text())["imported"]
    assert imported["classes"] == "classes.json" and imported["reordered"] == ["verb"]


def test_the_same_order_changes_nothing(tmp_path, files, capsys):
    model = run(tmp_path, *with_list(tmp_path, OURS))
    for name, tensor in files.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name
    assert "classes are in the dataset's order" in capsys.readouterr().err


def test_other_names_write_nothing(tmp_path, files):
    with pytest.raises(UserError, match=r"classes\.json: head 'noun': class 1 is 'fork', which the dataset does not"):
        run(tmp_path, *with_list(tmp_path, {**OURS, "noun": ["cup", "fork"]}))
    assert not (tmp_path / "out").exists()


def test_a_list_without_the_datasets_names_is_refused(tmp_path, files):
    (tmp_path / "classes.json").write_text(json.dumps(OURS))
    for heads in (["--heads", '{"verb": 3, "noun": 2}'], ["--init-only"]):
        with pytest.raises(UserError, match="give --segments with it"):
            run(tmp_path, *heads, "--classes", tmp_path / "classes.json")
