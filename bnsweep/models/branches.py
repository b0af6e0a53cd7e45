"""The two residual branches of a transformer's block, each normalized before or after."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from bnsweep.models.staged import linear
from bnsweep.norm.site import EPS

MLP_RATIO = 4
"""Hidden features of the fully connected branch, over the width."""


class AttentionBranch(nn.Module):
    """Self-attention with a shortcut round it: out(softmax(q k^T / sqrt(d)) v) by heads of d = width / heads features.

    q, k and v come of one weight layer of three times the width: none of them is before another, so that internal
    covariate shift sees one layer. With `qk_norm` each head's q and k are first layer-normalized over their d features,
    with a gain for each that the heads share (Dehghani et al. 2023, section 2), whatever the trial's mode.

    It is written out, since PyTorch's fused attention (`scaled_dot_product_attention`) has no second derivative.

    Source: Vaswani et al. 2017, section 3.2.

    Args:
        norm: the normalization of tokens (N, T, width).
        width: features D of a token.
        heads: a divisor of it.
        qk_norm: whether q and k are normalized.
        is_pre: whether the normalization comes before the branch; else it comes after the sum.
    """

    def __init__(self, norm: nn.Module, width: int, heads: int, qk_norm: bool, is_pre: bool) -> None:
        super().__init__()
        self.heads, self.is_pre = heads, is_pre
        if is_pre:  # modules are registered in the order of the forward
            self.norm = norm
        self.qkv = linear(width, 3 * width)
        self.query_norm, self.key_norm = (_norm_of_head(width // heads) if qk_norm else nn.Identity() for _ in "qk")
        self.out = linear(width, width)
        if not is_pre:
            self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """Return the next branch's input, (N, T, width)."""
        return with_shortcut(x, self._attend, self.norm, self.is_pre)

    def _attend(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # each (N, heads, T, d)
        q, k = self.query_norm(q), self.key_norm(k)
        weights = (q * q.shape[-1] ** -0.5 @ k.transpose(2, 3)).softmax(-1)
        output: Tensor = self.out((weights @ v).transpose(1, 2).flatten(2))
        return output


class MlpBranch(nn.Module):
    """out(GELU(hidden(x))), four times as wide in the middle, with a shortcut round it.

    Args:
        norm: the normalization of tokens (N, T, width).
        width: features of a token.
        is_pre: whether the normalization comes before the branch; else it comes after the sum.
    """

    def __init__(self, norm: nn.Module, width: int, is_pre: bool) -> None:
        super().__init__()
        self.is_pre = is_pre
        if is_pre:
            self.norm = norm
        self.hidden, self.gelu = linear(width, MLP_RATIO * width), nn.GELU()
        self.out = linear(MLP_RATIO * width, width)
        if not is_pre:
            self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """Return the next branch's input, (N, T, width)."""
        return with_shortcut(x, lambda tokens: self.out(self.gelu(self.hidden(tokens))), self.norm, self.is_pre)


def with_shortcut(x: Tensor, inner: Callable[[Tensor], Tensor], norm: nn.Module, is_pre: bool) -> Tensor:
    """Return x + inner(norm(x)), or norm(x + inner(x)).

    Source: Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture", figure 1.
    """
    output: Tensor = x + inner(norm(x)) if is_pre else norm(x + inner(x))
    return output


def _norm_of_head(size: int) -> nn.LayerNorm:
    return nn.LayerNorm(size, eps=EPS, bias=False)
