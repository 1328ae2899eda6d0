"""Training: the step as one graph, the loop around it, and what it tells."""

from steepest.train import metrics, samplers
from steepest.train.batches import Batches
from steepest.train.blocks import Blocks
from steepest.train.callbacks import EveryEpoch, EverySteps, Snapshot, Stop
from steepest.train.checkpoint import Checkpoint, CheckpointWarning
from steepest.train.early_stopping import EarlyStopping
from steepest.train.ensemble import EnsembleTrainer
from steepest.train.history import History
from steepest.train.predict import predict, sample_predictions
from steepest.train.rate_finder import RateRange, find_learning_rate
from steepest.train.snapshots import SnapshotEnsemble
from steepest.train.tensorboard import TensorBoard
from steepest.train.trainer import Trainer
from steepest.train.watched import Watched

__all__ = [
    "Batches",
    "Blocks",
    "Checkpoint",
    "CheckpointWarning",
    "EarlyStopping",
    "EnsembleTrainer",
    "EveryEpoch",
    "EverySteps",
    "History",
    "RateRange",
    "Snapshot",
    "SnapshotEnsemble",
    "Stop",
    "TensorBoard",
    "Trainer",
    "Watched",
    "find_learning_rate",
    "metrics",
    "predict",
    "sample_predictions",
    "samplers",
]
