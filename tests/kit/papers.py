"""The update rules as their papers have them, in NumPy: from gradients to the path of the weights.

``slope(t, w)`` is the gradient of step t = 0, 1, … at w; recorded gradients need not look at w.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
Slope = Callable[[int, Array], Array]
OverTime = Callable[[int], float]
STEPS = 100


def constant(value: float) -> OverTime:
    return lambda t: value


def annealed(t: int) -> float:
    """From 0.5 to 0.99 over 60 steps."""
    return 0.5 + (0.99 - 0.5) * min(t / 60, 1.0)


def falling(t: int) -> float:
    """A cosine from 0.2 to 0.01 over 80 steps."""
    return 0.01 + 0.5 * (0.2 - 0.01) * (1 + math.cos(math.pi * min(t, 80) / 80))


def sgd(slope: Slope, w: Array, rate: OverTime) -> list[Array]:
    points: list[Array] = []
    for t in range(STEPS):
        w = w - rate(t) * slope(t, w)
        points.append(w)
    return points


def momentum(slope: Slope, w: Array, rate: OverTime, mu: OverTime) -> list[Array]:
    v, points = np.zeros_like(w), []
    for t in range(STEPS):
        v = mu(t) * v - rate(t) * slope(t, w)
        w = w + v
        points.append(w)
    return points


def nesterov_look_ahead(slope: Slope, w: Array, rate: OverTime, mu: OverTime) -> list[Array]:
    v, points = np.zeros_like(w), []
    for t in range(STEPS):
        v = mu(t) * v - rate(t) * slope(t, w + mu(t) * v)
        w = w + v
        points.append(w)
    return points


def nesterov(slope: Slope, w: Array, rate: OverTime, mu: OverTime) -> list[Array]:
    """φ_t = θ_t + μ_{t+1} v_t, found from the form that looks ahead."""
    v, points = np.zeros_like(w), []
    for t in range(STEPS):
        v = mu(t) * v - rate(t) * slope(t, w + mu(t) * v)
        w = w + v
        points.append(w + mu(t + 1) * v)
    return points


def adagrad(slope: Slope, w: Array, rate: OverTime, epsilon: float, inside: bool) -> list[Array]:
    """Duchi, Hazan and Singer, with a diagonal matrix."""
    s, points = np.zeros_like(w), []
    for t in range(STEPS):
        g = slope(t, w)
        s = s + g**2
        w = w - rate(t) * g / (np.sqrt(s + epsilon) if inside else np.sqrt(s) + epsilon)
        points.append(w)
    return points


def rmsprop(
    slope: Slope, w: Array, rate: OverTime, beta: float, epsilon: float, inside: bool
) -> list[Array]:
    """Hinton's lecture 6.5."""
    s, points = np.zeros_like(w), []
    for t in range(STEPS):
        g = slope(t, w)
        s = beta * s + (1 - beta) * g**2
        w = w - rate(t) * g / (np.sqrt(s + epsilon) if inside else np.sqrt(s) + epsilon)
        points.append(w)
    return points


def adam(
    slope: Slope,
    w: Array,
    rate: OverTime,
    place: str = "after",
    epsilon: float = 1e-8,
    decay: float = 0.0,
    beta1: float = 0.9,
    beta2: float = 0.999,
) -> list[Array]:
    """Algorithm 1 of Kingma and Ba; with decay, algorithm 2 of Loshchilov and Hutter.

    ``place``: what is done with ε and the correction: after, inside, before, uncorrected.
    """
    m, v, points = np.zeros_like(w), np.zeros_like(w), []
    for t in range(1, STEPS + 1):
        g = slope(t - 1, w)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        if place == "after":
            step = m_hat / (np.sqrt(v_hat) + epsilon)
        elif place == "inside":
            step = m_hat / np.sqrt(v_hat + epsilon)
        elif place == "before":
            step = math.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (np.sqrt(v) + epsilon)
        else:
            step = m / (np.sqrt(v) + epsilon)
        w = w - rate(t - 1) * (step + decay * w)
        points.append(w)
    return points
