"""Hostile configs: values that no training could use are refused before anything runs."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from hostile import RIGHT, SENTENCE, Case, Plan, Table, copy_templates
from paths import REPOSITORY

WHOLE = yaml.safe_load((REPOSITORY / "workflow" / "recipes" / "own_videos.yaml").read_text())
EPIC = yaml.safe_load((REPOSITORY / "config.yaml").read_text())
GONE = object()  # stands for a key that is taken out


def own(folder: Path) -> dict:
    """A config of own videos in which nothing is wrong."""
    experiment = copy.deepcopy(WHOLE)
    experiment["data"]["root"] = str(copy_templates(folder, "own"))
    experiment["data"]["folder"]["heads"] = ["action"]
    return {"seeds": [0], "datasets": {"mine": experiment}}


def put(config: dict, place: str, value: Any) -> None:
    """Set the value at a dotted place, below the only experiment unless it begins with a dot."""
    *parents, key = place.removeprefix(".").split(".")
    inner = config if place.startswith(".") else config["datasets"]["mine"]
    for parent in parents:
        inner = inner[parent]
    if value is GONE:
        del inner[key]
    else:
        inner[key] = value


def values(**places: Any) -> Callable[[Path], Plan]:
    """The config with other values; `__` stands for a dot in a name."""

    def make(folder: Path) -> Plan:
        config = own(folder)
        for place, value in places.items():
            put(config, place.replace("__", "."), value)
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        return Plan({"plan": [("planned", [str(folder / "config.yaml")])]})

    return make


def text(change: Callable[[str], str | bytes]) -> Callable[[Path], Plan]:
    """The config's text after a change."""

    def make(folder: Path) -> Plan:
        new = change(yaml.safe_dump(own(folder)))
        (folder / "config.yaml").write_bytes(new if isinstance(new, bytes) else new.encode())
        return Plan({"plan": [("planned", [str(folder / "config.yaml")])]})

    return make


NUMBERS = {
    "teachers.rgb.train.lr": ("inf", "nan", "zero", "negative", "word", "list", "null"),
    "teachers.rgb.train.weight_decay": ("inf", "nan", "negative", "word"),
    "teachers.rgb.train.clip_norm": ("inf", "nan", "zero"),
    "teachers.rgb.train.warmup_epochs": ("inf", "nan", "negative"),
    "teachers.rgb.train.label_smoothing": ("inf", "nan", "one", "negative"),
    "teachers.rgb.train.epochs": ("inf", "nan", "zero", "negative", "fraction", "huge", "word", "text beyond floats"),
    "teachers.rgb.train.batch_size": ("inf", "zero", "negative", "fraction", "huge"),
    "media.frame_rate": ("inf", "nan", "zero", "negative", "1e300", "text beyond floats"),
    "media.short_side": ("inf", "zero", "negative", "fraction", "huge"),
    "media.jpeg_quality": ("zero", "huge"),
    "media.flow.bound": ("inf", "nan", "zero"),
    "media.audio.sample_rate": ("inf", "zero", "fraction", "huge"),
    "media.audio.margin_s": ("inf", "nan", "negative", "1e300"),
    "views.num_frames": ("inf", "zero", "fraction", "huge"),
    "views.stride_s": ("inf", "nan", "zero", "1e300"),
    "views.brightness": ("inf", "nan", "negative"),
    "views.hue": ("inf", "nan", "one"),
    "inputs.size": ("inf", "zero", "huge"),
    "inputs.flow.scale": ("inf", "nan", "zero"),
    "inputs.audio.mean": ("inf", "nan", "word"),
    "inputs.audio.std": ("inf", "nan", "zero"),
    "inputs.audio.window_s": ("inf", "nan", "zero", "1e300"),
    "inputs.audio.n_fft": ("inf", "zero", "huge"),
    "inputs.audio.hop_length": ("zero", "huge"),
    "students.heldout.tau": ("inf", "nan", "zero"),
    "students.heldout.kd_weight": ("inf", "nan", "zero", "negative"),
    "ensembles.heldout.weights_temperature": ("inf", "nan", "zero"),
    "data.heldout_share": ("inf", "nan", "zero", "one"),
    "data.max_skipped_share": ("nan", "one", "negative"),
    "data.shards": ("zero", "fraction", "huge", "inf"),
    "data.video_hours": ("inf", "nan", "zero", "1e300"),
    "data.frames_fps": ("inf", "nan", "zero", "1e300"),
    "evaluation.ece_bins": ("zero", "huge", "inf"),
    "evaluation.parts": ("zero", "fraction", "huge"),
    "bank.parts": ("zero", "huge"),
    "compute.gpus": ("negative", "fraction", "inf"),
    "compute.threads": ("zero", "huge"),
    "compute.mem_mb": ("zero", "inf"),
}  # fmt: skip
MEANT = {
    "inf": float("inf"), "nan": float("nan"), "zero": 0, "negative": -3, "word": "fast", "list": [1], "null": None,
    "one": 1.0, "fraction": 2.5, "huge": 10**12, "1e300": 1e300, "text beyond floats": "1e400",
}  # fmt: skip


