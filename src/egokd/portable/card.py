"""The card of a model, README.md in its folder: what a stranger must know before using it.

The head of the file is in the form that the Hugging Face hub reads, so that uploading the folder publishes the card.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

import yaml

from egokd.names import RGB_BASELINE, head_place, student_of
from egokd.portable.settings import Portable

HEADS_METRICS = (("top1", "top-1", 1), ("top5", "top-5", 1), ("nll", "NLL", 2), ("ece", "ECE", 1))
SUBSETS = {"all": "all", "unseen": "unseen participants", "tail_action": "tail classes"}


@dataclass(frozen=True)
class Facts:
    """What a card is made of beside the settings that travel with the model.

    licence   identifier of a licence for the hub
    training  net, options, schedule and teaching, as the config has them
    metrics   contents of the metrics files, of this model and of the RGB baseline, all seeds, one view setting
    cost      parameters, multiply-accumulates and speed, as measured by the workflow; empty if they were not
    starts    where the weights come from, in a sentence
    """

    licence: str
    training: dict[str, Any]
    metrics: Sequence[Mapping[str, Any]]
    cost: dict[str, Any]
    starts: str


def card(settings: Portable, description: dict[str, Any], facts: Facts) -> str:
    """The text of README.md."""
    own = [entry for entry in facts.metrics if entry["model"] == settings.model]
    name = f"{settings.model} on {settings.dataset}, seed {settings.seed}"
    parts = [
        "---\n" + yaml.safe_dump(_front(settings, facts, own), sort_keys=False, allow_unicode=True).strip() + "\n---",
        f"# {name}",
        _opening(settings, facts),
        "## Use\n\n" + _use(settings),
        "## Data and licence\n\n" + _data(settings, own),
        "## Training\n\n" + _training(settings, description, facts),
        "## Results\n\n" + _results(settings, facts.metrics, own),
        "## Calibration\n\n" + _calibration(settings),
        "## Cost\n\n" + _cost(description, facts.cost),
        "## Intended use and limits\n\n" + _limits(settings),
    ]
    return "\n\n".join(parts) + "\n"


def _front(settings: Portable, facts: Facts, own: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the hub indexes."""
    front: dict[str, Any] = {
        "license": facts.licence,
        "library_name": "egokd",
        "pipeline_tag": "video-classification",
        "tags": ["action-recognition", "egocentric-vision", settings.inputs.modality],
    }
    if student_of(settings.model):
        front["tags"].append("knowledge-distillation")
    if this := [entry for entry in own if entry["seed"] == settings.seed]:
        scores = this[0]["subsets"]["all"]
        listed = [
            {"type": "accuracy", "name": f"{head} top-1", "value": round(scores[f"{head}_top1"], 2)}
            for head in _heads(scores)
        ]
        task = {"type": "video-classification", "name": "action recognition"}
        data = {"type": settings.dataset, "name": settings.source, "split": "validation"}
        front["model-index"] = [
            {"name": settings.model, "results": [{"task": task, "dataset": data, "metrics": listed}]}
        ]
    return front


def _heads(scores: Mapping[str, float]) -> list[str]:
    names = [key.removesuffix("_top1") for key in scores if key.endswith("_top1")]
    return sorted(names, key=head_place)


def _opening(settings: Portable, facts: Facts) -> str:
    classes = " and ".join(f"{len(names)} {head}s" for head, names in settings.classes.items())
    kind = f"A {facts.training['net']} net that reads {settings.inputs.modality} and tells {classes} apart"
    taught = facts.training.get("taught_by")
    how = f", distilled from the ensemble of teachers `{taught['ensemble']}`" if taught else ""
    return f"{kind}{how}. Made by the workflow egokd; this card was written by the rule `package`."


def _use(settings: Portable) -> str:
    return (
        "```bash\n"
        "egokd predict VIDEO... --model FOLDER                 # one answer per file\n"
        "egokd predict VIDEO --model FOLDER --window 4         # an answer for every 4 s\n"
        "```\n\n"
        "```python\n"
        "import egokd\n\n"
        'for answer in egokd.load("FOLDER").predict("clip.mp4"):\n'
        f'    print(answer.top("{sorted(settings.classes, key=head_place)[0]}", 5))\n'
        "```\n\n"
        "The folder is complete: `model.safetensors` (weights), `config.json` (the net), `inference.json` (frames, "
        "views, class names, scale of the logits). Give several seeds to average them."
    )


def _data(settings: Portable, own: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        f"- source: **{settings.source}**" + (" (generated; a demonstration)" if settings.source == "demo" else "")
    ]
    lines += [f"- {settings.licence}"]
    lines += [
        f"- classes, {head}: {len(names)} ({', '.join(names[:12])}{', ...' if len(names) > 12 else ''})"
        for head, names in settings.classes.items()
    ]
    lines += [f"- evaluated on {entry['segments']} validation segments; {entry['skipped']} could not be read"
              for entry in own[:1]]  # fmt: skip
    return "\n".join(lines)


