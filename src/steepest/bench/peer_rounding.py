"""What other libraries compute, for their rounding errors, in the interpreter that has them.

A program of its own, which imports nothing of steepest: started as ``python -P peer_rounding.py
NAME``, it says its version, then answers each line of JSON on stdin with one on stdout until stdin
ends. A request names what to ``compute``, an .npz file with the ``given`` numbers and one for what
is ``found``; the answer says whether the library does that. Numbers are computed with in the type
they are given in.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np

Request: TypeAlias = Mapping[str, Any]
Given: TypeAlias = Mapping[str, Any]
Library: TypeAlias = Callable[[Request, Given], "Sequence[Any] | None"]


def main(name: str) -> None:
    """Serve until stdin ends."""
    warnings.filterwarnings("ignore")
    module, library = PEERS[name]
    _answer({"version": str(import_module(module).__version__)})
    for line in sys.stdin:
        request = json.loads(line)
        with np.load(request["given"]) as given:
            found = library(request, given)
        if found is not None:
            np.savez(request["found"], *[np.asarray(each) for each in found])
        _answer({"able": found is not None})


def _answer(document: Mapping[str, Any]) -> None:
    print(json.dumps(document), flush=True)


# ----------------------------------------------------------------------------------------- NumPy


def numpy_library(request: Request, given: Given) -> Sequence[Any] | None:
    """Formulas as one writes them; no training steps."""
    if request["compute"] == "product":
        a, b = (given[name].T if name in request["transposed"] else given[name] for name in "ab")
        return [a @ b]
    if request["compute"] == "step":
        return None
    reduce, axis = NUMPY[request["compute"]], request["axis"]
    return [np.array([reduce(x, axis) for x in given["x"][: request["draws"]]])]


def _numpy_logsumexp(x: Any, axis: int | None) -> Any:
    peak = x.max(axis=axis, keepdims=True)
    total = np.log(np.exp(x - peak).sum(axis=axis, keepdims=True)) + peak
    return total.squeeze() if axis is None else total.squeeze(axis)


NUMPY: dict[str, Callable[[Any, int | None], Any]] = {
    "sum": lambda x, axis: x.sum(axis=axis),
    "mean": lambda x, axis: x.mean(axis=axis),
    "logsumexp": _numpy_logsumexp,
    "norm": lambda x, axis: np.sqrt((x * x).sum(axis=axis)),
    "var": lambda x, axis: x.var(axis=axis),
}


# --------------------------------------------------------------------------------------- PyTorch


def torch_library(request: Request, given: Given) -> Sequence[Any]:
    """Its own functions; steps are written out, with autograd and its optimisers."""
    torch: Any = import_module("torch")
    if request["compute"] == "product":
        a, b = (torch.from_numpy(given[name]) for name in "ab")
        transposed = request["transposed"]
        return [(a.T if "a" in transposed else a) @ (b.T if "b" in transposed else b)]
    if request["compute"] == "step":
        return torch_steps(torch, request, given)
    reduce = TORCH[request["compute"]]
    tensors = torch.from_numpy(given["x"][: request["draws"]])
    axes = tuple(range(tensors.ndim - 1)) if request["axis"] is None else request["axis"]
    return [np.array([reduce(torch, x, axes).numpy() for x in tensors])]


TORCH: dict[str, Callable[[Any, Any, Any], Any]] = {
    "sum": lambda torch, x, axes: x.sum(axes),
    "mean": lambda torch, x, axes: x.mean(axes),
    "logsumexp": lambda torch, x, axes: torch.logsumexp(x, axes),
    "norm": lambda torch, x, axes: torch.linalg.vector_norm(x, dim=axes),
    "var": lambda torch, x, axes: x.var(axes, correction=0),
}


def torch_steps(torch: Any, request: Request, given: Given) -> list[Any]:
    """The losses of steps on some batches, the first slot of the last one, and the parameters."""
    workload, batches = request["workload"], request["batches"]
    count = len([name for name in given if name.startswith("parameter")])
    start = (given[f"parameter{i}"] for i in range(count))
    parameters = [torch.from_numpy(each).requires_grad_() for each in start]
    optimizer, slot = _torch_optimizer(torch, workload, parameters)
    x, classes, rows = given["x"], given["classes"], given["rows"]
    losses: list[Any] = []
    for number, batch in enumerate(batches):
        at = rows[batch]
        features, labels = torch.from_numpy(x[at]), torch.from_numpy(classes[at])
        masks = given[f"masks{number}"] if workload["is_regular"] else None
        loss = _torch_loss(torch, workload, parameters, features, labels, masks)
        optimizer.zero_grad()
        loss.backward()
        if workload["is_regular"]:
            _torch_clip(torch, [each.grad for each in parameters])
            rate = 0.025 * (1 + math.cos(math.pi * number / 10_000))
            optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        losses.append(loss.item())
    slots = [optimizer.state[each][slot].numpy() for each in parameters]
    return [np.array(losses), *slots, *(each.detach().numpy() for each in parameters)]


def _torch_clip(torch: Any, slopes: Sequence[Any]) -> None:
    """As clip_grad_norm_ but for the 1e-6 that this adds to the norm: another function."""
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in slopes]))
    for slope in slopes:
        slope.mul_(torch.clamp(1.0 / norm, max=1.0))


def _torch_optimizer(torch: Any, workload: Mapping[str, Any], parameters: Any) -> tuple[Any, str]:
    if workload["optimizer"] == "adam":
        return torch.optim.Adam(parameters, lr=1e-3, fused=True), "exp_avg"
    return torch.optim.SGD(parameters, lr=1e-3, momentum=0.9), "momentum_buffer"


def _torch_loss(
    torch: Any, workload: Mapping[str, Any], parameters: Any, x: Any, y: Any, masks: Any
) -> Any:
    functional = torch.nn.functional
    left, penalty = list(parameters), 0.0
    if workload["is_regular"]:
        for weight, scale, shift in zip(left[:-2:3], left[1:-2:3], left[2:-2:3], strict=True):
            a = functional.linear(x, weight)
            z = functional.batch_norm(a, None, None, scale, shift, training=True, eps=1e-5)
            mask, masks = torch.from_numpy(masks[:, : z.shape[1]]), masks[:, z.shape[1] :]
            x = torch.where(mask, functional.relu(z) / 0.7, 0.0)
        penalty = 0.5e-4 * sum((each**2).sum() for each in left if each.ndim == 2)
    else:
        for weight, bias in zip(left[:-2:2], left[1:-2:2], strict=True):
            x = functional.relu(functional.linear(x, weight, bias))
    scores = functional.linear(x, left[-2], left[-1])
    if workload["sizes"][-1] == 1:
        return functional.binary_cross_entropy_with_logits(scores[:, 0], y.to(scores.dtype))
    return functional.cross_entropy(scores, y) + penalty


PEERS: dict[str, tuple[str, Library]] = {
    "torch": ("torch", torch_library),
    "numpy": ("numpy", numpy_library),
}


if __name__ == "__main__":
    main(sys.argv[1])
