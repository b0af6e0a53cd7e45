"""Make the page on optimizers and schedules: `python -m analysis.studies.recipes` writes its table."""

from __future__ import annotations

from analysis.loading import Results, load
from analysis.measures.scores import final_score
from analysis.studies.page import DATA, write


def table_of_recipes(results: Results) -> str:
    """Return a table of Markdown: by optimizer and schedule the mean accuracy over log lr and the best, per mode."""
    trials = results.trials.assign(score=final_score(results.trials)).astype({"norm": str})
    keys = ["optimizer", "schedule", "norm"]
    by_lr = trials.groupby([*keys, "lr"], observed=True)["score"].mean().reset_index()
    found = by_lr.groupby(keys, observed=True)["score"].agg(["mean", "max"])
    best = by_lr.loc[by_lr.groupby(keys, observed=True)["score"].idxmax()].set_index(keys)["lr"]
    lines = ["| optimizer | schedule | norm | mean over log lr | best | at lr |", "|---|---|---|---|---|---|"]
    for index, row in found.join(best).iterrows():
        assert isinstance(index, tuple)
        lines.append(f"| {' | '.join(map(str, index))} | {row['mean']:.3f} | {row['max']:.3f} | {row['lr']:.2g} |")
    return "\n".join(lines)


def main() -> None:
    """Load what is kept, and write the page."""
    write("recipes", {"recipes": table_of_recipes(load(DATA / "robustness_optimizers_cpu"))})


if __name__ == "__main__":
    main()
