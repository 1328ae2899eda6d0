"""Training: the step as one graph, the loop around it, and what it tells."""

from steepest.train import metrics
from steepest.train.batches import Batches
from steepest.train.callbacks import EveryEpoch, EverySteps, Snapshot, Stop
from steepest.train.early_stopping import EarlyStopping
from steepest.train.history import History
from steepest.train.predict import predict, sample_predictions
from steepest.train.trainer import Trainer

__all__ = [
    "Batches",
    "EarlyStopping",
    "EveryEpoch",
    "EverySteps",
    "History",
    "Snapshot",
    "Stop",
    "Trainer",
    "metrics",
    "predict",
    "sample_predictions",
]
