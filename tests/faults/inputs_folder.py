"""Own videos: hostile CSV files and file names."""

from collections.abc import Callable
from pathlib import Path

from hostile import OWN, RIGHT, SENTENCE, SKIP, Case, Plan, Table, copy_templates, data_plan
from results_of import all_of, pictures, spans, splits, stored

FOUR = ["v0.mp4", "v1.mp4", "v2.mp4", "v3.mp4"]
ROWS = "v0.mp4,a,train\nv1.mp4,b,train\nv2.mp4,a,train\nv3.mp4,b,val\n"
BOM = "\ufeff"


def csv(
    text: str | bytes, verify: Callable[[], str | None] | None = None, heads: list[str] | None = None, **options: object
) -> Callable[[Path], Plan]:
    """Own videos with this text as their CSV."""

    def make(folder: Path) -> Plan:
        root = copy_templates(folder, "own")
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        (root / "annotations.csv").write_bytes(data)
        chosen = {**OWN, "heads": heads or ["action"], **options}
        return data_plan(root, "folder", chosen, verify or stored(FOUR, segments=4))

    return make


def named(name: str, outcome_videos: list[str] | None = None, skipped: str = "") -> Callable[[Path], Plan]:
    """Own videos of which the first has this name."""

    def make(folder: Path) -> Plan:
        root = copy_templates(folder, "own")
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (root / "v0.mp4").rename(target)
        quoted = '"' + name.replace('"', '""') + '"'
        (root / "annotations.csv").write_text("file,action,split\n" + ROWS.replace("v0.mp4", quoted))
        there = outcome_videos if outcome_videos is not None else [name, *FOUR[1:]]
        verify = stored(there, {name: skipped} if skipped else None, segments=4)
        return data_plan(root, "folder", OWN, verify)

    return make


def _columns(table: Table) -> None:
    near = {
        "begin": "start", "end": "stop", "Split": "split", "groups": "group", "START": "start", "Stop": "stop",
        "start_time": "start", "end_time": "stop", "strat": "start", "spilt": "split", "subset": "split",
        "participant_id": "group", "end_s": "stop", "subject": "group", "Group": "group", "stopp": "stop",
    }  # fmt: skip
    for wrong, meant in near.items():
        base = "file,action\n" if meant == "split" else "file,action,split\n"
        value = {"split": "train", "group": "g"}.get(meant, "0.5")
        text = base.replace("\n", f",{wrong}\n")
        rows = "".join(
            f"v{n}.mp4,{'ab'[n % 2]}" + ("" if meant == "split" else f",{'val' if n == 3 else 'train'}") + f",{value}\n"
            for n in range(4)
        )
        table.add(f"column {wrong}", csv(text + rows), SENTENCE, f"unknown column '{wrong}'; did you mean '{meant}'")
    whole = stored(FOUR, segments=4)
    table.add("another column", csv("file,action,split,weather\n" + ROWS.replace("\n", ",sun\n"), whole), RIGHT)
    table.add("blanks around headers", csv("file , action, split \n" + ROWS, whole), RIGHT)
    table.add("blanks around values", csv("file,action,split\n" + ROWS.replace(",", " , "), whole), RIGHT)
    table.add("file missing", csv("video_,action,split\n" + ROWS), SENTENCE, "lacks the columns|did you mean")
    table.add("head missing", csv("file,label,split\n" + ROWS), SENTENCE, "lacks the columns")
    table.add("header twice", csv("file,action,action\n" + ROWS), SENTENCE, "twice")
    table.add("header twice with blanks", csv("file,action,split, split\n" + ROWS), SENTENCE, "twice|annotations.csv")
    table.add("header only", csv("file,action,split\n"), SENTENCE, "header and no rows")
    table.add("empty", csv(""), SENTENCE, "annotations.csv")
    table.add("blank line only", csv("\n\n\n"), SENTENCE, "annotations.csv")
    table.add("no header", csv(ROWS), SENTENCE, "annotations.csv")
    table.add("rows of a spreadsheet", csv("file,action,split\n" + ROWS + ",,\n,,\n"), SENTENCE, "file is empty")
    table.add(
        "more values than headers", csv("file,action,split\n" + ROWS.replace("train", "train,x")), SENTENCE, "CSV"
    )
    table.add("fewer values", csv("file,action,split\nv0.mp4,a,train\nv1.mp4,b\nv2.mp4,a,val\n"), SENTENCE, "split is")


