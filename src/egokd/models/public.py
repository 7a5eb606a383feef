"""Public weights by name, downloaded by their libraries: torchvision's for Video Swin, timm's for TimeSformer.

Only a training with the option `pretrained` loads this module, by name.
"""

from dataclasses import dataclass
from typing import Any, cast

import timm
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn
from torchvision.models import video

from egokd.errors import UserError, nearest_name
from egokd.models.checkpoint import first_line
from egokd.models.foreign import FORMATS, fold_input_map, load_foreign

PICTURES = ("rgb", "omnivore")  # modalities whose inputs are colours, normalised with ImageNet's mean and spread


@dataclass(frozen=True)
class Weights:
    """Named tensors, and the mean and standard deviation per colour that their inputs were normalised with."""

    state: dict[str, Tensor]
    mean: tuple[float, ...]
    std: tuple[float, ...]


def start_from_name(model: nn.Module, net: str, modality: str, name: str) -> None:
    """Download public weights by name and fill the backbone: torchvision's for Video Swin, timm's for TimeSformer.

    Weights that were trained on pictures normalised in another way than ours are adapted in the first convolution, so
    that our pictures give the library's own features. Inputs that are no pictures (flow, sound) have no counterpart
    there, and the weights are taken as they are.

    Raises UserError for a name that is not on offer, and when the download fails.
    """
    if net in FORMATS["torchvision"].nets:
        kind, weights = "torchvision", _from_torchvision(net, name)
    elif net in FORMATS["timm"].nets:
        kind, weights = "timm", _from_timm(name)
    else:
        raise UserError(f"net {net!r} has no public weights; leave `pretrained` out")
    load_foreign(model, net, kind, weights.state, f"pretrained {name}", init_only=True)
    scale, shift = input_map(weights.mean, weights.std)
    if modality in PICTURES and (set(scale) != {1.0} or set(shift) != {0.0}):
        fold_input_map(model, scale, shift)


def input_map(mean: tuple[float, ...], std: tuple[float, ...]) -> tuple[list[float], list[float]]:
    """(scale, shift) per colour: an input normalised by `mean`, `std` is scale * the one normalised as here + shift."""
    ours = list(zip(IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD, mean, std, strict=True))
    scale = [our_std / their_std for _, our_std, _, their_std in ours]
    shift = [(our_mean - their_mean) / their_std for our_mean, _, their_mean, their_std in ours]
    return scale, shift


def _from_torchvision(net: str, name: str) -> Weights:
    offered = {
        "video_swin_t": video.Swin3D_T_Weights,
        "video_swin_s": video.Swin3D_S_Weights,
        "video_swin_b": video.Swin3D_B_Weights,
    }[net]
    if name not in offered.__members__:
        raise UserError(f"pretrained {name!r} is not on offer for {net}{nearest_name(name, offered.__members__)}")
    chosen = offered[name]
    try:
        state = chosen.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise UserError(_no_download(name, error)) from None
    transforms = chosen.transforms()
    return Weights(state, tuple(transforms.mean), tuple(transforms.std))


def _from_timm(name: str) -> Weights:
    if not timm.is_model_pretrained(name):
        known = timm.list_pretrained("vit_base_patch16_224*")
        raise UserError(f"pretrained {name!r} is not on offer for timesformer_b{nearest_name(name, known)}")
    try:
        source = timm.create_model(name, pretrained=True, num_classes=0)
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(_no_download(name, error)) from None
    expected = cast(dict[str, Any], source.pretrained_cfg)
    return Weights(source.state_dict(), expected["mean"], expected["std"])


def _no_download(name: str, error: Exception) -> str:
    return (
        f"pretrained {name!r} could not be downloaded ({type(error).__name__}: {first_line(error)}); on a "
        "machine without network fetch the file elsewhere, import it (egokd.steps.import_weights) and use `init`"
    )