def _training(settings: Portable, description: dict[str, Any], facts: Facts) -> str:
    chosen, views = facts.training, settings.inputs.slice.views
    schedule = ", ".join(f"{key} {value:g}" for key, value in chosen["train"].items())
    lines = [f"- net: `{chosen['net']}`" + (f" with {chosen['options']}" if chosen["options"] else "")]
    lines += [f"- {facts.starts}"]
    if "segments" in description:
        lines += [f"- {description['segments']} training segments; {schedule}"]
    if taught := chosen.get("taught_by"):
        lines += [
            f"- taught by the ensemble `{taught['ensemble']}` of {', '.join(taught['teachers'])} (weights: "
            f"{taught['scheme']}); tau {taught['tau']:g}, weight of distillation {taught['kd_weight']:g}, of labels "
            f"{taught['ce_weight']:g}"
        ]
    lines += [
        f"- clips of {views.num_frames} frames, {views.sampling} sampling, {settings.inputs.slice.size} pixels, from "
        f"frames stored at {settings.inputs.frames.frame_rate:g} per second",
        "- the last epoch is reported; nothing was selected on the validation split",
    ]
    return "\n".join(lines)


def _figure(values: list[float], digits: int) -> str:
    return f"{mean(values):.{digits}f}" + (f" ± {stdev(values):.{digits}f}" if len(values) > 1 else "")


def _results(settings: Portable, metrics: Sequence[Mapping[str, Any]], own: Sequence[Mapping[str, Any]]) -> str:
    if not own:
        return "This model has not been evaluated."
    heads, seeds = _heads(own[0]["subsets"]["all"]), sorted(entry["seed"] for entry in own)
    titles = [f"{head} {title}" for head in heads for _, title, _ in HEADS_METRICS]
    lines = ["| model | subset | " + " | ".join(titles) + " |", "|---|---|" + "---:|" * len(titles)]
    for model in dict.fromkeys([settings.model, RGB_BASELINE]):
        entries = [entry for entry in metrics if entry["model"] == model]
        for subset, title in SUBSETS.items():
            scores = [entry["subsets"][subset] for entry in entries if subset in entry["subsets"]]
            if not scores:
                continue
            cells = [
                _figure([each[f"{head}_{key}"] for each in scores], digits)
                for head in heads
                for key, _, digits in HEADS_METRICS
            ]
            lines.append(f"| {model} | {title} | " + " | ".join(cells) + " |")
    clips, crops = settings.inputs.views
    spread = f"mean ± sample standard deviation over the training seeds {seeds}"
    said = spread if len(seeds) > 1 else "one training seed, so nothing is known about the spread"
    return "\n".join(lines) + (
        f"\n\nIn percent (NLL in nats), {clips} clip(s) x {crops} crop(s) per segment; {said}. These are the "
        "figures of the unscaled logits, as in the result table."
    )


def _calibration(settings: Portable) -> str:
    fit = settings.calibration
    if not fit.segments:
        return "The logits were not calibrated: confidence is their softmax as it is."
    lines = [
        f"One factor per head on the logits, fitted on {fit.segments} held-out training segments that no net was "
        "trained on. It never changes which class is best.",
        "",
        "| head | factor | held-out NLL before | after |",
        "|---|---:|---:|---:|",
    ]
    for head, scale in settings.logit_scale.items():
        lines.append(f"| {head} | {scale:.3f} | {fit.nll_before[head]:.3f} | {fit.nll_after[head]:.3f} |")
    if fit.noisy_labels:
        lines += ["", "The fit allows for a share of wrong labels, so the NLL on noisy labels may rise."]
    return "\n".join(lines)


def _cost(description: dict[str, Any], cost: dict[str, Any]) -> str:
    if not cost:
        return "Not measured."
    return (
        f"{cost['params_m']:.2f} M parameters, {cost['gflops_per_view']:.3g} GFLOPs (multiply-accumulates) per view, "
        f"{cost['clips_per_s']:.3g} clips per second ({cost['device']})."
    )


def _limits(settings: Portable) -> str:
    lines = [
        "- For research on recognising actions in first-person video, of the kind it was trained on. It knows only the "
        "classes above and gives one of them for every video, whatever that shows.",
        "- Confidence is calibrated on segments like those of training; on other cameras, places and people it is not.",
        "- Not for decisions about people, nor for watching them.",
    ]
    if settings.source == "demo":
        lines.append("- Trained on generated pictures: it is of no use on real video.")
    return "\n".join(lines)
