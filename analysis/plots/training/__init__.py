"""How accuracy grows over the steps of training, mode beside mode, at a few learning rates."""

from analysis.plots.training.data import TrainingData as TrainingData
from analysis.plots.training.data import training_data as training_data
from analysis.plots.training.draw import draw_training as draw_training
