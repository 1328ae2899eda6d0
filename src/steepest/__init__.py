"""Train neural networks on tables, in one command or by hand, from the textbook.

>>> import steepest as st
>>> x = st.tensor([1.0, 2.0], requires_grad=True)
>>> st.sum(x * x).backward()
>>> x.grad
tensor([2., 4.])
"""

import importlib as _importlib
import typing as _typing

# Every public name is listed in the __all__ of the one file that defines it.
from steepest.errors import nearest as _nearest
from steepest.ir.graph import Graph as Graph
from steepest.ir.types import (
    bool_ as bool_,
    float32 as float32,
    float64 as float64,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    uint8 as uint8,
    uint16 as uint16,
    uint32 as uint32,
    uint64 as uint64,
)
from steepest.ops.along import *
from steepest.ops.composite import *
from steepest.ops.contract import *
from steepest.ops.elementwise import *
from steepest.ops.index import *
from steepest.ops.joins import *
from steepest.ops.movement import *
from steepest.ops.reduce import *
from steepest.tensor import random as random
from steepest.tensor.creation import *
from steepest.tensor.dtypes import *
from steepest.tensor.modes import *
from steepest.tensor.searching import *
from steepest.tensor.state import State as State
from steepest.tensor.tensor import Tensor as Tensor
from steepest.transform.check import *
from steepest.transform.draw import *
from steepest.transform.grad import *
from steepest.transform.trace import *
from steepest.transform.vmap import *

__version__ = "0.1.0"

if _typing.TYPE_CHECKING:
    from steepest import init as init, losses as losses, nn as nn, optim as optim
    from steepest.estimators import *
    from steepest.export import *
    from steepest.images import *
    from steepest.tabular import *
    from steepest.train import *
    from steepest.transform.jit import *
    from steepest.transform.stages import *

# Loaded when first asked for, so that `import steepest` is quick and needs NumPy only.
_ROOMS = (
    "data",
    "estimators",
    "export",
    "images",
    "init",
    "losses",
    "nn",
    "optim",
    "report",
    "tabular",
    "train",
)
# st.Trainer is steepest.train.Trainer, and so on.
_ROOMS_WITH_NAMES_HERE = (
    "train",
    "transform.jit",
    "transform.stages",
    "tabular",
    "images",
    "estimators",
    "export",
)
# What PyTorch and NumPy call it, for those who arrive from there.
_ELSEWHERE = {
    "manual_seed": "draws come from a stream: with st.random.stream(seed): …",
    "rand": "it is st.random.uniform(shape)",
    "randn": "it is st.random.normal(shape)",
    "cat": "it is st.concat(tensors, axis=…)",
    "concatenate": "it is st.concat(tensors, axis=…)",
    "clamp": "it is st.clip(x, low, high)",
    "from_numpy": "it is st.tensor(array)",
    "array": "it is st.tensor(data)",
    "mm": "it is st.matmul(a, b), or a @ b",
    "transpose": "it is st.permute_dims(x, axes), or x.T for a matrix",
    "MLPClassifier": "it is st.NeuralClassifier",
    "MLPRegressor": "it is st.NeuralRegressor",
    "save": "a fitted table has model.save(path); cells of a module are in module.states()",
}


def __getattr__(name: str) -> object:
    """Load a room, or the room that a name is from."""
    if name in _ROOMS:
        return _importlib.import_module(f"steepest.{name}")
    if name.startswith("_"):  # asked by a tool, many times, that reads no answer
        raise AttributeError(f"module 'steepest' has no attribute {name!r}")
    for room in _ROOMS_WITH_NAMES_HERE:
        module = _importlib.import_module(f"steepest.{room}")
        if name in module.__all__:
            return getattr(module, name)
    here = _ELSEWHERE.get(name) or _nearest(name, __dir__())
    raise AttributeError(f"module 'steepest' has no attribute {name!r}; {here}")


def __dir__() -> list[str]:
    """What it holds, and what it would load."""
    rooms = (_importlib.import_module(f"steepest.{room}") for room in _ROOMS_WITH_NAMES_HERE)
    return sorted({*globals(), *_ROOMS, *(name for room in rooms for name in room.__all__)})
