"""Turn a foreign checkpoint into a model of this workflow: checkpoint -> model.safetensors + config.json.

Formats: `video_swin` (the original release), `authors` and `authors_stlt` (the ICCV paper's checkpoints), `torchvision`
and `timm` (their weight files). With --init-only the backbone alone is kept, to start a training from (`init` in the
model's options); without it the checkpoint must have exactly the heads given, and the result can be evaluated. Tensors
say how many classes there are, not which: --classes lists them in the checkpoint's order, and is held against the
dataset's.
"""

import argparse
import json
from pathlib import Path

from egokd import runtime
from egokd.datasets.segments import read_segments
from egokd.errors import UserError
from egokd.io import write_json
from egokd.models.build import build_model
from egokd.models.checkpoint import file_sha256, read_checkpoint
from egokd.models.classes import class_orders, read_class_names, reorder_classes
from egokd.models.files import is_head, write_weights
from egokd.models.foreign import FORMATS, fold_input_map, load_foreign

NO_HEADS = {"none": 1}  # a net cannot be built without heads; this one is never written


def main(argv: list[str] | None = None) -> None:
    args = _arguments(argv)
    runtime.start("import_weights", 1)
    names = read_segments(args.segments).heads if args.segments else {}
    if args.segments:
        args.heads = {head: len(classes) for head, classes in names.items()}
    if bool(args.heads) == args.init_only:
        raise UserError("give one of --heads, --segments (the checkpoint's classes) and --init-only")
    if args.classes and not names:
        raise UserError("--classes is held against a dataset's names: give --segments with it")
    theirs = read_class_names(args.classes, list(names)) if args.classes else None
    orders = class_orders(theirs, names, str(args.classes)) if theirs else {}

    state = read_checkpoint(args.checkpoint, args.sha256)
    build = {"net": args.net, "modality": args.modality, "num_frames": args.num_frames, "size": args.size}
    model = build_model(**build, heads=args.heads or NO_HEADS, **args.options)
    load_foreign(model, args.net, args.format, state, str(args.checkpoint), args.init_only)
    if args.input_scale or args.input_shift:
        fold_input_map(model, args.input_scale or [], args.input_shift or [])
    reorder_classes(model, orders)
    if args.classes:
        _say_order(args.classes, orders)

    kept = {name: tensor for name, tensor in model.state_dict().items() if not (args.init_only and is_head(name))}
    origin = {
        "file": args.checkpoint.name,
        "sha256": file_sha256(args.checkpoint),
        "format": args.format,
        "input_scale": args.input_scale,
        "input_shift": args.input_shift,
        "classes": args.classes.name if args.classes else None,
        "reordered": sorted(orders),
    }
    write_weights(args.out, kept)
    write_json(
        args.out.with_name("config.json"),
        {
            **build,
            "heads": args.heads or {},
            "options": args.options,
            "dataset": args.dataset,
            "trained": True,
            "imported": origin,
        },
        sealed=True,
    )
    runtime.log.info("%d tensors from %s for %s written to %s", len(kept), args.checkpoint, args.net, args.out)


def _say_order(path: Path, orders: dict[str, list[int]]) -> None:
    if not orders:
        runtime.log.info("%s: the checkpoint's classes are in the dataset's order", path)
    for head, order in orders.items():
        moved = sum(number != place for number, place in enumerate(order))
        runtime.log.info("%s: %d of %d %s classes put into the dataset's order", path, moved, len(order), head)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="foreign file: .pth, .pt or .safetensors")
    parser.add_argument("--format", required=True, choices=sorted(FORMATS), help="whose names the file uses")
    parser.add_argument("--sha256", help="expected SHA-256 of the file; another one is an error")
    parser.add_argument("--net", required=True, help="our net, see docs/models.md")
    parser.add_argument("--modality", required=True, help="what the net reads: rgb, flow, audio, omnivore or obj")
    parser.add_argument("--heads", type=_json("--heads"), default={}, help='classes per head, e.g. {"verb": 97}')
    parser.add_argument("--segments", type=Path, help="segments.parquet, whose classes are those of the checkpoint")
    parser.add_argument(
        "--classes", type=Path, help="names of classes in the checkpoint's order, text or .json; needs --segments"
    )
    parser.add_argument("--num-frames", type=int, required=True, help="frames per clip")
    parser.add_argument("--size", type=int, default=224, help="side of the square input in pixels")
    parser.add_argument("--options", type=_json("--options"), default={}, help="further arguments of the net, as JSON")
    parser.add_argument("--init-only", action="store_true", help="keep the backbone only, to start a training from")
    parser.add_argument("--dataset", default="", help="dataset the checkpoint was trained on, for the record")
    parser.add_argument(
        "--input-scale", type=float, nargs="+", help="per channel: the net's input was scale*ours+shift"
    )
    parser.add_argument("--input-shift", type=float, nargs="+", help="see --input-scale; both are folded into the stem")
    parser.add_argument("--out", type=Path, required=True, help="model.safetensors; config.json is written beside it")
    return parser.parse_args(argv)


def _json(name: str):
    """An argparse type: a JSON object."""

    def parse(text: str) -> dict:
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise argparse.ArgumentTypeError(f"{name} is not valid JSON ({error})") from None
        if not isinstance(value, dict):
            raise argparse.ArgumentTypeError(f"{name} must be a JSON object such as {{}}, got {text}")
        return value

    return parse


if __name__ == "__main__":
    runtime.run(main)
