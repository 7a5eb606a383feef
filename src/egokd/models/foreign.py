"""Foreign checkpoints: translating their names into ours.

Every translation starts from the tensors that our net has and says for each where the checkpoint keeps it.
Whatever the checkpoint holds beyond that, and whatever it lacks, is an error that lists the names: nothing
is ever skipped in silence.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from timm.layers import resample_abs_pos_embed
from torch import Tensor, nn

from egokd.errors import UserError, nearest_name
from egokd.models.files import is_head, listed, load_exactly

INDEX_SUFFIX = ".relative_position_index"  # buffers of Swin that follow from the window size


@dataclass(frozen=True)
class Format:
    """How one kind of checkpoint names things.

    nets     our nets that it can fill
    rename   our name -> its name, None where it has nothing and the net's fresh value stays
    heads    prefix of its classifiers, which are left out when only the backbone is wanted
    """

    nets: tuple[str, ...]
    rename: Callable[[str], str | None]
    heads: str


def _swin_original(ours: str) -> str:
    """Backbone names of the original Video Swin release: layers, blocks, downsample, fc1, fc2."""

    def stage(found: re.Match) -> str:
        index, rest = int(found[1]), found[2]
        if index % 2:  # torchvision counts patch merging as a stage of its own
            return f"layers.{index // 2}.downsample.{rest}"
        return f"layers.{index // 2}.blocks.{rest}"

    name = re.sub(r"features\.(\d+)\.(.*)", stage, ours)
    return name.replace(".mlp.0.", ".mlp.fc1.").replace(".mlp.3.", ".mlp.fc2.")


def _head(ours: str) -> tuple[str, str]:
    """('verb', 'weight') of 'heads.linear.verb.weight'."""
    head, kind = ours.removeprefix("heads.linear.").rsplit(".", 1)
    return head, kind


def _video_swin(ours: str) -> str:
    """The release: one classifier, so it can fill a net with one head."""
    return f"cls_head.fc_cls.{_head(ours)[1]}" if is_head(ours) else _swin_original(ours)


def _torchvision(ours: str) -> str:
    """torchvision's own names, which ours extend by `backbone.`; one classifier."""
    return f"head.{_head(ours)[1]}" if is_head(ours) else ours.removeprefix("backbone.")


def _authors(ours: str) -> str:
    """The ICCV paper's checkpoints: the release's backbone, one classifier per head in capitals."""
    if is_head(ours):
        head, kind = _head(ours)
        return f"classifiers.{head.upper()}.{kind}"
    return _swin_original(ours)


STLT_PARTS = (
    ("embedding.norm.", "layout_embedding.category_box_embeddings.layer_norm."),
    ("embedding.category.", "layout_embedding.category_box_embeddings.category_embeddings."),
    ("embedding.", "layout_embedding.category_box_embeddings."),
    ("frame_token", "layout_embedding.cls_token"),
    ("spatial.", "layout_embedding.transformer.layers."),
    ("position.", "position_embeddings."),
    ("norm.", "layer_norm."),
    ("clip_token", "cls_token"),
    ("temporal.", "transformer.layers."),
)
STLT_LAYER = {
    ".qkv.weight": ".self_attn.in_proj_weight",
    ".qkv.bias": ".self_attn.in_proj_bias",
    ".proj.": ".self_attn.out_proj.",
    ".fc1.": ".linear1.",
    ".fc2.": ".linear2.",
}


def _authors_stlt(ours: str) -> str:
    """The ICCV paper's STLT: PyTorch's encoder layers inside three nested modules."""
    if is_head(ours):
        return _authors(ours)
    name = re.sub(r"^embedding\.(box|score|side|state)\.", r"embedding.\1_embedding.", ours)
    for own, theirs in STLT_LAYER.items():
        name = name.replace(own, theirs)
    start, theirs = next(part for part in STLT_PARTS if name.startswith(part[0]))
    return "temporal_transformer." + theirs + name.removeprefix(start)


def _timm(ours: str) -> str | None:
    """timm's image ViT. Temporal attention and its norm are copies of the spatial ones, as in the original
    code."""
    if is_head(ours) or ours == "time_embed" or ".time_out." in ours:
        return None
    for part in (".space.", ".time_"):
        ours = ours.replace(part, ".")
    return re.sub(r"^(blocks\.\d+)\.norm\.", r"\1.norm1.", ours)


SWINS = ("video_swin_t", "video_swin_s", "video_swin_b")
FORMATS: dict[str, Format] = {
    "video_swin": Format(SWINS, _video_swin, "cls_head."),
    "authors": Format(SWINS, _authors, "classifiers."),
    "authors_stlt": Format(("stlt",), _authors_stlt, "classifiers."),
    "torchvision": Format(SWINS, _torchvision, "head."),
    "timm": Format(("timesformer_b",), _timm, "head."),
}


