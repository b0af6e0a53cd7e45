"""The sweep as one picture: where each mode trains, and what accuracy is left of it on average."""

from analysis.plots.robustness.data import RobustnessData as RobustnessData
from analysis.plots.robustness.data import robustness_data as robustness_data
from analysis.plots.robustness.draw import draw_robustness as draw_robustness