def _numbers(table: Table) -> None:
    for place, names in NUMBERS.items():
        for name in names:
            says = place.rsplit(".", 1)[1]
            table.add(f"{place} {name}", values(**{place.replace(".", "__"): MEANT[name]}), SENTENCE, says)
    for place in (".seeds", "data.heldout_seed", "data.folder.split_seed"):
        for name, seed in {"2^64": 2**64, "10^400": 10**400, "negative": -(2**70)}.items():
            value = [seed] if place == ".seeds" else seed
            table.add(f"{place.strip('.')} {name}", values(**{place.replace(".", "__"): value}), SENTENCE, "seed")
    table.add("seeds of 2^63 - 1", values(__seeds=[2**63 - 1]), RIGHT)
    table.add("seeds of 2^31", values(__seeds=[2**31]), RIGHT)


def _together(table: Table) -> None:
    audio = "inputs__audio__"
    table.add("window longer than the FFT", values(**{audio + "win_length": 600}), SENTENCE, "win_length.* n_fft")
    table.add("sound window shorter than the FFT", values(**{audio + "window_s": 0.01}), RIGHT)
    table.add("more mel bands than frequencies", values(**{audio + "n_mels": 5000}), SENTENCE, "n_mels")
    table.add("batches of one segment", values(teachers__rgb__train__batch_size=1), SENTENCE, "batch_size")
    table.add("student in batches of one", values(students__heldout__train__batch_size=1), SENTENCE, "batch_size")
    table.add("picture larger than stored", values(inputs__size=5000), SENTENCE, "size")
    table.add("warm-up longer than the training", values(teachers__rgb__train__warmup_epochs=500.0), RIGHT)
    table.add("a teacher twice in an ensemble", values(ensembles__heldout__teachers=["rgb", "rgb"]), SENTENCE, "twice")


def _options(table: Table) -> None:
    def bad(name: str, options: Any, says: str, net: str = "small", **more: Any) -> None:
        changes = {"teachers__rgb__options": options, "teachers__rgb__net": net, **more}
        table.add(f"options {name}", values(**changes), SENTENCE, says)

    bad("misspelt", {"widht": 4}, "did you mean 'width'")
    bad("width of a word", {"width": "a"}, "width")
    bad("width negative", {"width": -4}, "width")
    bad("width 0", {"width": 0}, "width")
    bad("width of a fraction", {"width": 2.5}, "width")
    bad("width of 10^9", {"width": 10**9}, "width")
    bad("width of a list", {"width": [4]}, "width")
    bad("width true", {"width": True}, "width")
    bad("dropout 2", {"dropout": 2.0}, "dropout")
    bad("dropout nan", {"dropout": float("nan")}, "dropout")
    bad("dropout negative", {"dropout": -0.1}, "dropout")
    bad("that are a list", [1], "options")
    bad("that are text", "width", "options")
    bad("with a number as key", {4: 4}, "options")
    bad("of another net", {"width": 4}, "width", "video_swin_t")
    bad("window of two numbers", {"window_size": [8, 7]}, "window_size", "video_swin_t")
    bad("window of 0", {"window_size": [8, 0, 7]}, "window_size", "video_swin_t")
    bad("heads that do not divide", {"num_heads": [5, 6, 12, 24]}, "multiple", "video_swin_t")
    bad("depths of another length", {"depths": [2, 2]}, "depths", "video_swin_t")
    bad("patch that does not divide", {"patch_size": 15}, "multiple", "timesformer_b")
    bad("patch 0", {"patch_size": 0}, "patch_size", "timesformer_b")
    bad("heads 0", {"num_heads": 0}, "num_heads", "timesformer_b")
    bad("public weights unknown", {"pretrained": "KINETICS"}, "pretrained", "video_swin_t")
    bad("public weights of a net without", {"pretrained": "KINETICS400_V1"}, "pretrained")
    bad("net unknown", {}, "did you mean 'small'", "smal")
    bad("net of boxes", {}, "cannot read", "stlt")
    bad("init from options", {"init": "a.safetensors"}, "init")
    swin = {"window_size": [8, 7, 7], "stochastic_depth": 0.1, "checkpointing": True}
    table.add("options of a real net", values(teachers__rgb__net="video_swin_t", teachers__rgb__options=swin), RIGHT)
    table.add("options of the small net", values(teachers__rgb__options={"width": 8, "dropout": 0}), RIGHT)


