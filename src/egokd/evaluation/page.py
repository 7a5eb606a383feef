"""One page with everything that a run has found: tables, figures, config and versions in a single HTML file.

The page opens without a network: figures are data inside it, its script only sorts, and its policy forbids every
request. Tables come from the Markdown files, so the page says what they say.
"""

import base64
import re
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

SHOWN_VERSIONS = ("egokd", "torch", "numpy", "snakemake")


@dataclass(frozen=True)
class Part:
    """A section: blocks of text and tables, then figures."""

    id: str
    title: str
    blocks: list[dict[str, Any]] = field(default_factory=list)
    figures: list[dict[str, str]] = field(default_factory=list)


def inline(text: str) -> Markup:
    """Markdown inside a line: `code` and **bold**; everything else is shown as it stands."""
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", html))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def blocks_of(markdown: str) -> list[dict[str, Any]]:
    """Tables, headings (a line all in bold) and paragraphs of a Markdown file, in order."""
    blocks: list[dict[str, Any]] = []
    for paragraph in re.split(r"\n\s*\n", markdown.strip()):
        lines = [line for line in paragraph.splitlines() if line.strip()]
        if len(lines) > 1 and lines[0].startswith("|"):
            right = [cell.endswith(":") for cell in _cells(lines[1])]
            head = [{"html": inline(c), "number": n} for c, n in zip(_cells(lines[0]), right, strict=True)]
            rows = [[inline(cell) for cell in _cells(line)] for line in lines[2:]]
            blocks.append({"kind": "table", "head": head, "rows": rows})
        elif len(lines) == 1 and re.fullmatch(r"\*\*[^*]+\*\*", lines[0]):
            blocks.append({"kind": "heading", "html": inline(lines[0].strip("*"))})
        else:
            blocks.append({"kind": "text", "html": inline(" ".join(lines))})
    return blocks


def figure_of(path: Path, caption: str) -> dict[str, str]:
    """A figure as data, which neither asks for a file nor shares names with another figure."""
    data = base64.b64encode(path.read_bytes()).decode()
    return {"data": f"data:image/svg+xml;base64,{data}", "alt": caption.split(".")[0], "caption": caption}


def versions() -> dict[str, str]:
    """Of the packages that results depend on most."""
    return {name: version(name) for name in SHOWN_VERSIONS}


def page(template: str, parts: list[Part], **values: Any) -> str:
    """The HTML text. Raises jinja2.UndefinedError for a value that the template needs and was not given."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(template).render(parts=parts, versions=versions(), **values)
