"""A trial whose loop is the user's own, as the worker sees it: the same as one of bnsweep's own loop."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from time import perf_counter
from typing import Any, NoReturn, Self

import torch
from torch import nn

from bnsweep.data import Dataset
from bnsweep.error_texts import error_text
from bnsweep.errors import InputError, did_you_mean
from bnsweep.models import Network
from bnsweep.norm import set_step
from bnsweep.probes import FINAL_PROBES, PROBES, ScheduledProbe, TrainedModel
from bnsweep.probes.context import StepStart
from bnsweep.probes.state import NotPlain
from bnsweep.rng import RngState, capture_rng, restore_rng
from bnsweep.settings import settings_kept
from bnsweep.spec import TrialSpec
from bnsweep.spec.section import NONE
from bnsweep.training.code import code_sha256
from bnsweep.training.evaluation import Evaluator
from bnsweep.training.losses import make_loss
from bnsweep.training.model import prepare_model
from bnsweep.training.own.alternating import Alternating, Closed
from bnsweep.training.own.config import Config
from bnsweep.training.own.function import KEY, load_trial_function
from bnsweep.training.own.kept import Kept
from bnsweep.training.own.measured_step import OwnStep
from bnsweep.training.own.outcome import take_outcome
from bnsweep.training.own.tables import OwnTables
from bnsweep.training.precision import held_in
from bnsweep.training.probing import Probing
from bnsweep.training.record import result_on
from bnsweep.training.result import divergence


class _Diverged(BaseException):  # an order, not an error; no `except Exception` catches it
    """The loop is to end: the trial has its result."""


class OwnTraining:
    """A trial under way: the user's function between two of its steps, and what was measured so far.

    Args:
        spec: the trial.
        data: the sweep file's, on the device to train on.
        context: makes what the function is given beside its configuration.

    Attributes:
        step: updates made.
        max_steps: the loop is given no more steps than these; fewer than the spec's where it is only tried, or timed.
        last_step: the step that the loop last told of; None for none.
        measured: the number of the last step that probes measured; -1 for none.
        kept: what is saved; None as long as the loop has not come to its steps.
    """

    def __init__(self, spec: TrialSpec, data: Dataset, context: Callable[[OwnTraining], object]) -> None:
        assert spec.trial is not None, "a loop of the user's own"
        self.spec, self.own, self.device = spec, spec.trial, data.train_x.device
        self.data = held_in(data, spec.train.precision)
        self.step, self.max_steps = 0, spec.train.steps
        self.last_step: OwnStep | None = None
        self.measured = -1
        self.result = result_on(self.data, spec)
        self.probing = Probing(spec, self.result)
        self._tables = OwnTables(self.result, {probe.table for probe in self.probing.probes})
        self._context = context
        self._function = load_trial_function(self.own.name)
        self._evaluator = Evaluator(
            self.data, make_loss(spec.train), spec.train.batch_size, spec.seed, spec.train.precision
        )
        self._networks = dict[nn.Module, Network]()
        self._generators = dict[str, torch.Generator]()
        self.kept: Kept | None = None
        self._modules: list[nn.Module] = []
        self._saved: dict[str, Any] | None = None
        self.earlier_s, self._started = 0.0, perf_counter()

    @property
    def wall_time_s(self) -> float:
        """Time spent on the trial, that before a checkpoint included."""
        return self.earlier_s + perf_counter() - self._started

    @property
    def own_tables(self) -> Collection[str]:
        """The tables of the user's own that it has logged to."""
        return self._tables.columns.keys()

    def evaluate(self) -> None:
        """Do nothing: the loop evaluates by itself, within its steps or after them."""

    def run(self) -> Iterator[Self]:
        """Call the function, and yield after each of its steps."""
        with settings_kept(), Alternating(self._call, self.device) as self._other:
            while self._other.resume():
                yield self
        if self.probing.final_probes and not self.result.has_diverged:
            self._measure_trained_model()

    def _call(self) -> None:
        try:
            returned = self._function(Config.of(self.spec, self.own), self._context(self))
        except _Diverged:
            return
        except (Exception, Closed):
            raise
        except BaseException as error:  # sys.exit() in a loop ends the trial, not the run
            raise RuntimeError(f"{self.own.name} raised {type(error).__name__}: {error_text(error)}") from error
        if self.kept is None:
            raise InputError(f"{KEY}: {self.own.name} asks for no steps; loop over ctx.steps(...)")
        take_outcome(self.result, returned, self.own, self.step, self.spec.train.max_loss)

    # What the loop asks for; `Context` says what each does.

    def begin(self, state: Mapping[str, Any]) -> None:
        """Begin with the steps: where the trial was saved, if it was and holds what is given now."""
        if self.kept is not None:
            raise InputError(f"ctx.steps: {self.own.name} asks for it twice; a trial has one loop over its steps")
        self.kept = Kept.of(state)
        self._modules = [thing for thing in (*state.values(), *self._networks) if isinstance(thing, nn.Module)]
        if self._saved is not None and self._saved["kept"].keys() == state.keys():
            self._restore(self._saved, self.kept)
        self._saved = None

    def _restore(self, saved: dict[str, Any], kept: Kept) -> None:
        kept.load_state_dict(saved["kept"])
        self.step, self.earlier_s = saved["step"], saved["wall_time_s"]
        self.result.load_state_dict(saved["result"])
        self._tables.load_state_dict(saved["tables"])
        self.probing.load_state_dict(saved["probes"])
        for stream, state in saved["generators"].items():
            self._generators.setdefault(stream, torch.Generator()).set_state(state.cpu())
        restore_rng(RngState.of(saved["rng"]), self.device)

    def start_step(self, step: int) -> None:
        """Have the noise of `noisy_batch` be that of the step."""
        for module in self._modules:
            set_step(module, step)

    def hand_over(self) -> None:
        """Let the worker do what it does between two steps."""
        self._other.hand_over()

    def build_model(self) -> nn.Module:
        """Return the sweep file's model."""
        if self.spec.model.name == NONE:
            raise InputError("ctx.build_model: the sweep file names no model; such as model: {name: mlp}")
        network = prepare_model(self.spec, self.data)
        self._networks[network.model] = network
        return network.model.train()

    def generator(self, stream: str, seed: int) -> torch.Generator:
        """Return the generator of a stream, begun at `seed`."""
        if stream not in self._generators:
            self._generators[stream] = torch.Generator().manual_seed(seed)
        return self._generators[stream]

    def evaluated(self, model: nn.Module, with_train: bool) -> dict[str, float | None]:
        """Return the columns of an evaluation."""
        evaluation = self._evaluator(model, with_train)
        columns = evaluation.test_columns()
        if evaluation.train is not None:
            columns |= {"train_loss_eval": evaluation.train.loss, "train_acc_eval": evaluation.train.accuracy}
        return columns

    def is_due(self, probe: str) -> bool:
        """Return whether a probe measures this step."""
        schedules = {each.table: each.due for each in self.probing.probes}
        if probe not in (known := {*PROBES, *schedules}):
            raise InputError(f"ctx.due: given {probe!r}; {did_you_mean(probe, known)}")
        return probe in schedules and schedules[probe](self.step)

    def start_of(self, parts: OwnStep) -> StepStart:
        """Return copies of what a step may move, for probes."""
        with self.probing.timed():
            return StepStart.of(parts.model, parts.x)

    def measure(self, due: Iterable[ScheduledProbe], parts: OwnStep, start: StepStart, lr: float) -> None:
        """Add the rows that the probes make of the step that was just made."""
        with self.probing.timed():
            context = parts.context(start, self.step, lr, self._networks.get(parts.model), self.spec.train)
            self._networks[parts.model] = context.network
            if reason := divergence("mini-batch loss", context.loss, self.spec.train.max_loss):
                self.diverge(reason)
            self.probing.measure(due, context)

    def log(self, table: str, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self._tables.add(table, self.step, row)
        if table == "curves" and row.get("train_loss") is not None:
            loss = self.result.tables["curves"][-1]["train_loss"]
            if reason := divergence("mini-batch loss", loss, self.spec.train.max_loss):
                self.diverge(reason)

    def diverge(self, reason: str) -> NoReturn:
        """End the trial as diverged."""
        self.result.diverge(self.step, str(reason))
        raise _Diverged

    def _measure_trained_model(self) -> None:
        """Add the rows that the probes make of the model of the last step."""
        last = self.last_step
        if last is None:
            raise InputError(
                f"probes.{', '.join(FINAL_PROBES)}: the loop makes no step by ctx.step, which names the model"
            )
        sample = partial(self._evaluator.sample, stream="final_probes")
        with self.probing.timed(), self._evaluator.as_judged(last.model):
            self.probing.measure_trained(TrainedModel(last.model, self.step, sample, last.loss_fn))

    def state_dict(self) -> dict[str, Any]:
        """Return the state between two steps: of what the loop moves, of probes, rows and random streams.

        Raises:
            NotPlain: the loop gives `ctx.steps` nothing to save, has not come to it, or is through with it.
        """
        if self.kept is None:
            if self._saved is None:
                raise NotPlain("its loop has not begun")
            return self._saved
        if self.step >= self.max_steps:
            raise NotPlain("its last step is made, and what the loop does with it is in nothing that is saved")
        return {
            "step": self.step,
            "data_sha256": self.data.sha256,
            "code_sha256": code_sha256(self.spec),
            "wall_time_s": self.wall_time_s,
            "kept": self.kept.state_dict(),
            "result": self.result.state_dict(),
            "tables": self._tables.state_dict(),
            "probes": self.probing.state_dict(),
            "generators": {stream: generator.get_state() for stream, generator in self._generators.items()},
            "rng": capture_rng(self.device).state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Have the loop go on where `state_dict` found another, once it asks for its steps."""
        self._saved = state
