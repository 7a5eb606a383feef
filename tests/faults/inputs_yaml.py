"""Configs whose text is hostile: aliases that explode, other syntax, other shapes."""

from collections.abc import Callable

from hostile import RIGHT, SENTENCE, Case, Table
from inputs_config import text


def bomb(levels: int, kind: str) -> str:
    """YAML whose aliases stand for 10^levels values."""
    lines = ["bomb: &l0 " + ("[0, 0, 0, 0, 0, 0, 0, 0, 0, 0]" if kind == "list" else "{a: 0, b: 0, c: 0, d: 0}")]
    for level in range(1, levels):
        name = f"*l{level - 1}"
        inner = ", ".join([name] * 10) if kind == "list" else ", ".join(f"{key}: {name}" for key in "abcdefghij")
        lines.append(f"bomb{level}: &l{level} " + (f"[{inner}]" if kind == "list" else f"{{{inner}}}"))
    return "\n".join(lines)


def _yaml(table: Table) -> None:
    def bad(name: str, change: Callable[[str], str | bytes], says: str = "") -> None:
        table.add(name, text(change), SENTENCE, says)

    def exploding(old: str) -> str:
        inner = "\n".join("          " + line for line in bomb(9, "list").splitlines())
        return old.replace("options: {}", "options:\n" + inner, 1)

    bad("aliases of lists that explode", lambda t: bomb(9, "list") + "\n" + t, "config")
    bad("aliases in options that explode", exploding, "config")
    bad("an alias of itself", lambda t: t + "me: &me [*me]\n", "config|circular|recursive")
    bad(
        "an alias of itself in options",
        lambda t: t.replace("options: {}", "options: {a: &o [*o]}", 1),
        "config|circular|recursive",
    )
    bad("deep nesting", lambda t: t + "deep: " + "[" * 300 + "]" * 300 + "\n", "config|deep")
    bad("a tag that would run a program", lambda t: t + 'x: !!python/object/apply:os.system ["touch started"]\n')
    bad("a tag of an object", lambda t: t + "x: !!python/name:os.system\n")
    bad("no YAML", lambda t: t + "a: [1\n", "not valid|YAML")
    bad("tabs", lambda t: t.replace("  ", "\t"), "YAML")
    bad("a list", lambda t: "- 1\n- 2\n", "keys at top level|config")
    bad("nothing", lambda t: "", "keys at top level|config")
    bad("a word", lambda t: "hello", "keys at top level|config")
    bad("without datasets", lambda t: "seeds: [0]\n", "datasets")
    bad("datasets of a list", lambda t: "seeds: [0]\ndatasets: [1]\n", "datasets")
    bad("datasets of nothing", lambda t: "seeds: [0]\ndatasets: {}\n", "datasets")
    bad("datasets of null", lambda t: "seeds: [0]\ndatasets: {mine: null}\n", "datasets")
    bad(
        "a recipe that is missing",
        lambda t: "seeds: [0]\ndatasets: {mine: {recipe: own_vidoes}}\n",
        "did you mean 'own_videos'",
    )
    bad("a recipe that leads away", lambda t: "seeds: [0]\ndatasets: {mine: {recipe: ../../etc}}\n", "recipe")
    bad("a recipe that is a list", lambda t: "seeds: [0]\ndatasets: {mine: {recipe: [1]}}\n", "recipe")
    bad(
        "a recipe and a list of teachers",
        lambda t: "seeds: [0]\ndatasets: {mine: {recipe: own_videos, teachers: [rgb]}}\n",
        "teachers",
    )
    bad(
        "a recipe and ensembles of text",
        lambda t: "seeds: [0]\ndatasets: {mine: {recipe: own_videos, ensembles: x}}\n",
        "ensembles",
    )
    bad("a recipe and no data", lambda t: "seeds: [0]\ndatasets: {mine: {recipe: own_videos, data: null}}\n", "data")
    bad(
        "old keys of a wrong shape",
        lambda t: t.replace("      ece_bins", "      clips: {a: 1}\n      ece_bins"),
        "evaluation|views|clips",
    )
    bad("a date as a number", lambda t: t.replace("lr: 0.002", "lr: 2020-01-01", 1), "lr")
    bad("yes as a number", lambda t: t.replace("epochs: 60", "epochs: yes", 1), "epochs")
    bad(
        "a number in sixties",
        lambda t: t.replace("shards: 4", "shards: 1:30:00", 1).replace("val_share: 0.25", "val_share: 1:30"),
        "val_share",
    )
    bad("an unknown key", lambda t: t + "sedes: [1]\n", "did you mean 'seeds'")
    bad("a key of null", lambda t: t + "null: 1\n", "config")
    bad("a key of a list", lambda t: t + "? [1, 2]\n: 3\n")
    table.add("a whole config", text(lambda t: t), RIGHT)
    table.add("a number as text", text(lambda t: t.replace("lr: 0.002", "lr: '2e-3'")), RIGHT)


def cases() -> list[Case]:
    table = Table("config")
    _yaml(table)
    return table.cases
