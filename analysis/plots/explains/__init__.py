"""Does it explain the accuracy? Smoothness and internal covariate shift against the final accuracy of each trial."""

from analysis.plots.explains.data import ExplainsData, explains_data
from analysis.plots.explains.draw import draw_explains

__all__ = ["ExplainsData", "draw_explains", "explains_data"]
