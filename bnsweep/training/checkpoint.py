"""The state of a trial between two steps, as bytes: a trial that continues from it gives the same bits."""

from __future__ import annotations

import io
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from bnsweep.probes.context import buffer_copies, parameter_copies
from bnsweep.rng import capture_rng, restore_rng

if TYPE_CHECKING:
    from bnsweep.training.loop import Training


def dump(training: Training) -> bytes:
    """Return the model, the optimizer, the random streams, the probes' memory and the rows so far.

    The order of the data is no state: it is drawn anew from the seed. State that a user's model keeps in plain Python
    attributes is not held.

    Raises:
        TypeError, AttributeError, pickle.PicklingError: a probe of the user's own cannot be pickled.
    """
    training.settle()
    buffer = io.BytesIO()
    state = {
        "step": training.step,
        "wall_time_s": training.wall_time_s,
        "parameters": parameter_copies(training.model),
        "buffers": buffer_copies(training.model),
        "optimizer": training.optimizer.state_dict(),
        "rng": capture_rng(training.device),
        "measures": [probe.measure for probe in training.probes],
        "last_epoch": list(training.last_epoch),
        "result": training.result,
    }
    torch.save(state, buffer)
    return buffer.getvalue()


def restore(training: Training, content: bytes) -> None:
    """Put a trial that was just built, and the global random streams, where `dump` found them.

    The content is unpickled: it must come from a store that one trusts as much as one's own code.
    """
    state = torch.load(io.BytesIO(content), map_location=training.device, weights_only=False)
    with torch.no_grad():
        for name, parameter in training.model.named_parameters():
            parameter.copy_(state["parameters"][name])
        for name, buffer in training.model.named_buffers():
            buffer.copy_(state["buffers"][name])
    training.optimizer.load_state_dict(state["optimizer"])
    restore_rng(state["rng"], training.device)
    training.probes = [
        replace(probe, measure=measure) for probe, measure in zip(training.probes, state["measures"], strict=True)
    ]
    training.last_epoch = deque(state["last_epoch"], maxlen=training.last_epoch.maxlen)
    training.result, training.step = state["result"], state["step"]
    training.earlier_s = state["wall_time_s"]