def _names(table: Table) -> None:
    for head in (
        "shard",
        "fold",
        "unseen",
        "start_s",
        "split",
        "file",
        "segment_id",
        "tail_verb",
        "unseen_verb",
        "all",
    ):
        table.add(f"head {head}", values(data__folder__heads=[head]), SENTENCE, "column|head")
    for name, heads in {
        "action beside another": ["action", "tool"],
        "twice": ["verb", "verb"],
        "none": [],
        "Verb": ["Verb"],
        "with a blank": ["my head"],
        "of 300 letters": ["h" * 300],
        "a number": [3],
    }.items():
        table.add(f"head {name}", values(data__folder__heads=heads), SENTENCE, "head")
    table.add("head gesture", values(data__folder__heads=["gesture"]), RIGHT)
    table.add("heads verb and tool", values(data__folder__heads=["verb", "tool"]), RIGHT)
    for name in ("../x", "a/b", "A", "a b", "{x}", "", "a" * 300, "-o", "é", "a.b", "con$"):

        def make(folder: Path, name: str = name) -> Plan:
            config = own(folder)
            config["datasets"] = {name: config["datasets"]["mine"]}
            (folder / "config.yaml").write_text(yaml.safe_dump(config))
            return Plan({"plan": [("planned", [str(folder / "config.yaml")])]})

        table.add(f"dataset named {name[:20]!r}", make, SENTENCE, "datasets")
    for name, source in {
        "two lines": "a\nb",
        "nothing": "",
        "a zero byte": "a\0b",
        "an escape": "\x1b[31mred",
        "400 letters": "s" * 400,
    }.items():
        table.add(f"source of {name}", values(source=source), SENTENCE, "source")
    for name, source in {
        "dollars": "$a$ $\\frac$",
        "braces": "{dataset} {x}",
        "a dash": "-o",
        "quotes": "'\"`",
        "unicode": "視頻 🎬",
    }.items():
        table.add(f"source of {name}", values(source=source), RIGHT)
    annotations = "data__folder__annotations"
    for name, file in {
        "leads away": "../../etc/passwd",
        "is absolute": "/etc/passwd",
        "is empty": "",
        "has a zero byte": "a\0b.csv",
        "is too long": "x" * 300 + ".csv",
    }.items():
        table.add(f"annotations that {name}", values(**{annotations: file}), SENTENCE, "annotations")


def _roots(table: Table) -> None:
    def moved(name: str, outcome: str, says: str = "") -> None:
        def make(folder: Path) -> Plan:
            config = own(folder)
            (folder / "data").rename(folder / name)
            config["datasets"]["mine"]["data"]["root"] = str(folder / name)
            (folder / "config.yaml").write_text(yaml.safe_dump(config))
            return Plan({"plan": [("planned", [str(folder / "config.yaml")])]})

        table.add(f"root named {name!r}", make, outcome, says)

    for name in ("EPIC [100]", "a*?", "-x", "it's", 'a "b"', "$HOME", "a b", "%s", "#", "é", "~x", "a;b"):
        moved(name, RIGHT)
    for name in ("{x}", "{dataset}", "a{b", "a}b", "new\nline"):
        moved(name, SENTENCE, "root")
    missing = values(data__root="/nowhere/at/all")
    table.add("root that is missing", missing, SENTENCE, "root: no annotation files")
    table.add("root that is a file", values(data__root="/etc/passwd"), SENTENCE, "root: no annotation files")
    table.add("root of a zero byte", values(data__root="a\0b"), SENTENCE, "root")
    table.add("root of nothing", values(data__root=""), SENTENCE, "root")
    table.add("root of 5000 letters", values(data__root="x/" * 2500), SENTENCE, "root")


def cases() -> list[Case]:
    table = Table("config")
    for part in (_numbers, _together, _options, _names, _roots):
        part(table)
    return table.cases
