"""Public weights by name, downloaded by their libraries: torchvision's for Video Swin, timm's for TimeSformer.

Only a training with the option `pretrained` loads this module, by name.
"""

from torch import Tensor, nn

from egokd.errors import UserError, nearest_name
from egokd.models.checkpoint import first_line
from egokd.models.foreign import FORMATS, load_foreign


def start_from_name(model: nn.Module, net: str, name: str) -> None:
    """Download public weights by name and fill the backbone: torchvision's for Video Swin, timm's for
    TimeSformer.

    Raises UserError for a name that is not on offer, and when the download fails.
    """
    if net in FORMATS["torchvision"].nets:
        kind, state = "torchvision", _from_torchvision(net, name)
    elif net in FORMATS["timm"].nets:
        kind, state = "timm", _from_timm(name)
    else:
        raise UserError(f"net {net!r} has no public weights; leave `pretrained` out")
    load_foreign(model, net, kind, state, f"pretrained {name}", init_only=True)


def _from_torchvision(net: str, name: str) -> dict[str, Tensor]:
    from torchvision.models import video

    offered = {
        "video_swin_t": video.Swin3D_T_Weights,
        "video_swin_s": video.Swin3D_S_Weights,
        "video_swin_b": video.Swin3D_B_Weights,
    }[net]
    if name not in offered.__members__:
        raise UserError(f"pretrained {name!r} is not on offer for {net}{nearest_name(name, offered.__members__)}")
    try:
        return offered[name].get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise UserError(_no_download(name, error)) from None


def _from_timm(name: str) -> dict[str, Tensor]:
    import timm

    if not timm.is_model_pretrained(name):
        known = timm.list_pretrained("vit_base_patch16_224*")
        raise UserError(f"pretrained {name!r} is not on offer for timesformer_b{nearest_name(name, known)}")
    try:
        return timm.create_model(name, pretrained=True, num_classes=0).state_dict()
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(_no_download(name, error)) from None


def _no_download(name: str, error: Exception) -> str:
    return (
        f"pretrained {name!r} could not be downloaded ({type(error).__name__}: {first_line(error)}); on a "
        "machine without network fetch the file elsewhere, import it (egokd.steps.import_weights) and use `init`"
    )
