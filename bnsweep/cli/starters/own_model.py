"""The model that own_model.yaml trains: put your own in its place."""

from collections.abc import Callable

from torch import nn


def net(
    input_shape: tuple[int, int, int], num_classes: int, norm: Callable[..., nn.Module], width: int = 16
) -> nn.Sequential:
    """Return the model of one trial; an nn.Sequential makes the probe ics cheap.

    Args:
        input_shape: (C, H, W), that of an image.
        num_classes: how many numbers it returns for each image.
        norm: makes the trial's normalization, `norm(channels, (H, W))` or `norm(features, None)`.
        width: as the sweep file says; every argument may be an axis there.
    """
    channels, height, width_px = input_shape
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        norm(width, (height, width_px)),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(width * height * width_px, 32),
        norm(32, None),
        nn.ReLU(),
        nn.Linear(32, num_classes),
    )
