"""Parts that the small nets share."""

from torch import nn

TIME_PARTS = 2  # the clip's beginning and end are described apart: take and put differ in order only


def conv(channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    layer = nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True))


def time_conv(channels_in: int, channels_out: int) -> nn.Sequential:
    """[B,D,T] -> [B,D',T/2] (rounded up): convolution over time, batch norm, ReLU."""
    layer = nn.Conv1d(channels_in, channels_out, 3, stride=2, padding=1, bias=False)
    return nn.Sequential(layer, nn.BatchNorm1d(channels_out), nn.ReLU())
