"""STLT, the transformer over boxes of the papers' object teacher (Radevski et al. 2021, arXiv 2111.01936).

Geometry and constants are those of the ICCV paper's code, LayerNorm epsilon 0.1 included. In each frame a
class token and the embedded boxes pass through the spatial encoder; its class token stands for the frame.
The frames, with learned positions, and a class token *at the end* pass through the temporal encoder under a
causal mask, so only the last token has seen all frames; it is classified. 85.1 M parameters without heads.

Shapes: B batch, T frames, N boxes a frame (padded), D width, K heads of attention.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from egokd.errors import UserError
from egokd.models.heads import Heads
from egokd.models.options import DropShare, Size

CATEGORIES, SIDES, STATES = 3, 3, 6  # padding or "none" included, as index 0
PAD = 0  # category of an empty place
EMBEDDING_EPS = 0.1  # of the papers' code; the encoder layers keep PyTorch's 1e-5


class EncoderLayer(nn.Module):
    """Post-norm transformer layer with GELU, [B, L, D] -> [B, L, D]; attention by PyTorch's fused kernels."""

    def __init__(self, width: int, num_heads: int, dropout: float):
        super().__init__()
        self.num_heads, self.dropout = num_heads, dropout
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        nn.init.xavier_uniform_(self.qkv.weight)
        for layer in (self.qkv, self.proj):
            nn.init.zeros_(layer.bias)

    def forward(self, x_BLD: Tensor, visible: Tensor | None = None, causal: bool = False) -> Tensor:
        """`visible`: bool [B, 1, 1, L], which tokens may be attended to; `causal`: none that come later."""
        batch, length, width = x_BLD.shape
        heads = self.qkv(x_BLD).view(batch, length, 3, self.num_heads, width // self.num_heads)
        q, k, v = heads.permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=visible, dropout_p=dropout, is_causal=causal)
        x_BLD = self.norm1(x_BLD + self._drop(self.proj(mixed.transpose(1, 2).flatten(2))))
        return self.norm2(x_BLD + self._drop(self.fc2(self._drop(F.gelu(self.fc1(x_BLD))))))

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)


class BoxEmbedding(nn.Module):
    """Boxes and their attributes -> [B, T, N, D]: five embeddings summed, normalised."""

    def __init__(self, width: int, dropout: float):
        super().__init__()
        self.category = nn.Embedding(CATEGORIES, width, padding_idx=0)
        self.box = nn.Linear(4, width)
        self.score = nn.Linear(1, width)
        self.side = nn.Embedding(SIDES, width, padding_idx=0)
        self.state = nn.Embedding(STATES, width, padding_idx=0)
        self.norm = nn.LayerNorm(width, eps=EMBEDDING_EPS)
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        total = (
            self.category(inputs["category"])
            + self.box(inputs["boxes"])
            + self.score(inputs["score"].unsqueeze(-1))
            + self.side(inputs["side"])
            + self.state(inputs["state"])
        )
        return self.dropout(self.norm(total))


class Stlt(nn.Module):
    """Boxes of T frames -> {head: logits [B, classes]}.

    inputs: boxes float [B,T,N,4] (corners as shares of width and height), category int [B,T,N] (0 empty, 1
    object, 2 hand), score float [B,T,N], side int [B,T,N] (0 none, 1 left, 2 right), state int [B,T,N] (0
    none, 1 to 5 as in the EPIC hand-object detections). Empty places are masked; a frame without boxes is
    its class token alone.

    `modality` and `size` are accepted for the common signature. Raises UserError for an impossible
    geometry, and when a clip has more frames than there are learned positions.
    """

    def __init__(
        self,
        modality: str,
        heads: dict[str, int],
        num_frames: int,
        size: int,
        *,
        width: Size = 768,
        num_heads: Size = 8,
        spatial_layers: Size = 6,
        temporal_layers: Size = 6,
        dropout: DropShare = 0.1,
    ):
        super().__init__()
        self.embedding = BoxEmbedding(width, dropout)
        self.frame_token = nn.Parameter(torch.zeros(1, 1, width))
        self.spatial = _encoder(spatial_layers, width, num_heads, dropout)
        self.position = nn.Embedding(num_frames, width)
        self.norm = nn.LayerNorm(width, eps=EMBEDDING_EPS)
        self.dropout = nn.Dropout(dropout)
        self.clip_token = nn.Parameter(torch.zeros(1, 1, width))
        self.temporal = _encoder(temporal_layers, width, num_heads, dropout)
        self.heads = Heads(width, heads)

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        batch, frames = inputs["category"].shape[:2]
        if frames > self.position.num_embeddings:
            raise UserError(f"stlt: {frames} frames, but the net was built for {self.position.num_embeddings}")
        x = self.embedding(inputs).flatten(0, 1)  # [B*T, N, D]
        x = torch.cat((self.frame_token.expand(x.shape[0], -1, -1), x), dim=1)
        visible = F.pad(inputs["category"].flatten(0, 1) != PAD, (1, 0), value=True)  # the token is always seen
        for layer in self.spatial:
            x = layer(x, visible=visible[:, None, None, :])
        frames_BTD = x[:, 0].unflatten(0, (batch, frames))
        x = self.dropout(self.norm(frames_BTD + self.position.weight[:frames]))
        x = torch.cat((x, self.clip_token.expand(batch, -1, -1)), dim=1)
        for layer in self.temporal:
            x = layer(x, causal=True)
        return self.heads(x[:, -1])


def _encoder(layers: int, width: int, num_heads: int, dropout: float) -> nn.ModuleList:
    return nn.ModuleList(EncoderLayer(width, num_heads, dropout) for _ in range(layers))
