"""The card of a dataset: what the check of its files found, with licence, in a form that the Hugging Face hub reads."""

from collections.abc import Sequence

import pandas as pd
import yaml

LISTED = 25  # classes of a head that are spelt out
PLAN = "\n## What a complete run makes"


def data_card(name: str, source: str, licence: tuple[str, str], report: str, classes: pd.DataFrame) -> str:
    """The text of a card.

    licence  identifier for the hub, and a sentence
    report   what the check wrote (report.md)
    classes  what the check counted (classes.csv): head, name, and one column per split
    """
    front = {
        "license": licence[0],
        "task_categories": ["video-classification"],
        "tags": ["action-recognition", "egocentric-vision"],
        "pretty_name": name,
    }
    head = "---\n" + yaml.safe_dump(front, sort_keys=False, allow_unicode=True).strip() + "\n---"
    body = report.partition("\n")[2].partition(PLAN)[0].strip()  # without its title and what is said about a run
    parts = [
        head,
        f"# {name}",
        f"Source: **{source}**. {licence[1]}",
        "## What the files hold\n\n" + body.replace("\n## ", "\n### "),
        "## Classes\n\n" + "\n\n".join(_counts(head, rows) for head, rows in classes.groupby("head", sort=False)),
        "Written by `egokd check --card` from the annotations and the headers of all files; no frame was looked at.",
    ]
    return "\n\n".join(parts) + "\n"


def _counts(head: str, rows: pd.DataFrame) -> str:
    """A table of the largest classes of a head, and how many there are besides."""
    splits = [column for column in rows.columns if column not in ("head", "class", "name")]
    ordered = rows.assign(total=rows[splits].sum(axis=1)).sort_values("total", ascending=False, kind="stable")
    lines = [_row([head, *splits]), "|---|" + "---:|" * len(splits)]
    lines += [_row([row["name"], *(int(row[split]) for split in splits)]) for _, row in ordered[:LISTED].iterrows()]
    more = len(ordered) - LISTED
    return "\n".join(lines) + (f"\n\nand {more} smaller classes." if more > 0 else "")


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
