"""Make the page on the paper: `python -m analysis.studies.paper` draws its figures, and writes its tables."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from analysis.loading import Results, load
from analysis.plots.ics import draw_ics, ics_data
from analysis.plots.saving import save
from analysis.plots.style import style
from analysis.plots.training import draw_training, training_data
from analysis.studies.finding import Finding, as_markdown
from analysis.studies.forest import draw_findings
from analysis.studies.page import DATA, FIGURES, write
from analysis.studies.paper.figure4 import draw_figure4, figure4_data
from analysis.studies.paper.findings import (
    against_batch,
    measured_walks,
    of_landscape,
    of_learning_rates,
    of_lp_norms,
    of_moments,
    of_noise,
    of_shift,
    of_smoothing,
)
from analysis.studies.paper.full_size import table_at_equal_loss, table_of_full_size
from analysis.studies.paper.linear import of_linear_network
from analysis.studies.paper.ranks import draw_ranks, ranks_at_equal_loss, table_of_ranks
from analysis.studies.paper.step_lengths import table_of_curvature, table_of_published_growth, table_of_step_lengths

SWEEPS = ("paper_fig1_2_4_gpu", "paper_fig1_3_4_cpu", "paper_fig2_5_8_cpu", "paper_dln")
PUBLISHED = DATA / "published"
NOISE_TITLE = "Noise behind batch normalization, and lp norms in its place"
DATA_USED = "CIFAR-10 (JPEG q75 copy)"


def tables(full: Results, first: Results, second: Results, linear: Results) -> dict[str, str]:
    """Return the tables of the page by name: at full size, of the narrow nets (two sweeps), of the linear network."""
    return {
        "full-size": table_of_full_size(full, PUBLISHED),
        "equal-loss": table_at_equal_loss(full),
        "step-lengths": table_of_step_lengths(full, 0.1),
        "curvature": table_of_curvature(full, 0.1),
        "published-growth": table_of_published_growth(PUBLISHED),
        "equal-loss-narrow": table_at_equal_loss(first),
        "figures-1-3-4": as_markdown(chain(of_learning_rates(first), of_shift(first), of_landscape(first))),
        "figures-2-5-8": as_markdown(of_noise_and_lp_norms(second)),
        "against-batch": as_markdown(against_batch(second)),
        "linear": as_markdown(of_linear_network(linear)),
        "ranks": table_of_ranks(linear),
        "ranks-at-equal-loss": ranks_at_equal_loss(linear),
    }


def of_noise_and_lp_norms(results: Results) -> Iterator[Finding]:
    """Figures 2, 5 and 8, and the landscape of the same runs."""
    return chain(of_noise(results), of_lp_norms(results), of_moments(results), of_smoothing(results))


def draw(full: Results, first: Results, second: Results, linear: Results) -> None:
    """Draw the figures of the page into `docs/studies/figures`."""
    full4, figure4 = (
        figure4_data(measured_walks(results, 0.1), PUBLISHED, 0.1, f"{net}, {DATA_USED}")
        for results, net in ((full, "VGG-16"), (first, "a VGG-13 an eighth as wide"))
    )
    with style():
        save(draw_training(training_data(full)), FIGURES, "paper-full-size-fig1")
        save(draw_figure4(full4), FIGURES, "paper-full-size-fig4")
        save(draw_training(training_data(first)), FIGURES, "paper-fig1")
        save(draw_ics(ics_data(first)), FIGURES, "paper-fig3")
        save(draw_figure4(figure4), FIGURES, "paper-fig4")
        save(draw_training(training_data(second)), FIGURES, "paper-fig2-5")
        save(draw_findings(list(of_noise_and_lp_norms(second)), NOISE_TITLE), FIGURES, "paper-fig2-5-8")
        save(draw_ranks(linear), FIGURES, "paper-linear")


def main() -> None:
    """Load what is kept, draw, and write the page."""
    kept = [load(DATA / name) for name in SWEEPS]
    draw(*kept)
    write("paper", tables(*kept))


if __name__ == "__main__":
    main()
