"""TimeSformer with divided space-time attention (Bertasius et al. 2021, arXiv 2102.05095) on timm's ViT.

Each block attends first over time, every place for itself, then over the places of each frame together with
the class token, whose results are averaged over frames, then applies the MLP. The map after temporal
attention starts at zero: a fresh TimeSformer gives what its image ViT gives for the frames, and learns time
from there.

Shapes: B batch, C channels, T frames, S places in a frame, D width.
"""

from typing import Any

import timm
import torch
from timm.models.vision_transformer import Attention
from torch import Tensor, nn

from egokd.errors import UserError
from egokd.models.heads import Heads
from egokd.models.options import DropShare, Size


class DividedBlock(nn.Module):
    """timm's block with temporal attention before it, on a class token [B, D] and places [B, T, S, D]."""

    # timm gives its blocks attributes that its types do not know
    space: Any

    def __init__(self, block: Any):
        super().__init__()
        width, num_heads = block.attn.proj.in_features, block.attn.num_heads
        self.time_norm = nn.LayerNorm(width, eps=block.norm1.eps)
        self.time_attn = Attention(width, num_heads=num_heads, qkv_bias=True)
        self.time_out = nn.Linear(width, width)
        nn.init.zeros_(self.time_out.weight)
        nn.init.zeros_(self.time_out.bias)
        self.space = block

    def forward(self, token_BD: Tensor, x_BTSD: Tensor) -> tuple[Tensor, Tensor]:
        batch, frames, places, _ = x_BTSD.shape
        block = self.space
        over_time = x_BTSD.transpose(1, 2).flatten(0, 1)  # [B*S, T, D]
        over_time = block.drop_path1(self.time_attn(self.time_norm(over_time)))
        x_BTSD = x_BTSD + self.time_out(over_time).unflatten(0, (batch, places)).transpose(1, 2)

        tokens = token_BD[:, None, None].expand(-1, frames, -1, -1)
        over_space = torch.cat((tokens, x_BTSD), dim=2).flatten(0, 1)  # [B*T, 1+S, D]
        over_space = block.drop_path1(block.attn(block.norm1(over_space))).unflatten(0, (batch, frames))
        token_BD = token_BD + over_space[:, :, 0].mean(dim=1)
        x_BTSD = x_BTSD + over_space[:, :, 1:]

        x = torch.cat((token_BD[:, None], x_BTSD.flatten(1, 2)), dim=1)
        x = x + block.drop_path2(block.mlp(block.norm2(x)))
        return x[:, 0], x[:, 1:].unflatten(1, (frames, places))


class TimeSformer(nn.Module):
    """{"pixels": float [B, C, T, H, W]} -> {head: logits [B, classes]}; H = W = size, T = num_frames.

    C is 3, or 1 (sound), which is repeated. The parts of the image ViT are timm's and keep its names.
    stochastic_depth  drop rate of the last block; grows linearly from 0 in the first

    Raises UserError when a clip has another size than the net. `size` is a multiple of the patch (`egokd.models.nets`).
    """

    def __init__(
        self,
        modality: str,
        heads: dict[str, int],
        num_frames: int,
        size: int,
        *,
        embed_dim: Size = 768,
        depth: Size = 12,
        num_heads: Size = 12,
        patch_size: Size = 16,
        stochastic_depth: DropShare = 0.1,
    ):
        super().__init__()
        self.expected = (num_frames, size, size)
        vit: Any = timm.create_model(
            "vit_base_patch16_224",
            pretrained=False,
            num_classes=0,
            img_size=size,
            embed_dim=embed_dim,
            depth=depth,
            num_heads=num_heads,
            patch_size=patch_size,
            drop_path_rate=stochastic_depth,
        )
        self.patch_embed, self.norm = vit.patch_embed, vit.norm
        self.cls_token, self.pos_embed = vit.cls_token, vit.pos_embed
        self.time_embed = nn.Parameter(torch.zeros(1, num_frames, embed_dim))
        self.blocks = nn.ModuleList(DividedBlock(block) for block in vit.blocks)
        self.heads = Heads(embed_dim, heads)

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        x_BCTHW = inputs["pixels"]
        if tuple(x_BCTHW.shape[2:]) != self.expected:
            raise UserError(
                f"timesformer: clips of {list(x_BCTHW.shape[2:])} (frames, height, width), but the net was "
                f"built for {list(self.expected)}"
            )
        batch, channels, frames = x_BCTHW.shape[:3]
        x_BCTHW = x_BCTHW.expand(-1, 3, -1, -1, -1) if channels == 1 else x_BCTHW
        x = self.patch_embed(x_BCTHW.transpose(1, 2).flatten(0, 1))  # [B*T, S, D]
        x_BTSD = (x + self.pos_embed[:, 1:]).unflatten(0, (batch, frames)) + self.time_embed[:, :, None]
        token_BD = (self.cls_token + self.pos_embed[:, :1])[:, 0].expand(batch, -1)
        for block in self.blocks:
            token_BD, x_BTSD = block(token_BD, x_BTSD)
        return self.heads(self.norm(token_BD))
