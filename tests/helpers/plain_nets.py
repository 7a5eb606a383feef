"""The nets of the papers once more, slowly: loops over windows, heads and frames, straight from the equations.

They share no code with the package and read weights by the *foreign* names, in float64, one clip at a time. Swin after
Liu et al. 2022 (arXiv 2106.13230, section 3) and its release's treatment of borders; STLT after Radevski et al. 2021
(arXiv 2111.01936); TimeSformer after Bertasius et al. 2021 (arXiv 2102.05095, section 3).
"""

import math

import torch
from torch import Tensor

GELU_SCALE = 1 / math.sqrt(2)


def linear(x: Tensor, state: dict[str, Tensor], name: str) -> Tensor:
    y = x @ state[name + ".weight"].double().T
    return y + state[name + ".bias"].double() if name + ".bias" in state else y


def layer_norm(x: Tensor, state: dict[str, Tensor], name: str, eps: float) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / (centred.pow(2).mean(-1, keepdim=True) + eps).sqrt()
    return scaled * state[name + ".weight"].double() + state[name + ".bias"].double()


def gelu(x: Tensor) -> Tensor:
    return x * 0.5 * (1 + torch.erf(x * GELU_SCALE))


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int, bias=None, allowed=None) -> Tensor:
    """Head by head: softmax(q k^T / sqrt(d) + bias) v over the allowed pairs. q, k, v are [tokens, width]."""
    out, d = [], q.shape[1] // heads
    for h in range(heads):
        part = slice(h * d, (h + 1) * d)
        scores = q[:, part] @ k[:, part].T / math.sqrt(d)
        if bias is not None:
            scores = scores + bias[..., h]
        if allowed is not None:
            scores = scores.masked_fill(~allowed, float("-inf"))
        weights = scores.exp() / scores.exp().sum(1, keepdim=True)
        out.append(weights @ v[:, part])
    return torch.cat(out, 1)


# --- Video Swin -------------------------------------------------------------------------------------------------------


