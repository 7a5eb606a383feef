"""A small video net that learns from scratch within minutes on a CPU: the backbone of the demo.

Every frame passes the same 2D convolutions and is described by pooled features (what there is) and a coarse grid of
narrow ones (where it is); convolutions over time then halve the clip twice. The net sees motion only as a change of
what frames show, so an RGB input has to learn it from the looks of hands and objects, while flow shows it openly: the
difference that the demo is about. Shapes: B batch, C channels, T frames, H, W pixels (or mel bands and time columns of
a sound window), D features.
"""

import torch
from torch import Tensor, nn

from egokd.models.heads import Heads
from egokd.models.layers import TIME_PARTS, conv, time_conv
from egokd.models.nets import channels_of
from egokd.models.options import DropShare, Size

GRID, PLACE_CHANNELS = 3, 16  # cells along each side of the picture, and features in each cell


class SmallVideoNet(nn.Module):
    """inputs["pixels"] float [B,C,T,H,W] -> {head: logits [B, classes]}; C is 3, for sound 1.

    width        channels of the first stage; the others are twice, three and four times as wide
    dropout      share of features dropped before the heads
    num_frames, size  any; the net holds no parameters that depend on them
    """

    def __init__(
        self,
        modality: str,
        heads: dict[str, int],
        num_frames: int,
        size: int,
        width: Size = 16,
        dropout: DropShare = 0.3,
    ):
        super().__init__()
        channels = [width, 2 * width, 4 * width, 6 * width]
        self.per_frame = nn.Sequential(
            conv(channels_of(modality), channels[0], 5, stride=2),
            conv(channels[0], channels[1], 3, stride=2),
            conv(channels[1], channels[1], 3),
            conv(channels[1], channels[2], 3, stride=2),
            conv(channels[2], channels[2], 3),
            conv(channels[2], channels[3], 3, stride=2),
        )
        self.place = nn.Conv2d(channels[3], PLACE_CHANNELS, 1)
        features = 2 * channels[3]
        seen = features + PLACE_CHANNELS * GRID**2
        self.over_time = nn.Sequential(time_conv(seen, features), time_conv(features, features))
        self.dropout = nn.Dropout(dropout)
        self.heads = Heads(TIME_PARTS * features, heads)

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        x_BCTHW = inputs["pixels"]
        batch, _, frames = x_BCTHW.shape[:3]
        x = x_BCTHW.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)  # [B*T,C,H,W]
        x = self.per_frame(x)
        where = nn.functional.adaptive_avg_pool2d(self.place(x), GRID).flatten(1)
        x_BTD = torch.cat([x.mean((2, 3)), x.amax((2, 3)), where], 1).view(batch, frames, -1)
        x_BDT = self.over_time(x_BTD.transpose(1, 2))
        x_BD = nn.functional.adaptive_avg_pool1d(x_BDT, TIME_PARTS).flatten(1)
        return self.heads(self.dropout(x_BD))
