"""The page: it holds what the tables say, asks for nothing, and works in a real browser."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

from egokd.config.experiment import Config
from egokd.config.validation import validate
from egokd.evaluation.page import blocks_of, inline
from egokd.media.skipped import Skip, write_skipped
from egokd.planning import slices
from egokd.planning.recipes import resolve
from egokd.steps import write_page
from made_up_predictions import write_table
from paths import REPOSITORY

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="#c44"/></svg>'
TABLE = """Results on `made_up`, **demo** & <others>.

| model | input | action top-1 |
| --- | --- | ---: |
| baseline_rgb | rgb | 9.5 ± 1.0 |
| baseline_flow | flow |  |
| student_heldout | rgb | 61.0 ± 2.0 |

**verb: largest changes**

| verb | change |
| --- | ---: |
| take | -3.5 |
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    write_table(folder / "segments.parquet")
    write_skipped(folder / "skipped.csv", [Skip("P01_101", "", "extract_frames", "cut <off> & broken")])
    (folder / "t.md").write_text(TABLE)
    (folder / "t_gains.md").write_text(TABLE)
    for name in ("accuracy", "gains"):
        (folder / f"{name}.svg").write_text(SVG)
    stages = [{"title": "Data", "lines": ["epic100 from demo", "rgb"]}]
    facts = {"dataset": "made_up", "seeds": [0, 1], "root": "a/b", "stages": stages, "config": '{"a": "<b>"}'}
    report = REPOSITORY / "workflow" / "report"
    out = folder / "page.html"
    arguments = f"--segments {folder}/segments.parquet --skipped {folder}/skipped.csv --table {folder}/t.md"
    arguments += f" --analyses gains --figures {folder}/accuracy.svg"
    arguments += f" --template {report}/page.html --out {out}"
    write_page.main([*arguments.split(), "--facts", json.dumps(facts)])
    return out


def test_markdown_is_taken_apart_and_escaped():
    blocks = blocks_of(TABLE)
    assert [block["kind"] for block in blocks] == ["text", "table", "heading", "table"]
    assert [(cell["html"], cell["number"]) for cell in blocks[1]["head"]] == [
        ("model", False),
        ("input", False),
        ("action top-1", True),
    ]
    assert blocks[1]["rows"][1] == ["baseline_flow", "flow", ""]
    assert inline("`a` **b** <c>") == "<code>a</code> <strong>b</strong> &lt;c&gt;"


def test_the_page_holds_tables_figures_config_and_what_was_skipped(page):
    text = page.read_text()
    assert "9.5 ± 1.0" in text and "verb: largest changes" in text and text.count("data:image/svg+xml;base64,") == 2
    assert "cut &lt;off&gt; &amp; broken" in text and "<others>" not in text and "40 train" in text
    assert "&lt;b&gt;" in text and "Training seeds: 0, 1" in text


def test_the_page_names_no_address_that_a_browser_would_ask(page):
    text = re.sub(r"data:image/svg\+xml;base64,[\w+/=]+", "", page.read_text())
    assert not re.findall(r"(?:https?:)?//[\w.]+\.\w+|@import|url\(", text)
    assert "default-src 'none'" in text


def test_the_facts_name_every_net_with_what_it_was_made_of():
    values = resolve(yaml.safe_load((REPOSITORY / "config.yaml").read_text()), REPOSITORY / "workflow" / "recipes")
    experiment = validate(Config, values, "config").datasets["epic"]
    facts = json.loads(slices.page_facts("epic", experiment, [0], "results/demo/epic"))
    lines = [line for stage in facts["stages"] for line in stage["lines"]]
    assert "baseline_obj: obj, small_boxes, 30 epochs" in lines and "uniform: rgb+flow+audio+obj, uniform" in lines
    assert "student_heldout: rgb, small, 60 epochs, taught by ensemble_heldout" in lines


# what a person does, then what is to be seen, as the text of an element that is added to the page
CLICKS = """
<script>
const seen = [], table = document.querySelector("table");
const column = (n) => [...table.tBodies[0].rows].map((row) => row.cells[n].textContent);
const click = (n) => table.tHead.rows[0].cells[n].querySelector("button").click();
for (const n of [2, 2, 0]) { click(n); seen.push(column(n), table.tHead.rows[0].cells[n].getAttribute("aria-sort")); }
seen.push([...document.images].every((image) => image.complete && image.naturalWidth > 0));
seen.push(performance.getEntriesByType("resource").map((entry) => entry.name));
document.body.insertAdjacentHTML("beforeend", "<output id=seen>" + JSON.stringify(seen) + "</output>");
</script>
"""


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed (Debian: apt-get install chromium)")
def test_in_a_browser_tables_sort_and_nothing_is_asked_for_or_complained_about(page, tmp_path):
    clicked, log = tmp_path / "clicked.html", tmp_path / "net.json"
    clicked.write_text(page.read_text().replace("</body>", CLICKS + "</body>"))
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", *quiet, f"--user-data-dir={tmp_path}/profile"]
    command += [f"--log-net-log={log}", "--enable-logging=stderr", "--dump-dom", clicked.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    seen = json.loads(re.search(r'<output id="seen">(.*?)</output>', done.stdout)[1].replace("&lt;", "<"))
    falling, rising, names, loaded, resources = seen[0:2], seen[2:4], seen[4:6], *seen[6:]
    assert falling == [["61.0 ± 2.0", "9.5 ± 1.0", ""], "descending"]
    assert rising == [["9.5 ± 1.0", "61.0 ± 2.0", ""], "ascending"]
    assert names == [["baseline_flow", "baseline_rgb", "student_heldout"], "ascending"]
    assert loaded is True
    assert "CONSOLE" not in done.stderr
    # the browser asks for things of its own; what a page asks for has the page as its initiator
    asked = [event["params"] for event in json.loads(log.read_text())["events"] if "url" in event.get("params", {})]
    of_page = [params for params in asked if params.get("initiator", "not an origin") != "not an origin"]
    assert [params["url"] for params in of_page if not params["url"].startswith(("data:", "file:"))] == []
    assert resources == []
