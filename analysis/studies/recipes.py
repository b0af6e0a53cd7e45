"""Make the page on optimizers and schedules: `python -m analysis.studies.recipes` writes its tables."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.loading import Results, load
from analysis.measures.scores import final_score
from analysis.studies.finding import Finding, as_markdown, difference
from analysis.studies.page import DATA, write

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


def tables(results: Results) -> dict[str, str]:
    """Return the tables of the page by name."""
    return {"recipes": table_of_recipes(results), "findings": as_markdown(of_recipes(results))}


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


def main() -> None:
    """Load what is kept, and write the page."""
    write("recipes", tables(load(DATA / "robustness_optimizers_cpu")))


if __name__ == "__main__":
    main()
