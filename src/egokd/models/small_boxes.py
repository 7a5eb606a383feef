"""A small net over boxes of hands and objects: the demo's counterpart of STLT.

Boxes of one frame attend to each other, their mean and maximum describe the frame, convolutions over time
describe the clip. Shapes: B batch, T frames, N boxes a frame (padded), D width.
"""

import torch
from torch import Tensor, nn

from egokd.models.heads import Heads
from egokd.models.layers import TIME_PARTS, time_conv
from egokd.models.options import DropShare, Size

CATEGORIES, SIDES, STATES = 3, 3, 6  # padding or "none" included, as index 0
GEOMETRY = 8  # corners, centre, width, height
NUM_HEADS = 4


class SmallBoxNet(nn.Module):
    """Boxes -> {head: logits [B, classes]}.

    inputs: boxes float [B,T,N,4] (x1, y1, x2, y2 in 0 to 1), category int64 [B,T,N] (0 empty, 1 object, 2 hand),
    score float [B,T,N], side int64 [B,T,N] (0 none, 1 left, 2 right), state int64 [B,T,N] (0 none, 1 to 5).
    A frame without boxes is described by zeros. `num_frames` and `size` are not needed.
    """

    def __init__(
        self,
        modality: str,
        heads: dict[str, int],
        num_frames: int,
        size: int,
        width: Size = 64,
        dropout: DropShare = 0.2,
    ):
        super().__init__()
        self.geometry = nn.Sequential(nn.Linear(GEOMETRY + 1, width), nn.ReLU(), nn.Linear(width, width))
        self.category = nn.Embedding(CATEGORIES, width, padding_idx=0)
        self.side = nn.Embedding(SIDES, width, padding_idx=0)
        self.state = nn.Embedding(STATES, width, padding_idx=0)
        self.norm = nn.LayerNorm(width)
        self.attend = nn.TransformerEncoderLayer(width, NUM_HEADS, 2 * width, 0.0, batch_first=True, norm_first=True)
        features = 2 * width
        self.over_time = nn.Sequential(*(time_conv(features, features) for _ in range(2)))
        self.dropout = nn.Dropout(dropout)
        self.heads = Heads(TIME_PARTS * features, heads)

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        boxes, category = inputs["boxes"], inputs["category"]
        batch, frames = category.shape[:2]
        low, high = boxes[..., :2], boxes[..., 2:]
        geometry = torch.cat([boxes, (low + high) / 2, high - low, inputs["score"][..., None]], -1)
        x = self.geometry(geometry - 0.5) + self.category(category)
        x = self.norm(x + self.side(inputs["side"]) + self.state(inputs["state"])).flatten(0, 1)  # [B*T,N,D]
        empty = (category == 0).flatten(0, 1)
        nothing = empty.all(1, keepdim=True)
        x = self.attend(x, src_key_padding_mask=empty & ~nothing)  # attention over no box at all would be NaN
        there = (~empty)[..., None].to(x.dtype)
        mean = (x * there).sum(1) / there.sum(1).clamp(min=1)
        top = x.masked_fill(empty[..., None], -1e4).amax(1) * (~nothing).to(x.dtype)
        x_BTD = torch.cat([mean, top], 1).view(batch, frames, -1)
        x_BDT = self.over_time(x_BTD.transpose(1, 2))
        x_BD = nn.functional.adaptive_avg_pool1d(x_BDT, TIME_PARTS).flatten(1)
        return self.heads(self.dropout(x_BD))
