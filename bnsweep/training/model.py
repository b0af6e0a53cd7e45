"""A trial's model: built, initialized, and laid out in memory for its device."""

from __future__ import annotations

import torch

from bnsweep.data import Dataset
from bnsweep.models import Network, build_model
from bnsweep.rng import derive
from bnsweep.spec import TrialSpec
from bnsweep.training.initialization import initialize

SLOW_CHANNELS_LAST = ("l1", "l2", "linf")
"""The modes that are slower with channels last."""


def prepare_model(spec: TrialSpec, data: Dataset) -> Network:
    """Return the trial's model, initialized, on the device that holds `data`."""
    network = build_model(spec.model, spec.norm, data.input_shape, data.num_classes, derive(spec.seed, "noise"))
    initialize(network, spec.init, spec.init_gain, spec.seed)
    device = data.train_x.device
    if spec.train.precision == "float64":
        network.model.double()
    network.model.to(device).to(memory_format=memory_format(spec, device))
    return network


def memory_format(spec: TrialSpec, device: torch.device) -> torch.memory_format:
    """Return how the weights of convolutions, and with them all activations, lie in memory.

    Channels last takes 3 to 30 % of a step's time away on a CPU, by net and machine. A user's own model may count on
    the other format, and on a GPU it was not measured.
    """
    is_faster = device.type == "cpu" and spec.norm not in SLOW_CHANNELS_LAST
    return torch.channels_last if is_faster and ":" not in spec.model.name else torch.preserve_format
