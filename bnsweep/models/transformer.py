"""A small vision transformer: patches of the image as tokens (Dosovitskiy et al. 2021)."""

from __future__ import annotations

from torch import nn

from bnsweep.errors import InputError
from bnsweep.models.branches import AttentionBranch, MlpBranch
from bnsweep.models.positions import MeanOverTokens, Tokens
from bnsweep.models.sites import Sites
from bnsweep.models.staged import Stage, StagedModel, convolution, linear
from bnsweep.norm.tokens import OVER_POSITIONS
from bnsweep.spec import TransformerSpec


def transformer(
    spec: TransformerSpec, norm: str, input_shape: tuple[int, int, int], num_classes: int, noise_seed: int
) -> StagedModel:
    """Return stages patches, attention0, mlp0, attention1, ... and linear, on (C, H, W) images.

    Tokens are the patches, by one convolution, plus fixed sines of their place; a block is self-attention and two fully
    connected layers with GELU between them, each with a shortcut round it. With `norm_position: pre` another
    normalization follows the last block. The class is read off the mean over tokens. No dropout, no class token.

    Raises:
        InputError: patches that do not divide the image, or a mode or `qk_norm` that would leave nothing of tokens or
            features, or signs alone.
    """
    channels, height, width_px = input_shape
    if height % spec.patch or width_px % spec.patch:
        raise InputError(
            f"model.patch: {spec.patch} does not divide a {height}x{width_px} input; give a divisor of both sides"
        )
    if spec.qk_norm and spec.width == 2 * spec.heads:
        raise InputError(
            f"model.qk_norm: normalizes over the features of a head, and heads {spec.heads} of width {spec.width} have "
            "two each, which become +1 and -1 whatever they are; give fewer heads"
        )
    if norm in OVER_POSITIONS:
        raise InputError(
            f"norm: {norm} normalization takes a feature's mean over the tokens away, and transformer reads the class "
            "off that mean; use layer or group"
        )
    rows, columns, is_pre = height // spec.patch, width_px // spec.patch, spec.norm_position == "pre"
    sites = Sites(norm, noise_seed)

    def site() -> nn.Module:
        return sites.of_tokens(spec.width, rows * columns)

    patches = convolution(channels, spec.width, spec.patch)
    built: dict[str, nn.Module] = {"patches": Stage(patches, after=Tokens(spec.width, rows, columns))}
    for i in range(spec.depth):
        built[f"attention{i}"] = AttentionBranch(site(), spec.width, spec.heads, spec.qk_norm, is_pre)
        built[f"mlp{i}"] = MlpBranch(site(), spec.width, is_pre)
    last = [site()] if is_pre else []
    built["linear"] = Stage(linear(spec.width, num_classes), before=nn.Sequential(*last, MeanOverTokens()))
    return StagedModel(built)
