"""Another library's training steps, timed in the interpreter that has it.

A program of its own, which imports nothing of steepest: started as ``python -P peer_process.py
NAME``, it answers each line of JSON on stdin with one on stdout until stdin ends. First it says its
version. ``{"workload": {…}}`` prepares one and answers how long the first call took, or that the
library does not do it; ``{"table": {…}}`` likewise, which scikit-learn alone does; ``{"seconds":
s}`` times calls for so long and answers the medians.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

Workload: TypeAlias = Mapping[str, Any]
Timed: TypeAlias = tuple[Callable[[], Any], int]
"""What is called, and how many training steps one call takes."""


def main(name: str) -> None:
    """Serve until stdin ends."""
    warnings.filterwarnings("ignore")
    module, prepare = PEERS[name]
    _answer({"version": str(import_module(module).__version__)})
    call, steps = _nothing, 1
    for line in sys.stdin:
        request = json.loads(line)
        if "seconds" in request:
            wall, processor = _medians(call, request["seconds"])
            _answer({"seconds": wall / steps, "processor": processor / steps})
            continue
        start = time.perf_counter()
        if "table" in request:
            prepared = scikit_learn_table(request["table"])
        else:
            prepared = prepare(request["workload"])
        if prepared is None:
            _answer({"first": None})
            continue
        call, steps = prepared
        call()
        _answer({"first": time.perf_counter() - start})


def _answer(document: Mapping[str, Any]) -> None:
    print(json.dumps(document), flush=True)


def _nothing() -> None:
    """Before the first workload."""


def _medians(call: Callable[[], Any], seconds: float) -> tuple[float, float]:
    """Of calls for so many seconds, after one that brings the data near.

    As in clock.py, which is not imported here: wall time, and what this process got of it.
    """
    call()
    walls: list[float] = []
    processors: list[float] = []
    end = time.perf_counter() + seconds
    while not walls or time.perf_counter() < end:
        wall, processor = time.perf_counter(), time.process_time()
        call()
        processors.append(time.process_time() - processor)
        walls.append(time.perf_counter() - wall)
    return float(np.median(walls)), float(np.median(processors))


def _arrays(workload: Workload, rows: int) -> tuple[Any, Any]:
    sizes = workload["sizes"]
    generator = np.random.default_rng(0)
    x = generator.standard_normal((rows, sizes[0]), dtype=np.float32)
    return x, generator.integers(0, max(sizes[-1], 2), rows)


# --------------------------------------------------------------------------------------- PyTorch


def torch_step(workload: Workload) -> Timed:
    """One step a call, on one batch: without the choice of rows, which favours it."""
    torch: Any = import_module("torch")
    network = _torch_network(torch, workload)
    take = (_torch_regular_update if workload["is_regular"] else _torch_update)(
        torch, network, workload
    )
    features, classes = _arrays(workload, workload["batch"])
    x, y = torch.from_numpy(features), torch.from_numpy(classes)
    loss = torch.nn.functional.cross_entropy
    if workload["sizes"][-1] == 1:
        loss, y = torch.nn.functional.binary_cross_entropy_with_logits, y.float()[:, None]

    def step() -> None:
        value = loss(network(x), y)
        network.zero_grad()
        value.backward()
        take()

    return step, 1


def _torch_network(torch: Any, workload: Workload) -> Any:
    nn, sizes = torch.nn, workload["sizes"]
    layers: list[Any] = []
    for a, b in pairwise(sizes[:-1]):
        if workload["is_regular"]:
            layers += [nn.Linear(a, b, bias=False), nn.BatchNorm1d(b), nn.ReLU(), nn.Dropout(0.3)]
        else:
            layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def _torch_update(torch: Any, network: Any, workload: Workload) -> Callable[[], None]:
    if workload["optimizer"] == "adam":
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    else:
        optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)
    return optimizer.step


def _torch_regular_update(torch: Any, network: Any, workload: Workload) -> Callable[[], None]:
    matrices = [p for p in network.parameters() if p.ndim == 2]
    others = [p for p in network.parameters() if p.ndim != 2]
    groups = [{"params": matrices, "weight_decay": 1e-4}, {"params": others}]
    optimizer = torch.optim.SGD(groups, lr=0.05, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10_000)

    def take() -> None:
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()

    return take


# ------------------------------------------------------------------------------------------- JAX


def jax_epoch(workload: Workload) -> Timed:
    """An epoch a call, a compiled loop that takes shuffled rows: the same work as ours."""
    jax: Any = import_module("jax")
    optax: Any = import_module("optax")
    numpy = jax.numpy
    batch, batches = workload["batch"], workload["batches"]
    features, classes = _arrays(workload, batch * batches)
    x, y = numpy.array(features), numpy.array(classes)
    order = np.random.default_rng(1).permutation(batch * batches)
    rows = numpy.array(order.reshape(batches, batch))
    make = _jax_regular if workload["is_regular"] else _jax_plain
    update, first = make(jax, optax, workload)

    def step(now: Any, at: Any) -> Any:
        return update(now, x[at], y[at])

    def epoch(now: Any, rows: Any) -> Any:
        return jax.lax.scan(step, now, rows)

    program = jax.jit(epoch, donate_argnums=0)
    state = [first]

    def call() -> None:
        state[0], losses = program(state[0], rows)
        losses.block_until_ready()

    return call, batches


def _jax_plain(jax: Any, optax: Any, workload: Workload) -> tuple[Any, Any]:
    sizes, numpy = workload["sizes"], jax.numpy
    keys = jax.random.split(jax.random.PRNGKey(0), len(sizes))
    layers = [
        (jax.random.normal(key, (a, b)) * np.sqrt(2 / a), numpy.zeros(b))
        for key, (a, b) in zip(keys, pairwise(sizes), strict=False)
    ]
    adam = workload["optimizer"] == "adam"
    rule = optax.adam(1e-3) if adam else optax.sgd(1e-3, momentum=0.9)

    def loss(layers: Any, x: Any, y: Any) -> Any:
        for weight, bias in layers[:-1]:
            x = jax.nn.relu(x @ weight + bias)
        x = x @ layers[-1][0] + layers[-1][1]
        if sizes[-1] == 1:
            return optax.sigmoid_binary_cross_entropy(x[:, 0], y).mean()
        return optax.softmax_cross_entropy_with_integer_labels(x, y).mean()

    def update(now: Any, x: Any, y: Any) -> Any:
        layers, slots = now
        value, slopes = jax.value_and_grad(loss)(layers, x, y)
        changes, slots = rule.update(slopes, slots)
        return (optax.apply_updates(layers, changes), slots), value

    return update, (layers, rule.init(layers))


def _jax_regular(jax: Any, optax: Any, workload: Workload) -> tuple[Any, Any]:
    clip = optax.clip_by_global_norm(1.0)
    rate = optax.cosine_decay_schedule(0.05, 10_000)
    rule = optax.chain(clip, optax.sgd(rate, momentum=0.9))

    def update(now: Any, x: Any, y: Any) -> Any:
        layers, slots, running, key = now
        key, own = jax.random.split(key)
        differentiated = jax.value_and_grad(_jax_regular_loss, argnums=2, has_aux=True)
        (value, running), slopes = differentiated(jax, optax, layers, running, own, x, y)
        changes, slots = rule.update(slopes, slots, layers)
        return (optax.apply_updates(layers, changes), slots, running, key), value

    layers = _jax_regular_layers(jax, workload["sizes"])
    running = [(jax.numpy.zeros(b), jax.numpy.ones(b)) for b in workload["sizes"][1:-1]]
    return update, (layers, rule.init(layers), running, jax.random.PRNGKey(1))


def _jax_regular_layers(jax: Any, sizes: list[int]) -> Any:
    keys = jax.random.split(jax.random.PRNGKey(0), len(sizes))
    hidden = [
        {
            "weight": jax.random.normal(key, (a, b)) * np.sqrt(2 / a),
            "scale": jax.numpy.ones(b),
            "shift": jax.numpy.zeros(b),
        }
        for key, (a, b) in zip(keys, pairwise(sizes[:-1]), strict=False)
    ]
    a, b = sizes[-2:]
    weight = jax.random.normal(keys[-1], (a, b)) * np.sqrt(1 / a)
    return {"hidden": hidden, "last": {"weight": weight, "bias": jax.numpy.zeros(b)}}


def _jax_regular_loss(
    jax: Any,
    optax: Any,
    layers: Any,
    running: Any,
    key: Any,
    x: Any,
    y: Any,
) -> tuple[Any, Any]:
    noted: list[Any] = []
    n = x.shape[0]
    for layer, (mean, variance) in zip(layers["hidden"], running, strict=True):
        a = x @ layer["weight"]
        now, spread = a.mean(0), a.var(0)
        noted.append((0.9 * mean + 0.1 * now, 0.9 * variance + 0.1 * spread * n / (n - 1)))
        z = (a - now) * jax.lax.rsqrt(spread + 1e-5) * layer["scale"] + layer["shift"]
        key, own = jax.random.split(key)
        x = jax.numpy.where(jax.random.bernoulli(own, 0.7, z.shape), jax.nn.relu(z) / 0.7, 0.0)
    scores = x @ layers["last"]["weight"] + layers["last"]["bias"]
    weights = [*(layer["weight"] for layer in layers["hidden"]), layers["last"]["weight"]]
    penalty = 0.5e-4 * sum((weight**2).sum() for weight in weights)
    each = optax.softmax_cross_entropy_with_integer_labels(scores, y)
    return each.mean() + penalty, noted


# ---------------------------------------------------------------------------------- scikit-learn


def scikit_learn_epoch(workload: Workload) -> Timed | None:
    """An epoch a call; None for what it does not do."""
    if workload["is_regular"]:
        return None
    network: Any = import_module("sklearn.neural_network")
    sizes = workload["sizes"]
    x, y = _arrays(workload, workload["batch"] * workload["batches"])
    classifier = network.MLPClassifier(
        sizes[1:-1],
        solver="adam" if workload["optimizer"] == "adam" else "sgd",
        batch_size=workload["batch"],
        alpha=0,
    )
    classifier.partial_fit(x, y, classes=np.arange(max(sizes[-1], 2)))
    return lambda: classifier.partial_fit(x, y), workload["batches"]


def scikit_learn_table(table: Mapping[str, Any]) -> Timed:
    """An epoch a call, on a table's rows: ``file`` holds x and y, ``classes`` is 0 for a number."""
    network: Any = import_module("sklearn.neural_network")
    with np.load(table["file"]) as arrays:
        x, y = arrays["x"], arrays["y"]
    kind = network.MLPClassifier if table["classes"] else network.MLPRegressor
    model = kind(hidden_layer_sizes=table["hidden"], batch_size=table["batch"], alpha=0)
    if table["classes"]:
        model.partial_fit(x, y, classes=np.arange(table["classes"]))
    return lambda: model.partial_fit(x, y), 1


PEERS: dict[str, tuple[str, Callable[[Workload], Timed | None]]] = {
    "jax": ("jax", jax_epoch),
    "torch": ("torch", torch_step),
    "scikit-learn": ("sklearn", scikit_learn_epoch),
}


if __name__ == "__main__":
    main(sys.argv[1])
