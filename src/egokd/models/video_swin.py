"""Video Swin transformer (Liu et al. 2022, arXiv 2106.13230) on torchvision's implementation.

torchvision treats windows as the original release does, also its quirk: where a window is as large as the
feature map or larger, it shrinks to the map and is not shifted, and the relative position biases are then
the first rows and columns of the full window's table. That is right for a shorter clip, but for a smaller
image (below 7 tokens a side) it assigns biases that belong to other offsets. Published weights were trained
with it, so it stays.

Shapes: B batch, C channels, T frames, H and W pixels, D width of the last stage (768 for tiny).
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torchvision.models.video.swin_transformer import PatchEmbed3d, SwinTransformer3d

from egokd.models.heads import Heads
from egokd.models.options import DropShare, Flag, Size, Sizes, Window


class VideoSwin(nn.Module):
    """{"pixels": float [B, C, T, H, W]} -> {head: logits [B, classes]}.

    C is `in_channels`, or 1: a single channel (sound) is repeated to fill the stem, as the papers do. With
    `in_channels=1` the stem has one channel of its own. T, H and W are padded to whole patches of (2, 4, 4).

    modality, num_frames and size are accepted for the common signature; no weight depends on them.
    stochastic_depth  drop rate of the last block; grows linearly from 0 in the first (papers: 0.2)
    checkpointing     recompute each block in the backward pass: less memory, about a third more time

    Impossible geometries are refused before (`egokd.models.swin_geometry`).
    """

    def __init__(
        self,
        modality: str,
        heads: dict[str, int],
        num_frames: int,
        size: int,
        *,
        embed_dim: Size = 96,
        depths: Sizes = (2, 2, 6, 2),
        num_heads: Sizes = (3, 6, 12, 24),
        window_size: Window = (8, 7, 7),
        in_channels: Size = 3,
        stochastic_depth: DropShare = 0.2,
        checkpointing: Flag = False,
    ):
        super().__init__()
        self.in_channels, self.checkpointing = in_channels, checkpointing
        self.backbone = SwinTransformer3d(
            patch_size=[2, 4, 4],
            embed_dim=embed_dim,
            depths=list(depths),
            num_heads=list(num_heads),
            window_size=list(window_size),
            stochastic_depth_prob=stochastic_depth,
            num_classes=1,
            patch_embed=partial(PatchEmbed3d, in_channels=in_channels),
        )
        self.backbone.head = nn.Identity()  # torchvision's single classifier; ours are in `heads`
        _do_not_save_position_index(self.backbone)
        self.heads = Heads(self.backbone.num_features, heads)

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        x_BCTHW = inputs["pixels"]
        if x_BCTHW.shape[1] == 1 < self.in_channels:
            x_BCTHW = x_BCTHW.expand(-1, self.in_channels, -1, -1, -1)
        x = self.backbone.patch_embed(x_BCTHW)  # [B, T/2, H/4, W/4, embed_dim], channels last from here on
        for stage in self.backbone.features:
            # stages alternate with patch merging, which is a single module
            for block in stage if isinstance(stage, nn.Sequential) else [stage]:
                if self.checkpointing and self.training and torch.is_grad_enabled():
                    x = checkpoint(block, x, use_reentrant=False)
                else:
                    x = block(x)
        features_BD = self.backbone.norm(x).mean(dim=(1, 2, 3))
        return self.heads(features_BD)


def _do_not_save_position_index(backbone: SwinTransformer3d) -> None:
    """Keep the tables of window offsets, 1.2 MB a block, out of the state dict: they follow from the window size."""
    for module in backbone.modules():
        if hasattr(module, "relative_position_index"):
            index = module.relative_position_index
            del module.relative_position_index
            module.register_buffer("relative_position_index", index, persistent=False)