def _encodings(table: Table) -> None:
    text = "file,action,split\n" + ROWS
    whole = stored(FOUR, segments=4)
    table.add("utf-8 with a mark", csv(BOM + text, whole), RIGHT)
    table.add("windows line ends", csv(text.replace("\n", "\r\n"), whole), RIGHT)
    table.add("old mac line ends", csv(text.replace("\n", "\r"), whole), RIGHT)
    table.add("utf-16", csv(text.encode("utf-16")), SENTENCE, "not UTF-8")
    table.add("utf-16 without mark", csv(text.encode("utf-16-le")), SENTENCE, "annotations.csv")
    table.add("utf-32", csv(text.encode("utf-32")), SENTENCE, "annotations.csv")
    table.add("latin-1", csv(text.replace(",a,", ",é,").encode("latin-1")), SENTENCE, "not UTF-8")
    table.add("semicolons", csv(text.replace(",", ";")), SENTENCE, "lacks the columns")
    table.add("tabs", csv(text.replace(",", "\t")), SENTENCE, "lacks the columns")
    table.add("a picture", csv(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9), SENTENCE, "annotations.csv")
    table.add("zeros", csv(bytes(4096)), SENTENCE, "annotations.csv")
    table.add("a quote that never ends", csv('file,action,split\n"' + ROWS), SENTENCE, "annotations.csv")
    table.add("a zero byte in a name", csv("file,action,split\n" + ROWS.replace("v0", "v\0")), SENTENCE, "csv")
    table.add("broken unicode", csv("file,action,split\n" + ROWS.replace("v0", "\ud800")), SENTENCE, "UTF-8|Unicode")
    table.add("formula", csv("file,action,split\n" + ROWS.replace(",a,", ",=1+1,"), whole), RIGHT)
    table.add("class named nan", csv("file,action,split\n" + ROWS.replace(",a,", ",nan,"), whole), RIGHT)
    table.add(
        "class of 100000 letters", csv("file,action,split\n" + ROWS.replace(",a,", f",{'x' * 100000},"), whole), RIGHT
    )


def _times(table: Table) -> None:
    head = "file,start,stop,action,split\n"
    tail = "v1.mp4,,,b,train\nv2.mp4,,,a,train\nv3.mp4,,,b,val\n"

    def part(name: str, start: str, stop: str, outcome: str, says: str = "", verify: Callable | None = None) -> None:
        text = head + f"v0.mp4,{start},{stop},a,train\n" + tail
        table.add(f"times {name}", csv(text, verify or stored(FOUR, segments=4)), outcome, says)

    part("stop before start", "1", "0.5", SENTENCE, "empty or reversed")
    part("stop at start", "1", "1", SENTENCE, "empty or reversed")
    part("negative", "-1", "1", SENTENCE, "start is -1")
    part("words", "one", "2", SENTENCE, "expected seconds")
    part("clock", "00:00:01", "00:00:02", SENTENCE, "expected seconds")
    part("decimal commas", '"0,5"', '"1,5"', SENTENCE, "expected seconds")
    part("infinite", "0", "inf", SENTENCE, "expected seconds")
    part("minus infinity", "-inf", "1", SENTENCE, "expected seconds|start is")
    part("nan", "nan", "1", SENTENCE, "expected seconds")
    part("beyond floats", "0", "1e400", SENTENCE, "expected seconds")
    part("not far beyond the end", "0", "2.5", RIGHT)
    rest = {"v0.mp4#0.5-1e+08": "ends at 2.00 s", "v0.mp4": "ends at 2.00 s"}
    part("far beyond the end", "0.5", "1e8", SKIP, verify=stored(FOUR, dict([*rest.items()][:1]), segments=4))
    part("behind the end", "50", "60", SKIP, verify=stored(FOUR[1:], {"v0.mp4#50-60": "ends at 2.00 s"}, segments=4))
    huge = stored(FOUR[1:], {"v0.mp4#1e+17-1e+18": "ends at 2.00 s"}, segments=4)
    part("longer than the world", "1e17", "1e18", SENTENCE, "empty or reversed", huge)
    part("a millisecond", "0.5", "0.501", RIGHT)
    part("denormal", "5e-324", "1", RIGHT)
    part("hexadecimal", "0x1", "2", SENTENCE, "expected seconds")
    part("underscores", "1_0", "2_0", SENTENCE, "expected seconds")
    seventh = head + "v0.mp4,0.1234561,1,a,train\nv0.mp4,0.1234562,1,b,train\n" + tail
    both = [("v0.mp4#0.1234561-1", 0.1234561, 1.0), ("v0.mp4#0.1234562-1", 0.1234562, 1.0)]
    both += [(name, 0.0, 2.0) for name in FOUR[1:]]
    table.add("times that differ in the seventh digit", csv(seventh, spans(*both)), RIGHT)
    same = head + "v0.mp4,0.5,1,a,train\nv0.mp4,0.50,1.0,b,train\n" + tail
    table.add("times the same twice", csv(same), SENTENCE, "listed twice")