def plain_swin(state: dict[str, Tensor], pixels_CTHW: Tensor, depths, num_heads, window) -> Tensor:
    """Features [width] of one clip; names of the original release without `backbone.`."""
    x = _patches(state, pixels_CTHW.double())
    for stage, (depth, heads) in enumerate(zip(depths, num_heads, strict=True)):
        for block in range(depth):
            name = f"layers.{stage}.blocks.{block}."
            shift = tuple(w // 2 for w in window) if block % 2 else (0, 0, 0)
            normed = layer_norm(x, state, name + "norm1", 1e-5)
            x = x + _window_attention(state, name + "attn.", normed, heads, window, shift)
            hidden = gelu(linear(layer_norm(x, state, name + "norm2", 1e-5), state, name + "mlp.fc1"))
            x = x + linear(hidden, state, name + "mlp.fc2")
        if stage < len(depths) - 1:
            x = _merge(state, f"layers.{stage}.downsample.", x)
    return layer_norm(x, state, "norm", 1e-5).flatten(0, 2).mean(0)


def _patches(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """Zeros at the end up to whole patches of 2x4x4, one linear map per patch, LayerNorm -> [D, H, W, C]."""
    c, t, h, w = x.shape
    whole = x.new_zeros(c, t + -t % 2, h + -h % 4, w + -w % 4)
    whole[:, :t, :h, :w] = x
    cut = whole.unfold(1, 2, 2).unfold(2, 4, 4).unfold(3, 4, 4)  # [C, D, H, W, 2, 4, 4]
    flat = cut.permute(1, 2, 3, 0, 4, 5, 6).flatten(3)
    kernel = state["patch_embed.proj.weight"].double().flatten(1)
    return layer_norm(flat @ kernel.T + state["patch_embed.proj.bias"].double(), state, "patch_embed.norm", 1e-5)


def _window_attention(state, name: str, x: Tensor, heads: int, window, shift) -> Tensor:
    """Every token attends to the tokens of its window, after the shift also only to those of its own region."""
    size = x.shape[:3]
    # a window no smaller than the map becomes the map, and is not shifted in that direction
    used = [min(w, n) for w, n in zip(window, size, strict=True)]
    moved = [0 if n <= w else s for w, s, n in zip(window, shift, size, strict=True)]
    padded = [n + -n % w for n, w in zip(size, used, strict=True)]
    whole = x.new_zeros(*padded, x.shape[3])
    whole[: size[0], : size[1], : size[2]] = x

    group = torch.zeros(padded, dtype=torch.long)  # number of the window and region that a token falls into
    place = torch.zeros(padded, dtype=torch.long)  # its number inside the window
    for axis, (n, w, s) in enumerate(zip(padded, used, moved, strict=True)):
        position = (torch.arange(n) - s) % n  # after the cyclic shift
        region = (position >= n - w).long() + (position >= n - s).long() if s else torch.zeros(n, dtype=torch.long)
        shape = [-1 if a == axis else 1 for a in range(3)]
        group = group * (n // w) * 3 + ((position // w) * 3 + region).view(shape)
        place = place * w + (position % w).view(shape)

    qkv = linear(whole, state, name + "qkv").flatten(0, 2)
    q, k, v = qkv.chunk(3, dim=1)
    out = torch.zeros_like(q)
    group, place = group.flatten(), place.flatten()
    for number in group.unique():
        tokens = (group == number).nonzero()[:, 0]
        bias = _position_bias(state[name + "relative_position_bias_table"].double(), place[tokens], window)
        out[tokens] = attend(q[tokens], k[tokens], v[tokens], heads, bias)
    out = linear(out, state, name + "proj").view(*padded, -1)
    return out[: size[0], : size[1], : size[2]]


def _position_bias(table: Tensor, place: Tensor, window) -> Tensor:
    """[n, n, heads]; the release reads places as places of the *full* window even where the window has shrunk."""
    _, h, w = window
    coordinates = torch.stack((place // (h * w), place // w % h, place % w), 1)
    offset = coordinates[:, None] - coordinates[None]
    row = (offset[..., 0] + window[0] - 1) * (2 * h - 1) + offset[..., 1] + h - 1
    return table[row * (2 * w - 1) + offset[..., 2] + w - 1]


def _merge(state: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """2x2 neighbours side by side (down first, then right), zeros beyond the border, LayerNorm, half the width."""
    d, h, w, c = x.shape
    whole = x.new_zeros(d, h + h % 2, w + w % 2, c)
    whole[:, :h, :w] = x
    four = [whole[:, i::2, j::2] for j in (0, 1) for i in (0, 1)]
    return linear(layer_norm(torch.cat(four, -1), state, name + "norm", 1e-5), state, name + "reduction")


def swin_shapes(embed_dim: int, depths, num_heads, window) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the release's backbone, `relative_position_index` buffers left out."""
    shapes = {
        "patch_embed.proj.weight": (embed_dim, 3, 2, 4, 4),
        "patch_embed.proj.bias": (embed_dim,),
        "patch_embed.norm.weight": (embed_dim,),
        "patch_embed.norm.bias": (embed_dim,),
    }
    offsets = math.prod(2 * w - 1 for w in window)
    for stage, (depth, heads) in enumerate(zip(depths, num_heads, strict=True)):
        c = embed_dim * 2**stage
        for block in range(depth):
            name = f"layers.{stage}.blocks.{block}."
            shapes |= {name + "attn.relative_position_bias_table": (offsets, heads)}
            for part, out, into in (
                ("attn.qkv", 3 * c, c),
                ("attn.proj", c, c),
                ("mlp.fc1", 4 * c, c),
                ("mlp.fc2", c, 4 * c),
            ):
                shapes |= {f"{name}{part}.weight": (out, into), f"{name}{part}.bias": (out,)}
            for part in ("norm1", "norm2"):
                shapes |= {f"{name}{part}.weight": (c,), f"{name}{part}.bias": (c,)}
        if stage < len(depths) - 1:
            name = f"layers.{stage}.downsample."
            shapes |= {name + "reduction.weight": (2 * c, 4 * c), name + "norm.weight": (4 * c,)}
            shapes |= {name + "norm.bias": (4 * c,)}
    return shapes | {"norm.weight": (c,), "norm.bias": (c,)}


# --- STLT -------------------------------------------------------------------------------------------------------------


def plain_stlt(state: dict[str, Tensor], clip: dict[str, Tensor], layers: int, heads: int) -> Tensor:
    """Features [width] of one clip (`boxes` [T,N,4] and so on); the authors' names without `temporal_transformer.`."""
    part = "layout_embedding.category_box_embeddings."
    frames = []
    for t in range(len(clip["category"])):
        tokens = [state["layout_embedding.cls_token"].double().flatten()]
        for n in (clip["category"][t] != 0).nonzero()[:, 0]:  # empty places simply are not there
            total = (
                state[part + "category_embeddings.weight"].double()[clip["category"][t, n]]
                + linear(clip["boxes"][t, n].double(), state, part + "box_embedding")
                + linear(clip["score"][t, n].double()[None], state, part + "score_embedding")
                + state[part + "side_embedding.weight"].double()[clip["side"][t, n]]
                + state[part + "state_embedding.weight"].double()[clip["state"][t, n]]
            )
            tokens.append(layer_norm(total, state, part + "layer_norm", 0.1))
        x = torch.stack(tokens)
        for i in range(layers):
            x = _encoder_layer(state, f"layout_embedding.transformer.layers.{i}.", x, heads)
        frames.append(x[0])
    x = torch.stack(frames) + state["position_embeddings.weight"].double()[: len(frames)]
    x = torch.cat((layer_norm(x, state, "layer_norm", 0.1), state["cls_token"].double()[0]))
    for i in range(layers):
        earlier = torch.ones(len(x), len(x), dtype=torch.bool).tril()
        x = _encoder_layer(state, f"transformer.layers.{i}.", x, heads, earlier)
    return x[-1]


def _encoder_layer(state, name: str, x: Tensor, heads: int, allowed=None) -> Tensor:
    packed = {"in.weight": state[name + "self_attn.in_proj_weight"], "in.bias": state[name + "self_attn.in_proj_bias"]}
    q, k, v = linear(x, packed, "in").chunk(3, dim=1)
    mixed = linear(attend(q, k, v, heads, allowed=allowed), state, name + "self_attn.out_proj")
    x = layer_norm(x + mixed, state, name + "norm1", 1e-5)
    return layer_norm(x + linear(gelu(linear(x, state, name + "linear1")), state, name + "linear2"), state,
                      name + "norm2", 1e-5)  # fmt: skip


# --- TimeSformer ------------------------------------------------------------------------------------------------------


def plain_timesformer(state: dict[str, Tensor], pixels_CTHW: Tensor, depth: int, heads: int, patch: int) -> Tensor:
    """Features [width] of one clip; our names."""
    c, frames = pixels_CTHW.shape[:2]
    kernel, places = state["patch_embed.proj.weight"].double().flatten(1), []
    for t in range(frames):
        cut = pixels_CTHW[:, t].double().unfold(1, patch, patch).unfold(2, patch, patch)
        flat = cut.permute(1, 2, 0, 3, 4).reshape(-1, c * patch * patch)
        places.append(flat @ kernel.T + state["patch_embed.proj.bias"].double())
    position = state["pos_embed"].double()[0]
    x = torch.stack(places) + position[1:] + state["time_embed"].double()[0][:, None]  # [T, S, D]
    token = state["cls_token"].double()[0, 0] + position[0]
    for i in range(depth):
        name, time = f"blocks.{i}.space.", f"blocks.{i}.time_"
        moved = torch.stack([_self_attend(state, time + "attn.", time + "norm", x[:, s], heads)
                             for s in range(x.shape[1])], 1)  # fmt: skip
        x = x + linear(moved, state, time + "out")
        seen = [
            _self_attend(state, name + "attn.", name + "norm1", torch.cat((token[None], frame)), heads) for frame in x
        ]
        token = token + torch.stack([frame[0] for frame in seen]).mean(0)
        x = x + torch.stack([frame[1:] for frame in seen])
        token = token + _mlp(state, name, token)
        x = x + _mlp(state, name, x)
    return layer_norm(token, state, "norm", 1e-6)


def _self_attend(state, name: str, norm: str, x: Tensor, heads: int) -> Tensor:
    q, k, v = linear(layer_norm(x, state, norm, 1e-6), state, name + "qkv").chunk(3, dim=1)
    return linear(attend(q, k, v, heads), state, name + "proj")


def _mlp(state, name: str, x: Tensor) -> Tensor:
    hidden = gelu(linear(layer_norm(x, state, name + "norm2", 1e-6), state, name + "mlp.fc1"))
    return linear(hidden, state, name + "mlp.fc2")


def random_state(shapes: dict[str, tuple[int, ...]], seed: int) -> dict[str, Tensor]:
    """Random weights large enough that attention, biases and norms all matter."""
    made = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        values = torch.randn(shape, generator=made)
        fan_in = math.prod(shape[1:]) if len(shape) > 1 else 1
        if "norm" in name and name.endswith("weight"):
            state[name] = 1 + 0.2 * values
        elif "bias_table" in name or len(shape) == 1:
            state[name] = 0.5 * values
        else:
            state[name] = values / fan_in**0.5
    return state
