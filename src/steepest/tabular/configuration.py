"""Every option of a fit in one typed, frozen, nested value that is saved with the model."""

from __future__ import annotations

from typing import final

from msgspec import Struct

from steepest.tabular.sections.data import Data
from steepest.tabular.sections.decision import Decision
from steepest.tabular.sections.images import Images
from steepest.tabular.sections.network import Network
from steepest.tabular.sections.optimizer import Optimizer
from steepest.tabular.sections.preprocessing import Preprocessing
from steepest.tabular.sections.training import Training


@final
class Configuration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every option of a fit; written to TOML, replayed from it, saved in the model file.

    >>> Configuration().network.activation
    'relu'
    >>> Configuration(training=Training(seed=3)).training.seed
    3
    """

    data: Data = Data()
    preprocessing: Preprocessing = Preprocessing()
    images: Images = Images()
    network: Network = Network()
    optimizer: Optimizer = Optimizer()
    training: Training = Training()
    decision: Decision = Decision()
