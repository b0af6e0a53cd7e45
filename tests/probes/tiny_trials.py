"""Tiny trials for the probes' tests: real steps of real optimizers, as `StepContext`s."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bnsweep.models import Network, build_model
from bnsweep.norm import NORMS, set_step
from bnsweep.probes import StepContext
from bnsweep.probes.context import LossFn, StepStart, parameter_copies
from bnsweep.rng import seeded
from bnsweep.spec import CustomSpec, DeepLinearSpec, MlpSpec, ModelSpec, ResnetSpec, TrainSpec, TransformerSpec, VggSpec
from bnsweep.training.initialization import initialize

OWN, EDGE_CASE_MODELS = "tests.user_code.models:", "tests.user_code.edge_case_models:"

EDGE_CASES = (
    *("dropped", "frozen", "summed", "in_place", "reordered", "pairs"),
    *("gated", "flipped", "unused", "attending"),
)

MODELS: dict[str, ModelSpec] = {
    "vgg": VggSpec(name="vgg", widths=(4, "M", 6, 5)),
    "mlp": MlpSpec(name="mlp", widths=(6, 12)),
    "deep_linear": DeepLinearSpec(name="deep_linear", widths=(6, 12)),
    "resnet": ResnetSpec(name="resnet", depth=8, width=3),
    "preact": ResnetSpec(name="resnet", depth=8, width=3, norm_position="pre"),
    "transformer": TransformerSpec(name="transformer", depth=1, width=8, heads=2, qk_norm=True),
    "postnorm": TransformerSpec(name="transformer", depth=1, width=12, heads=2, norm_position="post"),
    "resnet14": ResnetSpec(name="resnet", depth=14, width=3),
    "chain": CustomSpec(name=f"{OWN}chain", width=4),
    "branches": CustomSpec(name=f"{OWN}branches", width=4),
    "tied": CustomSpec(name=f"{OWN}tied"),
    **{name: CustomSpec(name=f"{EDGE_CASE_MODELS}{name}") for name in EDGE_CASES},
}
INPUT, CLASSES, BATCH, SEED = (1, 4, 4), 3, 6, 11

MODEL_NORMS = [(model, norm) for model in ("vgg", "mlp") for norm in NORMS if (model, norm) != ("mlp", "instance")]
MODEL_NORMS += [("deep_linear", norm) for norm in ("none", "batch", "noisy_batch", "weight")]
"""Chains of one layer per stage, on INPUT."""

BLOCK_NORMS = [(model, norm) for model in ("resnet", "chain", "branches") for norm in NORMS]
BLOCK_NORMS += [("transformer", norm) for norm in ("none", "batch", "noisy_batch", "layer", "weight")]
BLOCK_NORMS += [("postnorm", norm) for norm in ("layer", "dyt", "weight_standardization")]
BLOCK_NORMS += [("preact", norm) for norm in ("batch", "layer", "weight")]
"""Stages of several layers, and a user's models: both with dropout, one a chain, one not to be split."""

EDGE_CASE_NORMS = [(model, norm) for model in EDGE_CASES for norm in ("none", "batch", "weight")]
"""Models that break what a probe could take for granted."""


@dataclass
class TinyTrial:
    """One model in training, of MODELS or by its spec; `lr` 0.05 moves every layer enough to measure."""

    given: str | ModelSpec
    norm: str
    optimizer_name: str = "sgd"
    dtype: torch.dtype = torch.float64
    gain: float = 1.0
    lr: float = 0.05
    step: int = 0
    loss_fn: LossFn = cross_entropy
    shape: tuple[int, int, int] = field(init=False)
    network: Network = field(init=False)
    train: TrainSpec = field(init=False)
    optimizer: torch.optim.Optimizer = field(init=False)

    def __post_init__(self) -> None:
        spec = MODELS[self.given] if isinstance(self.given, str) else self.given
        self.shape = input_shape(spec.name)
        self.network = build_model(spec, self.norm, self.shape, CLASSES, noise_seed=SEED)
        initialize(self.network, "kaiming_normal", self.gain, SEED)
        complex_dtype = self.dtype.to_complex()
        self.model._apply(
            lambda t: t.to(complex_dtype if t.is_complex() else self.dtype if t.dtype.is_floating_point else t.dtype)
        )
        if self.optimizer_name == "adam":
            self.train = TrainSpec(optimizer="adam", weight_decay=0.01)
            self.optimizer = torch.optim.Adam(self.model.parameters(), self.lr, weight_decay=0.01)
        else:
            self.train = TrainSpec(momentum=0.9, weight_decay=0.01)
            self.optimizer = torch.optim.SGD(self.model.parameters(), self.lr, momentum=0.9, weight_decay=0.01)

    @property
    def model(self) -> nn.Module:
        return self.network.model

    def take_step(self) -> StepContext:
        """Make one update, with dropout masks of the step's own, and return it."""
        with seeded(SEED + self.step, torch.device("cpu")):
            return self._update()

    def _update(self) -> StepContext:
        set_step(self.model, self.step)
        x, y = batch(self.step, self.dtype, self.shape)
        start = StepStart.of(self.model, x)
        self.optimizer.zero_grad()
        loss = self.loss_fn(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        self.step += 1
        return StepContext(
            self.network,
            start.x,
            y,
            self.loss_fn,
            self.step - 1,
            self.lr,
            loss.item(),
            start.parameters,
            parameter_copies(self.model),
            start.buffers,
            {name: _gradient(w) for name, w in self.model.named_parameters() if w.requires_grad},
            start.rng_state,
            self.train,
            attributes=start.attributes,
        )

    def steps(self, count: int) -> Iterator[StepContext]:
        """Make `count` updates."""
        for _ in range(count):
            yield self.take_step()


def _gradient(w: Tensor) -> Tensor:
    return torch.zeros_like(w) if w.grad is None else w.grad


def third_step(
    model: str | ModelSpec,
    norm: str,
    optimizer: str = "sgd",
    dtype: torch.dtype = torch.float64,
    loss_fn: LossFn = cross_entropy,
) -> StepContext:
    """Return a step at which momentum, running statistics and normalization parameters have all moved."""
    return list(TinyTrial(model, norm, optimizer, dtype, loss_fn=loss_fn).steps(3))[-1]


def input_shape(model_name: str) -> tuple[int, int, int]:
    """Return INPUT; for a resnet, which halves it twice, twice the size."""
    channels, height, width = INPUT
    return (channels, 2 * height, 2 * width) if model_name == "resnet" else INPUT


def batch(step: int, dtype: torch.dtype, shape: tuple[int, int, int] = INPUT) -> tuple[Tensor, Tensor]:
    """Return the step's mini-batch: images (BATCH, *shape) and targets (BATCH,)."""
    generator = torch.Generator().manual_seed(step)
    x = torch.randn((BATCH, *shape), generator=generator, dtype=torch.float64)
    return x.to(dtype), torch.randint(CLASSES, (BATCH,), generator=generator)
