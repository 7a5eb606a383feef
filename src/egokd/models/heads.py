"""One linear classifier per head on a shared feature vector."""

import torch
from torch import Tensor, nn


class Heads(nn.Module):
    """features [B, dim] -> {head: logits float32 [B, classes of that head]}.

    `heads` maps head names (`verb`, `noun`, `action`) to class counts. Weights start as a truncated normal of
    standard deviation 0.02 and biases at zero, so that every net begins close to uniform predictions.

    Logits are float32 whatever the net before them computes in: bfloat16 keeps 8 bits, so that classes would tie, and a
    tie counts as an error.
    """

    def __init__(self, dim: int, heads: dict[str, int]):
        super().__init__()
        layers = {name: nn.Linear(dim, classes) for name, classes in heads.items()}
        self.linear = nn.ModuleDict(layers)
        for layer in layers.values():
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, features_BD: Tensor) -> dict[str, Tensor]:
        device = features_BD.device.type
        with torch.autocast("cpu" if device == "meta" else device, enabled=False):
            features_BD = features_BD.float()
            return {name: layer(features_BD) for name, layer in self.linear.items()}
