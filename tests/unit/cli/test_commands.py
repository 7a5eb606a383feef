"""The command as a person calls it: help, forms of output, exit codes, and the commands of Snakemake it prints."""

import csv
import json

import pytest
from typer.testing import CliRunner

from egokd.cli import workflow
from egokd.cli.app import app, main
from media_files import make_video
from packed_model import packed_model

COMMANDS = ("predict", "export", "describe", "init", "check", "run", "import")


def call(*words):
    """The result of `egokd WORDS`."""
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A packed model and a video of 2 s."""
    folder = tmp_path_factory.mktemp("cli")
    packed_model(folder / "seed0")
    make_video(folder / "clip.mp4", frames=50)
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    try:
        text = call(command, "--help").output
    except SystemExit:  # the step behind `import` prints its own
        text = capsys.readouterr().out
    assert "usage" in text.lower() and len(text) > 200


def test_the_commands_listed_are_those_that_are_tested():
    assert {command.name for command in app.registered_commands} == set(COMMANDS)


def test_predict_prints_a_table_or_json_or_csv(place):
    model = ["--model", place / "seed0", "--device", "cpu"]
    table = call("predict", place / "clip.mp4", *model).stdout
    assert "action" in table and "0.00 s" in table and "%" in table
    (line,) = call("predict", place / "clip.mp4", *model, "--json", "--top", 1).stdout.splitlines()
    assert json.loads(line)["stop_s"] == 2.0
    rows = list(csv.DictReader(call("predict", place / "clip.mp4", *model, "-f", "csv").stdout.splitlines()))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]


def test_predict_takes_windows_and_lists_and_writes_files(place, tmp_path):
    model = ["--model", place / "seed0", "--device", "cpu", "--json"]
    call("predict", place / "clip.mp4", *model, "--window", 1, "--out", tmp_path / "deep" / "out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "deep" / "out.jsonl").read_text().splitlines()]
    assert [line["start_s"] for line in lines] == [0.0, 0.5, 1.0]
    (place / "list.csv").write_text("file,start,stop\nclip.mp4,0.5,1.5\nnone.mp4,,\n")
    done = call("predict", "--segments", place / "list.csv", *model)
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["start_s"], first["stop_s"]) == (0.5, 1.5) and "no such file" in second["skipped"]
    assert done.exit_code == 0


def test_predict_fails_only_where_nothing_could_be_answered(place):
    done = call("predict", place / "none.mp4", "--model", place / "seed0")
    assert done.exit_code == 1 and "no answer" in done.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["predict", "clip.mp4"], "--model is missing"),
        (["predict", "clip.mp4", "--model", "nowhere"], "no such folder"),
        (["predict", "clip.mp4", "--model", "nowhere", "--every", "2"], "--every needs --window"),
        (["predict", "clip.mp4", "--model", "nowhere", "--segments", "list.csv"], "give no videos"),
        (["describe", "nowhere"], "no trained model"),
        (["init", "nowhere"], "no such folder"),
        (["run"], "no Snakefile"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_exit_code_1(monkeypatch, tmp_path, capsys, words, expected):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["egokd", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    error = capsys.readouterr().err
    assert ended.value.code == 1
    assert expected in error and error.startswith("error: ") and error.count("\n") == 1


def test_run_and_check_print_the_command_of_snakemake(monkeypatch, tmp_path, capsys):
    (tmp_path / "workflow" / "rules").mkdir(parents=True)
    (tmp_path / "Snakefile").touch()
    (tmp_path / "my config.yaml").touch()
    monkeypatch.chdir(tmp_path)
    called = []

    class Done:
        returncode = 3

    monkeypatch.setattr(workflow.subprocess, "run", lambda words, **_: called.append(words[3:]) or Done)
    done = call("run", "results/tables/epic.csv", "-c", "my config.yaml", "--cores", 2, "-n", "--rerun-incomplete")
    assert done.exit_code == 3
    config = ["--configfile", "my config.yaml"]
    assert called[0] == ["results/tables/epic.csv", "--cores", "2", *config, "--rerun-incomplete", "--dry-run"]
    assert "$ snakemake results/tables/epic.csv --cores 2 --configfile 'my config.yaml'" in done.stderr
    call("check", "mine")
    assert called[1] == ["check_mine", "--cores", "all"]


def test_describe_lists_models_with_their_scores(place, tmp_path):
    seed = tmp_path / "results/models/epic/student_heldout/seed0"
    packed_model(seed)
    metrics = tmp_path / "results/metrics/epic/student_heldout/seed0/1x1.json"
    metrics.parent.mkdir(parents=True)
    metrics.write_text(json.dumps({"subsets": {"all": {"noun_top1": 20.0, "verb_top1": 41.5}}}))
    assert "verb 41.5, noun" in call("describe", tmp_path).stdout
    (entry,) = json.loads(call("describe", tmp_path / "results", "--json").stdout)["models"]
    assert (entry["model"], entry["seed"], entry["ready"]) == ("student_heldout", 0, True)
    assert json.loads(call("describe", seed, "--json").stdout)["logit_scale"] == {"verb": 2.0, "noun": 0.5}
