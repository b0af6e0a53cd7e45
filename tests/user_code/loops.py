"""Training loops that a user might name in a sweep file, and some that they should not."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

import bnsweep
from bnsweep.training.own import Config, Context

Returned = dict[str, Any]


@bnsweep.trial
def like_ours(config: Config, ctx: Context) -> Returned:
    """bnsweep's own recipe with SGD, written out."""
    train, model = config.train, ctx.build_model()
    options = {"fused": True} if train.momentum else {"foreach": True}  # as ours, to the last bit
    optimizer = torch.optim.SGD(model.parameters(), config.lr, train.momentum, 0, train.weight_decay, **options)
    last_epoch = deque[tuple[float, float]](maxlen=len(ctx.data.train_y) // train.batch_size)
    metrics = Metrics(last_epoch)
    for step in ctx.steps(model=model, optimizer=optimizer, metrics=metrics):
        x, y = ctx.batch()
        if train.eval_every and step % train.eval_every == 0:
            ctx.log("curves", **ctx.evaluate(model))
        with ctx.step(model, optimizer, x, y, F.cross_entropy):
            logits = model(x)
            loss, accuracy = F.cross_entropy(logits, y), (logits.argmax(1) == y).float().mean()
            ctx.log("curves", train_loss=loss, train_acc=accuracy, step_lr=config.lr)
            optimizer.zero_grad()
            loss.backward()
            norms = [w.grad.norm().item() for w in model.parameters() if w.grad is not None]
            optimizer.step()
        ctx.log("curves", grad_norm=math.hypot(*norms))
        last_epoch.append((loss.item(), accuracy.item()))
    found = ctx.evaluate(model, with_train=True)
    ctx.log("curves", **{name: value for name, value in found.items() if name.startswith("test")})
    losses, accuracies = zip(*last_epoch, strict=True)
    return {"train_loss": sum(losses) / len(losses), "train_acc": sum(accuracies) / len(accuracies), **found}


class Metrics:
    """What a user has to save beside model and optimizer."""

    def __init__(self, values: deque[tuple[float, float]]) -> None:
        self.values = values

    def state_dict(self) -> dict[str, Any]:
        return {"values": list(self.values)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.values.extend(state["values"])


def _net(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(4, width), nn.Dropout(0.3), nn.ReLU(), nn.Linear(width, 1))


@bnsweep.trial
def regression(config: Config, ctx: Context) -> Returned:
    """A loop that brings its model and data, draws from two kinds of streams, has a schedule and stops early."""
    net = _net(config.get("width", 8)).to(ctx.device)
    optimizer = torch.optim.SGD(net.parameters(), lr=config.lr, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.train.steps)
    order, best = ctx.generator("data"), math.inf
    for step in ctx.steps(net=net, optimizer=optimizer, schedule=schedule):
        x = torch.randn(16, 4, generator=order).to(ctx.device)
        y = x.sum(1, keepdim=True)
        with ctx.step(net, optimizer, x, y, F.mse_loss):
            loss = F.mse_loss(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        ctx.log("curves", train_loss=loss)
        ctx.log("seen", rate=schedule.get_last_lr()[0], is_first=step == 0, probed=ctx.due("landscape"))
        schedule.step()
        best = min(best, loss.item())
        if step + 1 == config.get("stop_after"):
            break
    return {"val_loss": loss}


def _one_step(body: Callable[[Config, Context, nn.Linear, torch.optim.SGD], Returned | None]) -> Any:
    """Return a loop that does `body` at each step, and may return what it returns at last."""

    @bnsweep.trial
    def loop(config: Config, ctx: Context) -> Returned:
        net = nn.Linear(2, 1)
        optimizer, returned = torch.optim.SGD(net.parameters(), lr=config.lr), None
        for _ in ctx.steps(net=net, optimizer=optimizer):
            returned = body(config, ctx, net, optimizer)
        return {"val_loss": 1.0} if returned is None else returned

    return loop


X, Y = torch.ones(3, 2), torch.ones(3, 1)


def _stepping(**changes: Any) -> Any:
    """Return a loop whose `ctx.step` is given something else than it should be."""

    def body(config: Config, ctx: Context, net: nn.Linear, optimizer: torch.optim.SGD) -> None:
        given = {"model": net, "optimizer": optimizer, "x": X, "y": Y, "loss_fn": F.mse_loss, **changes}
        with ctx.step(**given):
            pass

    return _one_step(body)


def _logging(table: str, *rows: dict[str, Any]) -> Any:
    def body(config: Config, ctx: Context, net: nn.Linear, optimizer: torch.optim.SGD) -> None:
        for row in rows:
            ctx.log(table, **row)

    return _one_step(body)


def _returning(returned: Any) -> Any:
    return _one_step(lambda *_: returned)


def undecorated(config: Config, ctx: Context) -> Returned:
    return {"val_loss": 0.0}


@bnsweep.trial
def takes_one(config: Config) -> Returned:
    return {"val_loss": 0.0}


@bnsweep.trial
def without_steps(config: Config, ctx: Context) -> Returned:
    return {"val_loss": 0.0}


@bnsweep.trial
def steps_twice(config: Config, ctx: Context) -> Returned:
    for _ in ctx.steps():
        pass
    return {"val_loss": float(sum(ctx.steps()))}


@bnsweep.trial
def saves_a_number(config: Config, ctx: Context) -> Returned:
    return {"val_loss": float(sum(ctx.steps(count=3)))}


@bnsweep.trial
def saves_an_object(config: Config, ctx: Context) -> Returned:
    metrics = Metrics(deque())
    for _ in ctx.steps(metrics=metrics):
        metrics.values.append(object())  # type: ignore[arg-type]  # what cannot be saved
    return {"val_loss": 0.0}


@bnsweep.trial
def forgets(config: Config, ctx: Context) -> Returned:
    """What it reports depends on what it does not save."""
    net, total = nn.Linear(1, 1), 0
    for step in ctx.steps(net=net):
        total += step + 1
    return {"val_loss": float(total)}


@bnsweep.trial
def saves_nothing(config: Config, ctx: Context) -> Returned:
    for _ in ctx.steps():
        ctx.log("mine", value=1)
    return {"val_loss": 0.0}


@bnsweep.trial
def raises(config: Config, ctx: Context) -> Returned:
    """Fails where a sweep asks for it, in its third step: not when it is tried."""
    net = nn.Linear(1, 1)
    for step in ctx.steps(net=net):
        if step == 2 and config.lr > 1:
            raise RuntimeError("too bold a rate")
    return {"val_loss": config.lr}


class MuteError(RuntimeError):
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Unlike(BaseException):
    """What no `except Exception` catches."""


ODD: list[BaseException] = [SystemExit(0), KeyboardInterrupt(), Unlike("odd"), MuteError(), ValueError("\n\na \udcff")]


@bnsweep.trial
def raises_oddly(config: Config, ctx: Context) -> Returned:
    """Raises one of ODD, by the seed, in its third step; with a seed beyond them nothing."""
    for step in ctx.steps(net=nn.Linear(1, 1)):
        if step == 2 and config.seed < len(ODD):
            raise ODD[config.seed]
    return {"val_loss": config.lr}


@bnsweep.trial
def gives_up(config: Config, ctx: Context) -> Returned:
    """Ends as diverged in its third step; what catches every Exception must not catch that."""
    for step in ctx.steps(net=nn.Linear(1, 1)):
        try:
            if step == 2:
                ctx.diverge("it goes up")
        except Exception:
            return {"val_loss": 0.0}
    return {"val_loss": 0.0}


@bnsweep.trial
def sets_everything(config: Config, ctx: Context) -> Returned:
    """Changes settings of the process, which no other trial may see."""
    for _ in ctx.steps(net=nn.Linear(1, 1)):
        torch.set_default_dtype(torch.float64)
        torch.manual_seed(1)
    return {"val_loss": 0.0}


@bnsweep.trial
def steps_by_two_models(config: Config, ctx: Context) -> Returned:
    """As a generator and a discriminator are trained in turn."""
    nets = nn.Linear(2, 1), nn.Linear(2, 1)
    optimizers = [torch.optim.SGD(net.parameters(), lr=config.lr) for net in nets]
    for _ in ctx.steps(one=nets[0], other=nets[1]):
        for net, optimizer in zip(nets, optimizers, strict=True):
            with ctx.step(net, optimizer, X, Y, F.mse_loss):
                optimizer.zero_grad()
                F.mse_loss(net(X), Y).backward()
                optimizer.step()
    return {"val_loss": 1.0}


@bnsweep.trial
def logs_by_rate(config: Config, ctx: Context) -> Returned:
    """Logs other columns at other rates, and values of other types where a sweep asks for it."""
    for _ in ctx.steps(net=nn.Linear(1, 1)):
        if config.lr < 0.1:
            ctx.log("mine", value=0, low=config.lr)
        else:
            ctx.log("mine", value="much" if config.lr > 1 else 0.5, high=True)
    return {"val_loss": config.lr}


reads_what_is_not_there = _one_step(lambda *given: {"val_loss": given[0].widht})
asks_for_data = _one_step(lambda *given: {"val_loss": len(given[1].data.train_y)})
asks_for_a_model = _one_step(lambda *given: {"val_loss": len(list(given[1].build_model().modules()))})
asks_for_a_probe = _one_step(lambda *given: {"val_loss": float(given[1].due("landscap"))})
step_without_a_model = _stepping(model=None)
step_without_an_optimizer = _stepping(optimizer=0.1)
step_without_a_batch = _stepping(x=[1.0, 2.0])
step_without_targets = _stepping(y=None)
step_without_a_loss = _stepping(loss_fn=0.5)
logs_to_ours = _logging("landscape", {"loss": 1.0})
logs_to_no_name = _logging("My Table", {"loss": 1.0})
logs_an_axis = _logging("mine", {"lr": 1.0})
logs_a_tensor = _logging("mine", {"weights": torch.ones(3)})
logs_two_types = _logging("mine", {"value": 1.0}, {"value": "one"})
logs_a_curve_that_is_not = _logging("curves", {"train_los": 1.0})
logs_text_to_curves = _logging("curves", {"train_loss": "low"})
returns_nothing_of_it = _returning({"val_acc": 1.0})
returns_a_number = _returning(3.0)
returns_more = _returning({"val_loss": 1.0, "val_acc": 0.5})
returns_text = _returning({"val_loss": "low"})
returns_nan = _returning({"val_loss": math.nan})
