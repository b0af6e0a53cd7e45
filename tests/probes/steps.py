"""Tiny trials for the probes' tests: real steps of real optimizers, as `StepContext`s."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bnsweep.init import initialize
from bnsweep.models import build_model
from bnsweep.norm import NORMS, set_step
from bnsweep.probes import StepContext
from bnsweep.probes.context import buffer_copies, capture_rng, parameter_copies
from bnsweep.spec import CustomSpec, MlpSpec, ModelSpec, ResnetSpec, VggSpec

OWN = "tests.models.own:"

MODELS: dict[str, ModelSpec] = {
    "vgg": VggSpec(name="vgg", widths=(4, "M", 6, 5)),
    "mlp": MlpSpec(name="mlp", widths=(6, 12)),
    "resnet": ResnetSpec(name="resnet", depth=8, width=3),
    "resnet14": ResnetSpec(name="resnet", depth=14, width=3),
    "chain": CustomSpec(name=f"{OWN}chain", width=4),
    "branches": CustomSpec(name=f"{OWN}branches", width=4),
    "tied": CustomSpec(name=f"{OWN}tied"),
}
INPUT, CLASSES, BATCH, SEED = (1, 4, 4), 3, 6, 11

MODEL_NORMS = [(model, norm) for model in ("vgg", "mlp") for norm in NORMS if (model, norm) != ("mlp", "instance")]
"""Chains of one layer per stage, on INPUT."""

BLOCK_NORMS = [(model, norm) for model in ("resnet", "chain", "branches") for norm in NORMS]
"""Stages of several layers, and a user's models: both with dropout, one a chain, one not to be split."""


@dataclass
class Trial:
    """One model in training; `lr` 0.05 moves every layer enough to measure."""

    model_name: str
    norm: str
    optimizer_name: str = "sgd"
    dtype: torch.dtype = torch.float64
    gain: float = 1.0
    lr: float = 0.05
    step: int = 0
    model: nn.Module = field(init=False)
    optimizer: torch.optim.Optimizer = field(init=False)

    def __post_init__(self) -> None:
        shape = input_shape(self.model_name)
        self.model = build_model(MODELS[self.model_name], self.norm, shape, CLASSES, noise_seed=SEED)
        initialize(self.model, "kaiming_normal", self.gain, SEED)
        self.model.to(self.dtype)
        if self.optimizer_name == "adam":
            self.optimizer = torch.optim.Adam(self.model.parameters(), self.lr, weight_decay=0.01)
        else:
            self.optimizer = torch.optim.SGD(self.model.parameters(), self.lr, momentum=0.9, weight_decay=0.01)

    def take_step(self) -> StepContext:
        """Make one update, with dropout masks of the step's own, and return it."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED + self.step)
            return self._update()

    def _update(self) -> StepContext:
        set_step(self.model, self.step)
        x, y = batch(self.step, self.dtype, input_shape(self.model_name))
        params, buffers = parameter_copies(self.model), buffer_copies(self.model)
        self.optimizer.zero_grad()
        rng_state = capture_rng(x.device)
        loss = cross_entropy(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        self.step += 1
        return StepContext(
            self.model,
            x,
            y,
            cross_entropy,
            self.step - 1,
            self.lr,
            loss.item(),
            params,
            parameter_copies(self.model),
            buffers,
            {name: parameter.grad for name, parameter in self.model.named_parameters()},
            rng_state,
        )

    def steps(self, count: int) -> Iterator[StepContext]:
        """Make `count` updates."""
        for _ in range(count):
            yield self.take_step()


def third_step(model: str, norm: str, optimizer: str = "sgd", dtype: torch.dtype = torch.float64) -> StepContext:
    """Return a step at which momentum, running statistics and normalization parameters have all moved."""
    return list(Trial(model, norm, optimizer, dtype).steps(3))[-1]


def input_shape(model_name: str) -> tuple[int, int, int]:
    """Return INPUT; for a resnet, which halves it twice, twice the size."""
    channels, height, width = INPUT
    return (channels, 2 * height, 2 * width) if model_name.startswith("resnet") else INPUT


def batch(step: int, dtype: torch.dtype, shape: tuple[int, int, int] = INPUT) -> tuple[Tensor, Tensor]:
    """Return the step's mini-batch: images (BATCH, *shape) and targets (BATCH,)."""
    generator = torch.Generator().manual_seed(step)
    x = torch.randn((BATCH, *shape), generator=generator, dtype=torch.float64)
    return x.to(dtype), torch.randint(CLASSES, (BATCH,), generator=generator)
