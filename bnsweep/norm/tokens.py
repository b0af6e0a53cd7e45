"""Every mode on tokens: features of many positions of a sample, as in a transformer."""

from __future__ import annotations

from torch import Tensor, nn

from bnsweep.norm.site import Normalization

OVER_POSITIONS = ("instance",)
"""The modes that take statistics of a feature over the positions of one sample."""


class TokenNorm(nn.Module):
    """A mode at a site of tokens, (N, ..., D) or (N, D, ...): of each sample some positions with D features.

    A token is to its mode what a sample of a fully connected layer is: statistics of a sample (`layer`, `group`, `rms`)
    are each token's own, over its features, and those of the mini-batch (`batch`, `noisy_batch`, lp) are each
    feature's, over samples and tokens. `instance` takes those of each feature over the tokens of its sample. Gain and
    shift are per feature, and noise is drawn for each token as for a sample.

    Args:
        norm: the mode, built for a fully connected layer of D features; `instance` for a map with D channels.
        dim: which dimension of the input the features are: 1 or -1.
    """

    def __init__(self, norm: Normalization, dim: int = -1) -> None:
        super().__init__()
        self.norm, self.dim = norm, dim

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized x, of the same shape."""
        last = x.movedim(self.dim, -1)
        if self.norm.site.spatial is None:
            tokens: Tensor = self.norm(last.reshape(-1, last.shape[-1]))
        else:  # contiguous, since in another layout a later product would round otherwise in a suffix than in the whole
            tokens = self.norm(last.flatten(1, -2).transpose(1, 2).contiguous()).transpose(1, 2).contiguous()
        return tokens.reshape(last.shape).movedim(-1, self.dim)
