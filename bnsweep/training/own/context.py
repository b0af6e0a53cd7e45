"""What a loop of the user's own is given, beside its configuration: `ctx`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from bnsweep.data import Dataset
from bnsweep.data.batches import batches
from bnsweep.errors import InputError
from bnsweep.probes.context import LossFn
from bnsweep.rng import derive
from bnsweep.spec.section import NONE
from bnsweep.training.own.measured_step import OwnStep
from bnsweep.training.own.training import OwnTraining


class Context:
    """A trial, as its loop sees it.

    The loop asks for its steps by `for step in ctx.steps(...)`. Between two of them the worker reports, saves the
    trial, or ends it. All else it may use or leave.
    """

    def __init__(self, training: OwnTraining) -> None:
        self._training = training
        self._batches: Iterator[tuple[Tensor, Tensor]] = iter(())
        self._next_batch = -1

    @property
    def device(self) -> torch.device:
        """What to train on."""
        return self._training.device

    @property
    def data(self) -> Dataset:
        """The sweep file's dataset, on the device.

        Raises:
            InputError: it names none.
        """
        if self._training.spec.dataset.name == NONE:
            raise InputError("ctx.data: the sweep file names no dataset; such as dataset: {name: digits}")
        return self._training.data

    def batch(self) -> tuple[Tensor, Tensor]:
        """Return this step's mini-batch of `data`, as bnsweep's own loop takes it.

        Samples (B, C, H, W), standardized and augmented, and targets (B,): B is `train.batch_size`, and the order that
        of the seed.
        """
        step, spec = self._training.step, self._training.spec
        if step != self._next_batch:
            self._batches = batches(self.data, spec.train, spec.seed, step)
        self._next_batch = step + 1
        return next(self._batches)

    def build_model(self) -> nn.Module:
        """Return the sweep file's model: of its norm, initialized by its init and seed, on the device, to train."""
        return self._training.build_model()

    def evaluate(self, model: nn.Module, *, with_train: bool = False) -> dict[str, float | None]:
        """Return test_loss, test_acc, test_loss_running and test_acc_running of a model on `data`, without a trace.

        As in bnsweep's own loop: in eval mode, of the sweep file's loss, the first two with normalization statistics
        taken anew. `with_train` train_loss_eval and train_acc_eval too, on a sample of the training set. Accuracies are
        None where targets are real.
        """
        _ = self.data
        return self._training.evaluated(model, with_train)

    def derived_seed(self, stream: str, *indices: int) -> int:
        """Return the seed of a random stream of its own, such as `derived_seed("flips", step)`.

        It depends on the trial's seed alone, and is the same across lr, norm and all other axes.
        """
        return derive(self._training.spec.seed, f"own/{stream}", *indices)

    def generator(self, stream: str) -> torch.Generator:
        """Return a generator, on the CPU, that begins at `derived_seed(stream)`; it is saved with the trial."""
        return self._training.generator(stream, self.derived_seed(stream))

    def steps(self, **state: Any) -> Iterator[int]:
        """Yield the number of updates made before each step, `train.steps` in all; once per trial.

        Args:
            state: all that the steps move, by names of its own: the model, the optimizer, schedulers, generators; what
                has `state_dict` and `load_state_dict`. A trial that was cut off goes on with these as they were. The
                global random streams and `generator` are saved too. Nothing given: it begins anew.

        Raises:
            InputError: something given cannot be saved, or it was called before.
        """
        training = self._training
        training.begin(state)
        for step in range(training.step, training.max_steps):
            training.start_step(step)
            try:
                yield step
            except GeneratorExit:  # the loop stops early, in this step
                training.step = step + 1
                raise
            training.step = step + 1
            training.hand_over()

    @contextmanager
    def step(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, loss_fn: LossFn
    ) -> Iterator[None]:
        """Have probes measure the update that is made within the block, where one is due.

        The block makes forward, backward and `optimizer.step()`. Probes see `loss_fn(model(x), y)`, with the
        parameters, buffers and random streams from before the block, and the parameters after it.

        Args:
            model: what is trained, in train mode.
            optimizer: what moves it; the learning rate is that of its first group of parameters at the start.
            x: the mini-batch, as the model is given it.
            y: its targets.
            loss_fn: (model(x), y) to the loss that is minimised, a scalar.

        Raises:
            InputError: an argument is something else, or another update of this step is measured.
        """
        training, parts = self._training, OwnStep(model, optimizer, x, y, loss_fn)
        training.last_step = parts
        due = training.probing.due(training.step)
        if not due:
            yield
            return
        if training.measured == training.step:
            raise InputError(
                f"ctx.step: a second update in step {training.step}; rows of both could not be told apart: make the "
                "other one outside of `with ctx.step(...)`"
            )
        training.measured = training.step
        start, lr = training.start_of(parts), parts.lr
        yield
        training.measure(due, parts, start, lr)

    def due(self, probe: str) -> bool:
        """Return whether a probe, by the name of its table, measures this step; never where the sweep file has it not.

        Raises:
            InputError: there is no such probe.
        """
        return self._training.is_due(probe)

    def log(self, table: str, /, **row: Any) -> None:
        """Add a row to a table of the user's own, or what is given of this step's row in `curves`.

        The step, the trial_key and the axes are filled in. Columns hold what their first value is: numbers (floating
        point), text, or true and false; None is missing. A trial may have other columns than another; one that has
        another type in the same column than trials before it fails. A `train_loss` in `curves` that is not finite or
        above `train.max_loss` is divergence, which ends the trial.

        Raises:
            InputError: a name or a type is wrong.
        """
        self._training.log(table, row)

    def diverge(self, reason: str) -> NoReturn:
        """End the trial as diverged, which is a result, and not a failure."""
        self._training.diverge(reason)
