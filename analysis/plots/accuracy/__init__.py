"""The lead figure: over how many decades of learning rate each mode trains, and the accuracies behind it."""

from analysis.plots.accuracy.data import AccuracyData, accuracy_data
from analysis.plots.accuracy.draw import draw_accuracy

__all__ = ["AccuracyData", "accuracy_data", "draw_accuracy"]
