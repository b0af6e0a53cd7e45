"""Which models a trial may train; `bnsweep.models` builds them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from bnsweep.spec.section import CUSTOM, NONE, TORCHVISION, CallableSection, PositiveInt, Section, reads, variant_tag
from bnsweep.spec.torchvision_models import TorchvisionModelName

NormPosition = Literal["pre", "post"]
"""Before a residual branch, or after it: in a transformer after the sum, in a resnet after each convolution."""


class VggSpec(Section):
    """3x3 convolutions of the given widths, `M` for a 2x2 max pooling; global average pooling and a linear layer."""

    name: Literal["vgg"]
    widths: tuple[PositiveInt | Literal["M"], ...] = Field(
        default=(64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"),
        strict=False,
    )
    """Channels of each convolution, `M` for pooling; by default the 13 convolutions of VGG-16."""

    @reads("widths")
    @staticmethod
    def _has_a_convolution(widths: tuple[int | str, ...]) -> None:
        if not any(isinstance(width, int) for width in widths):
            raise ValueError("needs at least one convolution: widths such as [16, M, 32]")


class MlpSpec(Section):
    """Fully connected hidden layers of the given widths, and a linear layer on top."""

    name: Literal["mlp"]
    widths: tuple[PositiveInt, ...] = Field(default=(128, 128), strict=False, min_length=1)
    """Units of each hidden layer."""
    activation: Literal["relu", "tanh"] = "relu"
    """The nonlinearity after each hidden layer."""


class DeepLinearSpec(Section):
    """Fully connected layers without a nonlinearity: hidden ones of the given widths, and one on top."""

    name: Literal["deep_linear"]
    widths: tuple[PositiveInt, ...] = Field(default=(10,) * 24, strict=False, min_length=1)
    """Units of each hidden layer; by default the paper's 25 layers."""


class ResnetSpec(Section):
    """Residual network for small images (He et al. 2015, section 4.2): 6n + 2 layers, shortcuts without weights."""

    name: Literal["resnet"]
    depth: PositiveInt = 20
    """Layers, 6n + 2: 8, 14, 20, 32, 44, 56, 110."""
    width: PositiveInt = 16
    """Channels of the first of three groups; each next one has twice as many."""
    norm_position: NormPosition = "post"
    """`pre` is pre-activation."""

    @reads("depth")
    @staticmethod
    def _three_groups_of_blocks(depth: int) -> None:
        if depth < 8 or depth % 6 != 2:
            raise ValueError(f"depth {depth} is not 6n + 2; such as 8, 14, 20, 32, 44, 56 or 110")


class TransformerSpec(Section):
    """A vision transformer: patches of patch x patch pixels as tokens, blocks of self-attention and a two-layer net."""

    name: Literal["transformer"]
    depth: PositiveInt = 2
    """Blocks."""
    width: PositiveInt = 32
    """Features of a token; `heads` divides it."""
    heads: PositiveInt = 4
    """Of each self-attention."""
    patch: PositiveInt = 2
    """Pixels along the side of a patch."""
    qk_norm: bool = False
    """Whether each head's queries and keys are normalized, by layer normalization with a gain."""
    norm_position: NormPosition = "pre"
    """`pre`: before each branch; `post`: after each sum."""

    @reads("width", "heads", "qk_norm")
    @staticmethod
    def _heads_share_the_width(width: int, heads: int, qk_norm: bool) -> None:
        if width % heads:
            raise ValueError(f"heads {heads} does not divide width {width}; each head takes width / heads features")
        if qk_norm and width == heads:
            raise ValueError(
                f"qk_norm normalizes over the features of a head, and heads {heads} of width {width} have one each; "
                "give fewer heads"
            )


class NoModelSpec(Section):
    """None that bnsweep knows of: a loop of the user's own brings one."""

    name: Literal["none"] = "none"


class TorchvisionModelSpec(Section):
    """A classification model of torchvision's, by its name there; without trained weights."""

    name: TorchvisionModelName
    """Its normalizations are replaced by the trial's mode."""


class CustomSpec(CallableSection):
    """A model of the user's own: `package.module:callable`; the other keys are the callable's options."""


ModelSpec = Annotated[
    Annotated[VggSpec, Tag("vgg")]
    | Annotated[MlpSpec, Tag("mlp")]
    | Annotated[DeepLinearSpec, Tag("deep_linear")]
    | Annotated[ResnetSpec, Tag("resnet")]
    | Annotated[TransformerSpec, Tag("transformer")]
    | Annotated[TorchvisionModelSpec, Tag(TORCHVISION)]
    | Annotated[CustomSpec, Tag(CUSTOM)]
    | Annotated[NoModelSpec, Tag(NONE)],
    Discriminator(variant_tag),
]
