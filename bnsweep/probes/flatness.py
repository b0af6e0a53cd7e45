"""Flatness of the minimum that was found: a sharpness that rescaling the weights leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from torch import Tensor, nn

from bnsweep.probes.context import LossFn
from bnsweep.probes.curvature import extremes_columns, measured_extremes
from bnsweep.probes.hessian import Loss
from bnsweep.probes.members import flat
from bnsweep.results.schema import Row
from bnsweep.rng import capture_rng


@dataclass(frozen=True)
class TrainedModel:
    """A model after its last step, as it is judged: in eval mode, with the statistics of its evaluation.

    Args:
        model: the model.
        step: updates made.
        sample: so many samples to as many of the training set, standardized (N, C, H, W), with targets (N,): the same
            for every trial of a seed; all where there are fewer.
        loss_fn: the loss that was minimised, at the scale of training's mini-batches for any number of samples.
    """

    model: nn.Module
    step: int
    sample: Callable[[int], tuple[Tensor, Tensor]]
    loss_fn: LossFn


@dataclass(frozen=True)
class Flatness:
    """Adaptive sharpness: the largest eigenvalue of D H D, where D is the diagonal |w| and H the Hessian of the loss.

    Elementwise, over all trained parameters, on a sample of the training set. With weights S w, S any diagonal that
    leaves the function alone, the Hessian is S^-1 H S^-1, and D H D the same up to signs: so whatever two layers give
    each other through a ReLU, and the scale of a layer before a normalization whose statistics follow, do not move it,
    while the largest eigenvalue of H moves at will.

    Sources: Kwon et al. 2021, "ASAM: Adaptive sharpness-aware minimization for scale-invariant learning of deep neural
    networks"; Andriushchenko et al. 2023, "A modern look at the relationship between sharpness and generalization".

    Args:
        samples: of the training set.
        tolerance: relative; see `extreme_eigenvalues`.
    """

    samples: int
    tolerance: float

    def __post_init__(self) -> None:
        """Import what measuring needs now, since that is no trial's time, and not where nobody measures."""
        import_module("scipy.linalg")
        import_module("scipy.special")

    def __call__(self, trained: TrainedModel) -> list[Row]:
        """Return one row: see the table's columns. The value is infinite by overflow, NaN where `reason` says why."""
        x, y = trained.sample(self.samples)
        loss = _loss(trained, x, y)
        weights = flat((loss.params[name].detach() for name in loss.trained), 1).abs().double()
        (found,) = measured_extremes(loss, self.tolerance, trained.step, weights).values()
        columns = extremes_columns(found, self.tolerance, "adaptive_sharpness")
        row = {"step": trained.step, **columns, "samples": len(y), "num_hvps": found.num_products}
        return [{**row, "reason": found.reason}]


def _loss(trained: TrainedModel, x: Tensor, y: Tensor) -> Loss:
    model = trained.model
    params = {name: w.detach() for name, w in model.named_parameters()}
    names = tuple(name for name, w in model.named_parameters() if w.requires_grad)
    buffers = dict(model.named_buffers())
    return Loss(model, params, names, buffers, x, y, trained.loss_fn, capture_rng(x.device))
