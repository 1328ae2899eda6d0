"""Networks: modules, layers, activations."""

from steepest.nn import augment as augment
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
from steepest.nn.bags import EmbeddingBag
from steepest.nn.dropout import Dropout, VanillaDropout
from steepest.nn.ensemble import (
    Ensemble,
    mean_of_exponentials,
    mean_of_outputs,
    mean_of_sigmoids,
    mean_of_softmaxes,
)
from steepest.nn.images import (
    IMAGE_SCALINGS,
    Flatten,
    Standardise,
    scale_to_unit,
    standardise_channels,
    subtract_mean_image,
)
from steepest.nn.kernels import (
    Kernel,
    KernelMachine,
    PolynomialFeatures,
    PolynomialKernel,
    RadialKernel,
    RandomFourierFeatures,
)
from steepest.nn.layers import Embedding, Linear
from steepest.nn.mode import evaluating, is_dropping, is_training, sampling, training
from steepest.nn.module import Module, watching
from steepest.nn.networks import MLP, Residual, Sequential
from steepest.nn.normalisation import BatchNorm, LayerNorm
from steepest.nn.outputs import Bounded, Softmax
from steepest.nn.periodic import PeriodicEmbedding
from steepest.nn.statistics import ExactStatistics, has_batch_norm, recompute_statistics
from steepest.nn.unit_variance import unit_variance

__all__ = [
    "ACTIVATIONS",
    "IMAGE_SCALINGS",
    "MLP",
    "Activation",
    "BatchNorm",
    "Bounded",
    "Dropout",
    "Embedding",
    "EmbeddingBag",
    "Ensemble",
    "ExactStatistics",
    "Flatten",
    "Kernel",
    "KernelMachine",
    "LayerNorm",
    "Linear",
    "Module",
    "PeriodicEmbedding",
    "PolynomialFeatures",
    "PolynomialKernel",
    "RadialKernel",
    "RandomFourierFeatures",
    "Residual",
    "Sequential",
    "Softmax",
    "Standardise",
    "VanillaDropout",
    "activation",
    "augment",
    "elu",
    "evaluating",
    "gelu",
    "has_batch_norm",
    "identity",
    "is_dropping",
    "is_training",
    "leaky_relu",
    "lecun_tanh",
    "mean_of_exponentials",
    "mean_of_outputs",
    "mean_of_sigmoids",
    "mean_of_softmaxes",
    "mish",
    "recompute_statistics",
    "relu",
    "sampling",
    "scale_to_unit",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "standardise_channels",
    "subtract_mean_image",
    "tanh",
    "training",
    "unit_variance",
    "watching",
]
