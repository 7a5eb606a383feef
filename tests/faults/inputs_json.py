"""Something-Something: hostile JSON of splits and labels."""

import json
from collections.abc import Callable
from pathlib import Path

from hostile import RIGHT, SENTENCE, SKIP, Case, Plan, Table, copy_templates, data_plan
from results_of import stored

SIX = [str(n) for n in range(6)]
LABELS = {"Pushing something": "0", "Pulling something": "1"}


def changed(
    file: str, text: str | bytes | Callable[[str], str | bytes], verify: Callable[[], str | None] | None = None
) -> Callable[[Path], Plan]:
    """The data with one of its files (below `labels`) made anew, or changed."""

    def make(folder: Path) -> Plan:
        root = copy_templates(folder, "something")
        path = root / "labels" / file
        new = text(path.read_text()) if callable(text) else text
        path.write_bytes(new if isinstance(new, bytes) else new.encode("utf-8", "surrogatepass"))
        return data_plan(root, "something_something", {}, verify or stored(SIX, segments=6))

    return make


def _any_json(table: Table, file: str) -> None:
    """What may be wrong with any JSON file."""

    def bad(name: str, text: str | bytes | Callable[[str], str | bytes], says: str = "") -> None:
        table.add(f"{file}: {name}", changed(file, text), SENTENCE, rf"{file}: .*{says}")

    bad("empty", "", "not valid JSON")
    bad("cut off", lambda t: t[: len(t) // 2], "not valid JSON")
    bad("one byte short", lambda t: t.rstrip()[:-1], "not valid JSON")
    bad("trailing text", lambda t: t + "x", "not valid JSON")
    bad("null", "null", "expected")
    bad("number", "7", "expected")
    bad("text", '"x"', "expected")
    bad("utf-16", lambda t: t.encode("utf-16"), "not UTF-8")
    bad("latin-1", lambda t: t.replace("Pushing", "Pushïng").encode("latin-1"), "not UTF-8")
    bad("deep nesting", "[" * 200000 + "]" * 200000, "nested too deeply|expected")
    bad("deep objects", '{"a":' * 200000 + "1" + "}" * 200000, "nested too deeply|expected")
    bad("zeros", bytes(1000), "JSON")
    bad("binary", bytes(range(256)), "UTF-8|JSON")
    bad("a web page", "<!DOCTYPE html><title>404</title>", "not valid JSON")
    bad("a git pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "not valid JSON")
    bad("single quotes", lambda t: t.replace('"', "'"), "not valid JSON")
    table.add(f"{file}: with a mark", changed(file, lambda t: "\ufeff" + t), RIGHT)


def _labels(table: Table) -> None:
    def bad(name: str, value: str, says: str) -> None:
        text = '{"Pushing something": "0", "Pulling something": ' + value + "}"
        table.add(f"class number {name}", changed("labels.json", text), SENTENCE, says)

    bad("infinite", "Infinity", "'Pulling something' has the number|not valid JSON")
    bad("nan", "NaN", "'Pulling something' has the number|not valid JSON")
    bad("negative", "-1", "has the number -1")
    bad("fraction", "1.5", "has the number 1.5")
    bad("twice", "0", "not numbered")
    bad("gap", "2", "not numbered")
    bad("huge", "9" * 30, "has the number")
    bad("beyond what Python converts", "1" * 5000, "has the number|not valid JSON")
    bad("word", '"one"', "has the number one")
    bad("list", "[1]", "has the number")
    bad("null", "null", "has the number")
    bad("true", "true", "has the number")
    bad("arabic digits", '"١"', "has the number")
    empty = changed("labels.json", "{}")
    table.add("no classes", empty, SENTENCE, "json: .*")
    table.add(
        "key twice", changed("labels.json", '{"Pushing something": "0", "Pushing something": "1"}'), SENTENCE, "json"
    )


def _splits(table: Table) -> None:
    def entry(name: str, entry: object, says: str, outcome: str = SENTENCE, verify: Callable | None = None) -> None:
        def text(old: str) -> str:
            return json.dumps([*json.loads(old), entry])

        table.add(f"entry {name}", changed("train.json", text, verify), outcome, says)

    template = "Pushing [something]"
    entry("without id", {"template": template}, "an `id`")
    entry("that is a list", ["1"], "an `id`")
    entry("that is there already", {"id": "0", "template": template}, "occurs twice")
    entry("of the other split", {"id": "4", "template": template}, "two splits")
    entry("of an unknown class", {"id": "9", "template": "Juggling [something]"}, "labels file lacks")
    entry("without class", {"id": "9"}, "labels file lacks")
    entry("with a class of null", {"id": "9", "template": None}, "labels file lacks")
    entry("with a class that is a list", {"id": "9", "template": ["x"]}, "labels file lacks")
    entry("with a name too long", {"id": "x" * 400, "template": template}, "not a name")
    entry("with half a character", {"id": "\ud800", "template": template}, "Unicode")
    entry("with a zero byte", {"id": "a\0b", "template": template}, "not a name")
    away = stored(SIX, {"9": "no such file"}, segments=7)
    entry("whose video is missing", {"id": "9", "template": template}, "", SKIP, away)
    up = stored(SIX, {"../../../etc/passwd": "no such file"}, segments=7)
    entry("that leads out of the folder", {"id": "../../../etc/passwd", "template": template}, "", SKIP, up)
    entry("with a number as id", {"id": 9, "template": template}, "", SKIP, away)
    root = stored(SIX, {"/": "no such file|holds no|cannot"}, segments=7)
    entry("that is the root of all", {"id": "/", "template": template}, "", SKIP, root)
    entry("with an empty id", {"id": "", "template": template}, "not a name|empty")
    entry(
        "with an id of a dot",
        {"id": ".", "template": template},
        "",
        SKIP,
        stored(SIX, {".": "no such file"}, segments=7),
    )
    table.add("empty list", changed("train.json", "[]"), SENTENCE, "no train segments")
    table.add("no validation", changed("validation.json", "[]"), SENTENCE, "no val segments")

    def gone(file: str) -> Callable[[Path], Plan]:
        def make(folder: Path) -> Plan:
            root = copy_templates(folder, "something")
            (root / "labels" / file).unlink()
            return data_plan(root, "something_something", {})

        return make

    for file in ("train.json", "validation.json", "labels.json"):
        table.add(f"{file} missing", gone(file), SENTENCE, f"{file}: not found")


def cases() -> list[Case]:
    table = Table("JSON of Something-Something")
    for file in ("train.json", "labels.json"):
        _any_json(table, file)
    _labels(table)
    _splits(table)
    return table.cases
