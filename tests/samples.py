"""A few of the digits, for short trials: most of their time goes into evaluations, which pass over all samples."""

from dataclasses import replace

from bnsweep.data import Dataset, load_dataset
from bnsweep.spec import DigitsSpec


def few_digits(train: int = 96, test: int = 40) -> Dataset:
    """Return the digits with only so many samples to train and to test on."""
    data = load_dataset(DigitsSpec(name="digits"))
    return replace(
        data,
        train_x=data.train_x[:train],
        train_y=data.train_y[:train],
        test_x=data.test_x[:test],
        test_y=data.test_y[:test],
    )