def _sources(table: Table) -> None:
    head = "file,start,stop,action,split\n"
    for name, other in {"dot": "./v0.mp4", "up": "x/../v0.mp4", "slashes": ".//v0.mp4"}.items():
        text = f"file,action,split\nv0.mp4,a,train\n{other},b,val\nv1.mp4,a,train\n"
        table.add(f"one file under two names, {name}", csv(text), SENTENCE, "under another name|listed twice")
    text = head + "v0.mp4,0,1.5,a,train\nv0.mp4,1,2,b,val\nv1.mp4,,,a,train\n"
    table.add("overlapping parts in two splits", csv(text), SENTENCE, "overlaps one in train")
    text = head + "v0.mp4,,,a,train\nv0.mp4,1,2,b,val\nv1.mp4,,,a,train\n"
    table.add("the whole and a part in two splits", csv(text), SENTENCE, "overlaps one in train")
    apart = head + "v0.mp4,0,1,a,train\nv0.mp4,1,2,b,val\nv1.mp4,,,a,train\n"
    right = all_of(splits(train=2, val=1), pictures("v0.mp4"))
    table.add("parts side by side in two splits", csv(apart, right), RIGHT)
    text = "file,action,split,group\nv0.mp4,a,train,g\nv1.mp4,b,val,g\nv2.mp4,a,train,h\n"
    table.add("a group in two splits", csv(text), SENTENCE, "group 'g' is in train")
    table.add("no validation rows", csv("file,action,split\n" + ROWS.replace("val", "train")), SENTENCE, "no val segm")
    table.add("no training rows", csv("file,action,split\n" + ROWS.replace("train", "val")), SENTENCE, "no train segm")
    table.add(
        "only test rows",
        csv("file,action,split\n" + ROWS.replace("train", "test").replace("val", "test")),
        SENTENCE,
        "no (train|val) segm",
    )
    table.add("an unknown split", csv("file,action,split\n" + ROWS.replace("val", "dev")), SENTENCE, "split is 'dev'")
    table.add(
        "a split in capitals", csv("file,action,split\n" + ROWS.replace("val", "Val")), SENTENCE, "split is 'Val'"
    )
    table.add(
        "a label missing", csv("file,action,split\n" + ROWS.replace(",b,val", ",,val")), SENTENCE, "action is empty"
    )
    table.add("one file only", csv("file,action\nv0.mp4,a\n"), SENTENCE, "one source")
    table.add(
        "without splits", csv("file,action\nv0.mp4,a\nv1.mp4,b\nv2.mp4,a\nv3.mp4,b\n", splits(train=3, val=1)), RIGHT
    )
    table.add(
        "a file that is missing",
        csv("file,action,split\n" + ROWS.replace("v0", "gone"), stored(FOUR[1:], {"gone.mp4": "no such file"})),
        SKIP,
    )
    table.add("a folder as file", csv("file,action,split\n" + ROWS.replace("v0.mp4", ".")), SENTENCE, "frames_fps|csv")
    table.add(
        "the CSV as file",
        csv(
            "file,action,split\n" + ROWS.replace("v0.mp4", "annotations.csv"),
            stored(FOUR[1:], {"annotations.csv": "not a readable video"}),
        ),
        SKIP,
    )
    table.add(
        "a device as file",
        csv(
            "file,action,split\n" + ROWS.replace("v0.mp4", "/dev/zero"), stored(FOUR[1:], {"/dev/zero": "no such file"})
        ),
        SKIP,
    )
    table.add(
        "two heads",
        csv("file,verb,tool,split\n" + ROWS.replace(",a,", ",a,x,").replace(",b,", ",b,y,"), heads=["verb", "tool"]),
        RIGHT,
    )


def _names(table: Table) -> None:
    ordinary = {
        "spaces": "a b  c.mp4", "quotes": "it's \"so\".mp4", "dollar": "$(touch gone) `id` $HOME.mp4",
        "semicolon": "a;touch gone;.mp4", "braces": "{shard}{x}.mp4", "brackets": "[ab]*?.mp4", "percent": "%s%d%n.mp4",
        "hash": "a#0-1.mp4", "comma": "a,b.mp4", "backslash": "a\\n.mp4", "unicode": "żółć 視頻 🎬.mp4",
        "combining": "e\u0301.mp4", "right to left": "\u202egpj.mp4", "dash": "-o.mp4", "double dash": "--out.mp4",
        "no ending": "video", "wrong ending": "video.csv", "deep": "a/b/c/d/e/v.mp4", "long": "x" * 200 + ".mp4",
        "pipe": "a|b>c<d&e.mp4", "tilde": "~root.mp4", "colon": "C:v.mp4", "protocol": "file:v0.mp4", "dots": "...mp4",
    }  # fmt: skip
    for name, file in ordinary.items():
        table.add(f"name with {name}", named(file), RIGHT)
    for name, file in {"newline": "a\nb.mp4", "tab": "a\tb.mp4", "bell": "a\x07b.mp4"}.items():
        table.add(f"name with {name}", named(file), RIGHT)
    missing = stored(FOUR[1:], {"": "no such file"}, segments=4)
    table.add(
        "name that is a web address",
        csv("file,action,split\n" + ROWS.replace("v0.mp4", "http://127.0.0.1:9/a.mp4"), lambda: missing()),
        SKIP,
    )
    table.add("name of 300 letters", csv("file,action,split\n" + ROWS.replace("v0", "x" * 300)), SENTENCE, "not a name")
    table.add(
        "path of 5000 letters",
        csv("file,action,split\n" + ROWS.replace("v0", "x/" * 2500 + "v")),
        SENTENCE,
        "not a name",
    )


def cases() -> list[Case]:
    tables = [Table("CSV of own videos"), Table("names of files")]
    for part in (_columns, _encodings, _times, _sources):
        part(tables[0])
    _names(tables[1])
    return [case for table in tables for case in table.cases]
