"""Which data a trial may train on; `bnsweep.data` loads them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from bnsweep.spec.section import CUSTOM, NONE, TORCHVISION, CallableSection, PositiveInt, Section, reads, variant_tag

SAMPLE = frozenset({"train_limit", "test_limit", "sample_seed"})
"""The fields that say which sample is taken."""
Side = Annotated[int, Field(gt=0, le=4096)]
"""Pixels along the side of an image."""


class DigitsSpec(Section):
    """scikit-learn's bundled 8x8 images of digits: 1,437 to train on, 360 to test on."""

    name: Literal["digits"]


class SampledSection(Section):
    """Data that a stratified sample may be taken of: all classes in their proportions, drawn by `sample_seed` alone."""

    train_limit: PositiveInt | None = None
    """Samples to train on, at most; left out: all."""
    test_limit: PositiveInt | None = None
    """Samples to test on, at most; left out: all."""
    sample_seed: int = Field(default=0, ge=0, lt=2**63)
    """Which sample, the same for every seed of a trial."""

    @reads("train_limit", "test_limit", "sample_seed")
    @staticmethod
    def _a_seed_draws_something(train_limit: int | None, test_limit: int | None, sample_seed: int) -> None:
        if sample_seed and train_limit is None and test_limit is None:
            raise ValueError(f"sample_seed {sample_seed} needs a train_limit or test_limit to draw a sample by")


class ParquetSpec(SampledSection):
    """An image set published as Parquet: one file for training, one for testing."""

    TAKEN: ClassVar = SAMPLE | {"image_column", "label_column"}
    name: Literal["parquet"]
    train: str = Field(min_length=1)
    """The file to train on; paths are relative to where you run."""
    test: str = Field(min_length=1)
    """The file to test on."""
    image_column: str = "img"
    """Its images, as encoded files (PNG, JPEG)."""
    label_column: str = "label"
    """Its labels, whole numbers from 0."""


class Cifar10Spec(Section):
    """CIFAR-10 as its authors publish it, for Python: `root` holds their folder `cifar-10-batches-py`."""

    name: Literal["cifar10"]
    root: str = Field(min_length=1)
    """The folder that holds `cifar-10-batches-py`."""


class NpzSpec(SampledSection):
    """Arrays in one file: train_x, train_y, test_x and test_y."""

    TAKEN: ClassVar = SAMPLE

    name: Literal["npz"]
    file: str = Field(min_length=1)
    """The file; y are whole numbers from 0, or real targets (N, K)."""


class ImagesSpec(SampledSection):
    """Images in folders: `root` holds train/CLASS/ and test/CLASS/. With `size` each is cut and scaled to a square."""

    name: Literal["images"]
    root: str = Field(min_length=1)
    """The folder that holds train/ and test/."""
    size: Side | None = None
    """Pixels along the side: the largest square in the middle of each image, scaled."""


class TorchvisionDatasetSpec(SampledSection):
    """A data set of torchvision's, by its name there; `root` holds it, or gets it by `download`, which no key holds."""

    name: Literal[
        "torchvision/MNIST",
        "torchvision/FashionMNIST",
        "torchvision/KMNIST",
        "torchvision/QMNIST",
        "torchvision/USPS",
        "torchvision/CIFAR10",
        "torchvision/CIFAR100",
        "torchvision/SVHN",
        "torchvision/STL10",
        "torchvision/GTSRB",
        "torchvision/Flowers102",
        "torchvision/DTD",
        "torchvision/Food101",
        "torchvision/Country211",
        "torchvision/RenderedSST2",
        "torchvision/FGVCAircraft",
        "torchvision/OxfordIIITPet",
    ]
    """Which; each has a training and a test set."""
    root: str = Field(default="data", min_length=1)
    """Where it is, as torchvision lays it out."""
    download: bool = Field(default=False, exclude=True)
    """Whether it is fetched where it is missing."""
    size: Side | None = None
    """Pixels along the side: the largest square in the middle of each image, scaled."""


class GaussianSpec(Section):
    """Vectors with independent standard normal entries, A Gaussian too: labelled by the largest entry of A x.

    With real targets they are A x itself, `num_classes` numbers.
    """

    name: Literal["gaussian"]
    samples: PositiveInt = 1000
    """To train on."""
    test_samples: PositiveInt = 1000
    """To test on."""
    dimension: PositiveInt = 10
    """Entries of x."""
    num_classes: int = Field(default=10, ge=2)
    """Rows of A."""
    data_seed: int = Field(default=0, ge=0, lt=2**63)
    """Which A and which x."""
    targets: Literal["classes", "real"] = "classes"
    """`classes`: the largest entry of A x; `real`: A x itself, for loss mse."""


class NoDatasetSpec(Section):
    """None that bnsweep knows of: a loop of the user's own brings its data."""

    name: Literal["none"] = "none"


class CustomDatasetSpec(CallableSection):
    """Data of the user's own: `package.module:callable`; the other keys are the callable's options."""


DatasetSpec = Annotated[
    Annotated[DigitsSpec, Tag("digits")]
    | Annotated[ParquetSpec, Tag("parquet")]
    | Annotated[Cifar10Spec, Tag("cifar10")]
    | Annotated[NpzSpec, Tag("npz")]
    | Annotated[ImagesSpec, Tag("images")]
    | Annotated[TorchvisionDatasetSpec, Tag(TORCHVISION)]
    | Annotated[GaussianSpec, Tag("gaussian")]
    | Annotated[CustomDatasetSpec, Tag(CUSTOM)]
    | Annotated[NoDatasetSpec, Tag(NONE)],
    Discriminator(variant_tag),
]


def source_of(spec: DatasetSpec) -> str:
    """Return where data are from, as JSON: specs that differ in what they take of the same files have one source."""
    return spec.model_dump_json(exclude=getattr(spec, "TAKEN", None))
