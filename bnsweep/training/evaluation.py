"""Loss and accuracy on the test set."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from bnsweep.data import Dataset

EVAL_BATCH = 500
"""Samples per forward pass of an evaluation: part of the semantics, since it moves the last bits of a mean."""


def evaluate(model: nn.Module, data: Dataset) -> tuple[float, float]:
    """Return loss (nats) and accuracy on the test set, in eval mode; the model is back in train mode afterwards."""
    loss = correct = 0.0
    model.eval()
    with torch.no_grad():
        for start in range(0, len(data.test_y), EVAL_BATCH):
            x, y = data.test_x[start : start + EVAL_BATCH], data.test_y[start : start + EVAL_BATCH]
            logits = model(data.standardize(x))
            loss += F.cross_entropy(logits, y, reduction="sum").item()
            correct += (logits.argmax(1) == y).sum().item()
    model.train()
    return loss / len(data.test_y), correct / len(data.test_y)
