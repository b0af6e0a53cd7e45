"""Make the page on optimizers and schedules: `python -m analysis.studies.recipes` writes its tables."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from analysis.loading import Results, load
from analysis.loading.order import in_order
from analysis.measures.scores import final_score
from analysis.plots.by_mode import draw_lines
from analysis.plots.canvas import canvas, columns_in, set_title
from analysis.plots.saving import save
from analysis.plots.style import PALETTE, handles, lr_axis, style
from analysis.studies.finding import Finding, as_markdown, difference
from analysis.studies.page import DATA, FIGURES, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KEYS = ["optimizer", "schedule", "norm"]


def of_recipes(results: Results) -> Iterator[Finding]:
    """Under each optimizer and schedule: more accurate with batch normalization, over all rates and at the best."""
    trials = results.trials.assign(score=final_score(results.trials)).astype({"norm": str})
    by_lr = trials.groupby([*KEYS, "lr", "seed"], observed=True)["score"].mean()
    over_lr = by_lr.groupby([*KEYS, "seed"], observed=True)
    mean, best = over_lr.mean(), over_lr.max()
    for optimizer, schedule in trials[["optimizer", "schedule"]].drop_duplicates().itertuples(index=False):
        recipe = f"{optimizer}, {schedule}"
        better = difference(mean.loc[optimizer, schedule], "batch", "none")
        yield Finding(recipe, "batch is more accurate, mean over log lr", "accuracy", better, "above")
        better = difference(best.loc[optimizer, schedule], "batch", "none")
        yield Finding(recipe, "each at its best lr, batch is more accurate", "accuracy", better, "above")


def of_optimizers(results: Results) -> Iterator[Finding]:
    """Under each schedule: batch normalization gains less with AdamW than with SGD, in the mean over all rates."""
    trials = results.trials.assign(score=final_score(results.trials)).astype({"norm": str})
    mean = trials.groupby([*KEYS, "seed"], observed=True)["score"].mean()
    for schedule in trials["schedule"].unique():
        gains = [difference(mean.loc[optimizer, schedule], "batch", "none") for optimizer in ("adamw", "sgd")]
        yield Finding(
            "ours", f"{schedule}: batch gains less with adamw than with sgd", "accuracy", gains[0] - gains[1], "below"
        )


def tables(results: Results) -> dict[str, str]:
    """Return the tables of the page by name."""
    return {
        "recipes": table_of_recipes(results),
        "findings": as_markdown(chain(of_recipes(results), of_optimizers(results))),
    }


def table_of_recipes(results: Results) -> str:
    """Return a table of Markdown: by optimizer and schedule the mean accuracy over log lr and the best, per mode."""
    trials = results.trials.assign(score=final_score(results.trials)).astype({"norm": str})
    by_lr = trials.groupby([*KEYS, "lr"], observed=True)["score"].mean().reset_index()
    found = by_lr.groupby(KEYS, observed=True)["score"].agg(["mean", "max"])
    best = by_lr.loc[by_lr.groupby(KEYS, observed=True)["score"].idxmax()].set_index(KEYS)["lr"]
    lines = ["| optimizer | schedule | norm | mean over log lr | best | at lr |", "|---|---|---|---|---|---|"]
    for index, row in found.join(best).iterrows():
        assert isinstance(index, tuple)
        lines.append(f"| {' | '.join(map(str, index))} | {row['mean']:.3f} | {row['max']:.3f} | {row['lr']:.2g} |")
    return "\n".join(lines)


def draw_recipes(results: Results, ax: Axes | None = None) -> Figure:
    """Draw accuracy over the learning rate, a panel per optimizer and schedule."""
    trials = results.trials.assign(score=final_score(results.trials)).astype({"norm": str})
    norms, recipes = in_order(trials["norm"]), trials[KEYS[:2]].drop_duplicates().sort_values(KEYS[:2])
    gains = [finding.by_seed.mean() for finding in of_recipes(results) if "mean over log lr" in finding.statement]
    title = f"Accuracy of batch less that of none, mean over log lr: {min(gains):+.2f} to {max(gains):+.2f}"
    with style():
        whole, fig = canvas(ax, 4.8)
        set_title(fig, title, "Mean over seeds, and their range; a diverged run counts as chance, the dotted line.")
        panels = fig.subplots(2, -(-len(recipes) // 2), sharex=True, sharey=True, squeeze=False)
        for panel, (optimizer, schedule) in zip(panels.flat, recipes.itertuples(index=False), strict=True):
            here = trials[(trials["optimizer"] == optimizer) & (trials["schedule"] == schedule)]
            at = here.groupby(["norm", "lr"])["score"].agg(["mean", "min", "max"]).reset_index()
            for norm in norms:
                mine = at[at["norm"] == norm]
                panel.fill_between(mine["lr"], mine["min"], mine["max"], color=PALETTE[norm], alpha=0.18, lw=0)
            draw_lines(panel, at, "lr", "mean", norms)
            panel.axhline(1 / float(here["num_classes"].iloc[0]), color="#999999", lw=0.8, ls=":")
            lr_axis(panel, sorted(here["lr"].unique()))
            panel.set_title(f"{optimizer}, {schedule}")
            panel.grid(visible=True, axis="y")
        for panel in panels[-1]:
            panel.set_xlabel("learning rate")
        for panel in panels[:, 0]:
            panel.set_ylabel("test accuracy")
        fig.legend(handles=handles(norms), loc="outside lower center", ncols=columns_in(fig, len(norms)))
    return whole


def main() -> None:
    """Load what is kept, draw, and write the page."""
    results = load(DATA / "robustness_optimizers_cpu")
    with style():
        save(draw_recipes(results), FIGURES, "recipes")
    write("recipes", tables(results))


if __name__ == "__main__":
    main()
