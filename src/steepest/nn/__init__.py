"""Networks: modules, layers, activations."""

from steepest.nn.activations import (
    ACTIVATIONS,
    Activation,
    activation,
    elu,
    gelu,
    identity,
    leaky_relu,
    lecun_tanh,
    mish,
    relu,
    selu,
    sigmoid,
    silu,
    softplus,
    tanh,
)
from steepest.nn.layers import Dropout, Embedding, Linear
from steepest.nn.mode import evaluating, is_training, training
from steepest.nn.module import Module, watching
from steepest.nn.networks import MLP, Residual, Sequential

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "Activation",
    "Dropout",
    "Embedding",
    "Linear",
    "Module",
    "Residual",
    "Sequential",
    "activation",
    "elu",
    "evaluating",
    "gelu",
    "identity",
    "is_training",
    "leaky_relu",
    "lecun_tanh",
    "mish",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "tanh",
    "training",
    "watching",
]
