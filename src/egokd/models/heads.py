"""One linear classifier per head on a shared feature vector."""

from torch import Tensor, nn


class Heads(nn.Module):
    """features float [B, dim] -> {head: logits [B, classes of that head]}.

    `heads` maps head names (`verb`, `noun`, `action`) to class counts. Weights start as a truncated normal of
    standard deviation 0.02 and biases at zero, so that every net begins close to uniform predictions.
    """

    def __init__(self, dim: int, heads: dict[str, int]):
        super().__init__()
        self.linear = nn.ModuleDict({name: nn.Linear(dim, classes) for name, classes in heads.items()})
        for layer in self.linear.values():
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, features_BD: Tensor) -> dict[str, Tensor]:
        return {name: layer(features_BD) for name, layer in self.linear.items()}