def load_foreign(model: nn.Module, net: str, kind: str, state: dict[str, Tensor], source: str, init_only: bool) -> None:
    """Fill `model` (of net `net`) with a checkpoint `state` of format `kind`; `source` is its name in errors.

    init_only: take the backbone and leave the heads fresh. Raises UserError when the net cannot be filled
    from this format, or names, shapes, class counts or window sizes differ.
    """
    if kind not in FORMATS:
        raise UserError(f"checkpoint format {kind!r} is unknown{nearest_name(kind, FORMATS)}")
    layout = FORMATS[kind]
    if net not in layout.nets:
        raise UserError(f"a {kind} checkpoint fits {', '.join(layout.nets)}, not {net}")
    if kind == "timm" and not init_only:
        raise UserError(f"{source}: timm's weights classify images; import them to start training only (init-only)")

    own = model.state_dict()
    wanted = {name: None if init_only and is_head(name) else layout.rename(name) for name in own}
    _check_heads(model, layout, wanted, state, source)
    known = set(wanted.values())
    left_over = [name for name in state if name not in known]
    if init_only:
        left_over = [name for name in left_over if not name.startswith(layout.heads)]
    left_over = [name for name in left_over if not _is_index(name, model, state, wanted, source)]
    missing = [theirs for theirs in wanted.values() if theirs is not None and theirs not in state]
    if missing or left_over:
        found = {"missing": sorted(set(missing)), "left over": left_over}
        details = "; ".join(f"{len(names)} {what}: {listed(names)}" for what, names in found.items() if names)
        raise UserError(f"{source}: its tensors are not those of a {kind} checkpoint for {net} ({details})")
    filled = {name: own[name] if theirs is None else state[theirs] for name, theirs in wanted.items()}
    _fit_stem_and_positions(filled, own)
    load_exactly(model, filled, source)


def _check_heads(
    model: nn.Module, layout: Format, wanted: dict[str, str | None], state: dict[str, Tensor], source: str
) -> None:
    """UserError when the checkpoint's classifiers are not the ones asked for: another dataset, most
    likely."""
    asked = {theirs: name for name, theirs in wanted.items() if is_head(name) and theirs and theirs.endswith(".bias")}
    if not asked:
        return
    theirs = {name: len(tensor) for name, tensor in state.items() if name.startswith(layout.heads) and tensor.ndim == 1}
    own = model.state_dict()
    ours = {foreign: len(own[name]) for foreign, name in asked.items()}
    heads = sum(is_head(name) for name in wanted) // 2
    if theirs != ours or heads != len(ours):
        described = {_head(name)[0]: len(own[name]) for name in own if is_head(name) and name.endswith(".bias")}
        raise UserError(
            f"{source}: has classifiers {_classes(theirs, layout)}, but the heads asked for are {described}; it was "
            "trained on another dataset, or only its backbone is of use (init-only)"
        )


def _classes(biases: dict[str, int], layout: Format) -> dict[str, int]:
    return {name.removeprefix(layout.heads).removesuffix("bias").rstrip(".") or "one": n for name, n in biases.items()}


def _is_index(
    name: str, model: nn.Module, state: dict[str, Tensor], wanted: dict[str, str | None], source: str
) -> bool:
    """Whether `name` is a buffer of window offsets; UserError when it belongs to another window size than
    ours."""
    if not name.endswith(INDEX_SUFFIX):
        return False
    table = name.removesuffix("_index") + "_bias_table"
    ours = next((own for own, theirs in wanted.items() if theirs == table), None)
    if ours is None:
        return False
    expected = model.get_buffer(ours.removesuffix("_bias_table") + "_index")
    if not torch.equal(state[name].cpu(), expected):
        raise UserError(f"{source}: {name} belongs to another window size than that of the net")
    return True


def _fit_stem_and_positions(filled: dict[str, Tensor], own: dict[str, Tensor]) -> None:
    """In place: sum the stem over colours for a one-channel net, resize an image net's position
    embeddings."""
    for name, tensor in filled.items():
        if name.endswith("patch_embed.proj.weight") and own[name].shape[1] == 1 < tensor.shape[1]:
            # the same as repeating the one channel, which is what the papers do with sound
            filled[name] = tensor.sum(dim=1, keepdim=True)
        if name == "pos_embed" and tensor.shape[1] != own[name].shape[1]:
            side = round((own[name].shape[1] - 1) ** 0.5)
            filled[name] = resample_abs_pos_embed(tensor, new_size=[side, side], num_prefix_tokens=1)


def fold_input_map(model: nn.Module, scale: list[float], shift: list[float]) -> None:
    """Make `model`, trained on inputs x, give the same for inputs y with x = scale * y + shift (per channel).

    The map goes into the first convolution, whose patches do not overlap. For published weights whose
    inputs were normalised in another way than here. Exact unless the clip is padded to whole patches.
    UserError when the numbers of channels differ.
    """
    proj = next((module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Conv3d)), None)
    if proj is None or proj.bias is None or not len(scale) == len(shift) == proj.in_channels:
        raise UserError(
            f"input scale {scale} and shift {shift} must each have one number per input channel of a net for pixels"
        )
    shape = (1, -1, *[1] * (proj.weight.ndim - 2))
    with torch.no_grad():
        proj.bias += (proj.weight * torch.tensor(shift).view(shape)).flatten(1).sum(dim=1)
        proj.weight *= torch.tensor(scale).view(shape)
