"""Notes under the result table: where a number does not mean what its column promises, a sentence says so.

Each function looks for one such case, in what the steps evaluate and fit_ensemble wrote (and in the agreement of
students with their teachers), and returns sentences in Markdown; none where all is well.
"""

from collections.abc import Mapping, Sequence
from statistics import mean

from egokd.distillation.ensemble_weights import LARGEST_NOISE, LARGEST_SCALE
from egokd.evaluation.agreement import Agreement
from egokd.evaluation.chance import luck
from egokd.evaluation.tables import heads_of, main_head
from egokd.names import BASELINE_PREFIX

NEAR = 0.99  # share of the way to a bound (of a factor's logarithm) from which a search counts as stopped by it
Followed = tuple[Agreement, Agreement]  # of the student and of the baseline, each with the student's teacher


def notes(
    metrics: Sequence[dict],
    rows: Sequence[dict],
    fitted: Mapping[str, Sequence[dict]],
    followed: Mapping[str, Sequence[Followed]],
) -> list[str]:
    """All notes of a table.

    metrics   one per model, view setting and seed, as the step evaluate writes them
    rows      roles of the models (`egokd.planning.models.table_rows`)
    fitted    {ensemble: one file of fit_ensemble per seed}, by the ensemble's name in the table
    followed  {student: one pair per seed}, at the first view setting
    """
    setting = (metrics[0]["clips"], metrics[0]["crops"])
    found: dict[str, list[dict]] = {}
    for entry in metrics:
        if (entry["clips"], entry["crops"]) == setting:
            found.setdefault(entry["model"], []).append(entry)
    return [
        *without_input(found),
        *empty_subsets(metrics),
        *at_chance(found),
        *worse_than_a_member(found, rows),
        *not_following(followed, rows),
        *at_a_bound(fitted),
    ]


def as_markdown_list(sentences: Sequence[str]) -> str:
    """Notes as they stand below the table; nothing where there are none."""
    return "\n**Notes**\n\n" + "\n".join(f"- {sentence}" for sentence in sentences) + "\n" if sentences else ""


def without_input(found: Mapping[str, Sequence[dict]]) -> list[str]:
    """Models that the table leaves out, because no segment has what they read."""
    return [
        f"`{model}` is not in the table: none of the {entries[0]['segments']} validation segments has its modality."
        for model, entries in found.items()
        if all(entry.get("without_modality", 0) == entry["segments"] for entry in entries)
    ]


def empty_subsets(metrics: Sequence[dict]) -> list[str]:
    """Subsets without a segment, whose columns are therefore not in the table."""
    heads = heads_of(metrics[0]["subsets"]["all"])
    alone = heads[:-1] if len(heads) > 1 else heads  # the last of several is the joint action
    wanted = ["unseen", *(f"tail_{head}" for head in alone), *(["tail_action"] if len(alone) > 1 else [])]
    empty = [name for name in wanted if all(name not in entry["subsets"] for entry in metrics)]
    if not empty:
        return []
    names = ", ".join(f"`{name}`" for name in empty)
    return [f"No validation segment is in these subsets, so they have no columns: {names}."]


def at_chance(found: Mapping[str, Sequence[dict]]) -> list[str]:
    """Teachers that answer no better than somebody who names the most frequent class every time."""
    sentences = []
    for model, entries in found.items():
        if not model.startswith(BASELINE_PREFIX) or "most_frequent" not in entries[0]:
            continue
        segments = entries[0]["segments"]
        cases = []
        for head, guess in entries[0]["most_frequent"].items():
            top1, margin = mean(entry["subsets"]["all"][f"{head}_top1"] for entry in entries), luck(guess, segments)
            if top1 <= guess + margin:
                cases.append(f"{head} {top1:.1f} % (always the most frequent class: {guess:.1f} ± {margin:.1f})")
        if cases:
            sentences.append(f"`{model}` is at chance on {segments} segments, in top-1: {'; '.join(cases)}.")
    return sentences


def worse_than_a_member(found: Mapping[str, Sequence[dict]], rows: Sequence[dict]) -> list[str]:
    """Ensembles with a lower top-1 of the main head than one of their teachers alone."""

    def top1(model: str) -> float:
        entries = found[model]
        return mean(entry["subsets"]["all"][f"{main_head(entry['subsets']['all'])}_top1"] for entry in entries)

    sentences = []
    for row in rows:
        members = [name for name in row["members"] if name in found]
        if row["model"] not in found or not members:
            continue
        best = max(members, key=top1)
        own, other = top1(row["model"]), top1(best)
        if own < other:
            head = main_head(found[best][0]["subsets"]["all"])
            sentences.append(
                f"`{row['model']}` is worse than its best member: {head} top-1 of {own:.1f} % against {other:.1f} % of "
                f"`{best}`."
            )
    return sentences


def not_following(followed: Mapping[str, Sequence[Followed]], rows: Sequence[dict]) -> list[str]:
    """Students that are no nearer to their teacher than the baseline, which never met it."""
    teachers = {row["model"]: row["taught_by"] for row in rows}
    sentences = []
    for student, pairs in followed.items():
        own, other = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        if not pairs:
            continue
        same, kl = mean(a.same for a in own), mean(a.kl for a in own)
        usual_same, usual_kl = mean(a.same for a in other), mean(a.kl for a in other)
        if same <= usual_same or kl >= usual_kl:
            sentences.append(
                f"`{student}` does not follow its teacher `{teachers[student]}`: the same answer for {same:.1f} % of "
                f"the segments and a divergence of {kl:.3f} nats, against {usual_same:.1f} % and {usual_kl:.3f} "
                "nats of the baseline, which was not taught by it."
            )
    return sentences


def at_a_bound(fitted: Mapping[str, Sequence[dict]]) -> list[str]:
    """Ensembles whose calibration was stopped by the limit of its search."""
    lowest, highest = LARGEST_SCALE**-NEAR, LARGEST_SCALE**NEAR
    sentences = []
    for ensemble, files in fitted.items():
        for head in dict.fromkeys(head for file in files for head in file.get("scale", {})):
            scales = [file["scale"][head] for file in files if not lowest < file["scale"][head] < highest]
            if scales:
                sentences.append(
                    f"`{ensemble}`: the calibration of {head} ended at the bound of its search in {len(scales)} of "
                    f"{len(files)} seed(s), with a factor of {scales[0]:.3g} on the logits: its probabilities are not "
                    "calibrated, and its students learn from them."
                )
            shares = [file.get("random_labels", {}).get(head, 0.0) for file in files]
            if max(shares) > NEAR * LARGEST_NOISE:
                sentences.append(
                    f"`{ensemble}`: the share of held-out labels of {head} that look random is at its bound of "
                    f"{100 * LARGEST_NOISE:.0f} %. Either many labels are wrong, or the teachers are confident and "
                    "wrong."
                )
    return sentences
