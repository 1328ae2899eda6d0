"""Rules fed with 100 recorded gradients, against ONNX's reference Adam, Adagrad and Momentum."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

import steepest as st

Array = Any
pytestmark = pytest.mark.row("P3", "P4", "P5", "P7")
STEPS = 100
DOMAIN = "ai.onnx.preview.training"
RATE = 0.05
# An operator's attributes are float32: numbers that are exact there.
BETA1, BETA2, EPSILON = 7 / 8, 1 - 2.0**-10, 2.0**-7


def recorded() -> tuple[Array, Array]:
    """Where to start, and gradients of very different sizes."""
    random = np.random.default_rng(2)
    sizes = 10.0 ** random.uniform(-3, 1, size=(5, 4))
    gradients = sizes * random.normal(size=(STEPS, 5, 4))
    return random.normal(size=(5, 4)).astype(np.float32), gradients.astype(np.float32)


def onnx_path(kind: str, slots: int, attributes: dict[str, Any]) -> list[Array]:
    """What the operator makes of the gradients in float64, with T counted from 1."""
    inputs = ["R", "T", "X", "G", *(f"S{i}" for i in range(slots))]
    outputs = ["Y", *(f"N{i}" for i in range(slots))]
    node = helper.make_node(kind, inputs, outputs, domain=DOMAIN, **attributes)
    kinds = {"T": TensorProto.INT64}
    graph = helper.make_graph(
        [node],
        kind,
        [
            helper.make_tensor_value_info(name, kinds.get(name, TensorProto.DOUBLE), None)
            for name in inputs
        ],
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(DOMAIN, 1)])
    evaluator = ReferenceEvaluator(model)
    start, gradients = recorded()
    x, kept = start.astype(np.float64), [np.zeros(start.shape) for _ in range(slots)]
    points: list[Array] = []
    for t, gradient in enumerate(gradients):
        given = {"R": np.array(RATE), "T": np.array(t + 1), "X": x}
        given |= {"G": gradient.astype(np.float64)}
        x, *kept = evaluator.run(
            None, {**given, **{f"S{i}": value for i, value in enumerate(kept)}}
        )
        points.append(x)
    return points


def adam(epsilon: float) -> list[Array]:
    return onnx_path(
        "Adam", 2, {"alpha": BETA1, "beta": BETA2, "epsilon": epsilon, "norm_coefficient": 0.0}
    )


def adagrad(epsilon: float) -> list[Array]:
    return onnx_path(
        "Adagrad", 1, {"epsilon": epsilon, "decay_factor": 0.0, "norm_coefficient": 0.0}
    )


def momentum(mode: str) -> list[Array]:
    return onnx_path(
        "Momentum", 1, {"alpha": BETA1, "beta": 1.0, "mode": mode, "norm_coefficient": 0.0}
    )


# ONNX puts ε before Adam's correction and outside of every root: with another place, ε is nothing.
CASES: dict[str, tuple[st.optim.Rule, Callable[[], list[Array]]]] = {
    "adam_epsilon_before": (
        st.optim.AdamEpsilonBefore(RATE, BETA1, BETA2, EPSILON), lambda: adam(EPSILON),
    ),
    "adam": (st.optim.Adam(RATE, BETA1, BETA2, 1e-30), lambda: adam(1e-30)),
    "adam_epsilon_inside": (
        st.optim.AdamEpsilonInside(RATE, BETA1, BETA2, 1e-30), lambda: adam(1e-30),
    ),
    "adagrad": (st.optim.Adagrad(RATE, epsilon=EPSILON), lambda: adagrad(EPSILON)),
    "adagrad_epsilon_inside": (
        st.optim.AdagradEpsilonInside(RATE, epsilon=1e-30), lambda: adagrad(1e-30),
    ),
    "momentum": (st.optim.Momentum(RATE, momentum=BETA1), lambda: momentum("standard")),
    "nesterov": (st.optim.Nesterov(RATE, momentum=BETA1), lambda: momentum("nesterov")),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(st.float32, 1e-5), (st.float64, 1e-10)])
def test_the_path_is_onnx_path(name: str, dtype: np.dtype[Any], tolerance: float) -> None:
    """Relative to each tensor's largest magnitude."""
    rule, reference = CASES[name]
    start, gradients = recorded()
    model = st.nn.Linear(4, 5, bias=False).astype(dtype)
    model.weight.assign(start.astype(dtype))
    optimizer = rule.attach(model)
    for gradient, expected in zip(gradients, reference(), strict=True):
        optimizer.step({"weight": st.tensor(gradient, dtype=dtype)})
        error = np.abs(model.weight.value.numpy() - expected).max()
        assert error <= tolerance * np.abs(expected).max()
