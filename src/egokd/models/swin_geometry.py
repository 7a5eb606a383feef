"""Which sizes of Video Swin go together. Free of torch, so that a config is checked before anything runs."""

from typing import Any

from egokd.errors import UserError


def check_geometry(place: str, options: dict[str, Any]) -> None:
    """UserError, beginning with `place`, where torchvision would fail with an obscure message.

    options  those of the net, all of them: embed_dim, depths, num_heads, window_size
    """
    embed_dim, depths, num_heads = options["embed_dim"], options["depths"], options["num_heads"]
    if len(depths) != len(num_heads) or sum(depths) < 2:
        raise UserError(
            f"{place}: video_swin: depths {list(depths)} and num_heads {list(num_heads)} must be equally long, with "
            "two blocks or more in all"
        )
    for stage, heads in enumerate(num_heads):
        if (embed_dim * 2**stage) % heads:
            raise UserError(
                f"{place}: video_swin: width {embed_dim * 2**stage} of stage {stage + 1} is no multiple of {heads} "
                "heads (num_heads)"
            )
