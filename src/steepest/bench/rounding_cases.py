"""Products of matrices, and reductions: what their results in float32 are away from float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from steepest.bench.conversation import Conversation
from steepest.bench.rounding import Compared, Error, Numbers, asked
from steepest.ir.types import Array, float32, float64
from steepest.ops.composite import logsumexp, norm
from steepest.ops.contract import matmul
from steepest.ops.movement import permute_dims
from steepest.ops.reduce import mean, sum, var
from steepest.tensor.tensor import Tensor
from steepest.transform.jit import jit

Shape3: TypeAlias = tuple[int, int, int]

PRODUCTS: tuple[Shape3, ...] = (
    *((32, 2, 50), (128, 128, 10), (1, 1024, 1024)),
    *((128, 784, 256), (784, 128, 256), (128, 256, 784)),
    *((256, 1024, 1024), (1024, 256, 1024), (1024, 1024, 1024)),
    *((256, 4096, 4096), (2048, 2048, 2048)),
)
"""Rows, summed elements, columns."""

REDUCED: tuple[tuple[int, ...], ...] = (
    *((32, 50), (128, 10), (256, 1024), (1000, 1000), (100_000, 10)),
    *((1000,), (1_000_000,)),
)
_MOST_DRAWS = 16  # of numbers, where a case has one result
_RESULTS = 100  # or more of each case, as far as that many draws go

Reduction: TypeAlias = Callable[[Tensor, int | None], Tensor]
REDUCTIONS: dict[str, Reduction] = {
    "sum": lambda x, axis: sum(x, axis=axis),
    "mean": lambda x, axis: mean(x, axis=axis),
    "logsumexp": lambda x, axis: logsumexp(x, axis=axis),
    "norm": lambda x, axis: norm(x, axis=axis),
    "var": lambda x, axis: var(x, axis=axis),
}
_ALONG = {1: "along rows", 0: "along columns", None: "of all"}


def products(peers: Sequence[Conversation], shapes: Sequence[Shape3]) -> Iterator[Compared]:
    """A B with either operand transposed in memory or not, of normal numbers."""
    generator = np.random.default_rng(0)
    for m, k, n in shapes:
        a = generator.standard_normal((m, k), dtype=float32)
        b = generator.standard_normal((k, n), dtype=float32)
        exact = a.astype(float64) @ b.astype(float64)
        for transposed in ("", "a", "b", "ab"):
            given = {
                name: np.ascontiguousarray(each.T) if name in transposed else each
                for name, each in (("a", a), ("b", b))
            }
            ours = _product(transposed)(*(Tensor(each, None) for each in given.values())).numpy()
            with Numbers(**given) as numbers:
                theirs = _errors(peers, numbers, exact, compute="product", transposed=transposed)
            form = " ".join(f"{name.upper()}{'ᵀ' * (name in transposed)}" for name in "ab")
            yield Compared(f"{m}×{k}×{n}", form, Error.of([ours], [exact]), theirs)


def _product(transposed: str) -> Callable[[Tensor, Tensor], Tensor]:
    def product(a: Tensor, b: Tensor) -> Tensor:
        left, right = (
            permute_dims(each, axes=(1, 0)) if name in transposed else each
            for name, each in (("a", a), ("b", b))
        )
        return matmul(left, right)

    return jit(product)


def reductions(
    peers: Sequence[Conversation], shapes: Sequence[tuple[int, ...]]
) -> Iterator[Compared]:
    """Along rows, along columns, of everything; of normal numbers, and of ones from 0 to 1."""
    for shape in shapes:
        for numbers_are in ("normal", "uniform"):
            x = _drawn(shape, numbers_are)
            with Numbers(x=x) as numbers:
                for axis in (1, 0, None) if len(shape) == 2 else (None,):
                    for name, reduction in REDUCTIONS.items():
                        case = f"{'×'.join(map(str, shape))} {numbers_are}"
                        group = f"{name} {_ALONG[axis]}"
                        yield _reduced(peers, numbers, x, (name, reduction), axis, (group, case))


def _drawn(shape: tuple[int, ...], numbers_are: str) -> Array:
    generator = np.random.default_rng(0)
    draws = (_MOST_DRAWS, *shape)
    if numbers_are == "normal":
        return generator.standard_normal(draws, dtype=float32)
    return generator.random(draws, dtype=float32)


def _reduced(
    peers: Sequence[Conversation],
    numbers: Numbers,
    x: Array,
    named: tuple[str, Reduction],
    axis: int | None,
    labels: tuple[str, str],
) -> Compared:
    name, reduction = named
    results = 1 if axis is None else x[0].size // x.shape[1 + axis]
    draws = min(_MOST_DRAWS, -(-_RESULTS // results))

    def along(x: Tensor) -> Tensor:
        return reduction(x, axis)

    compiled = jit(along)
    ours = np.array([compiled(Tensor(each, None)).numpy() for each in x[:draws]])
    exact = np.array([_exact(name, each, axis) for each in x[:draws].astype(float64)])
    theirs = _errors(peers, numbers, exact, compute=name, axis=axis, draws=draws)
    return Compared(*labels, Error.of([ours], [exact]), theirs)


def _exact(name: str, x: Array, axis: int | None) -> Array:
    """In float64, by NumPy."""
    if name == "norm":
        return np.sqrt(np.square(x).sum(axis=axis))
    if name == "logsumexp":
        return np.log(np.exp(x).sum(axis=axis))  # the numbers are small
    return {"sum": np.sum, "mean": np.mean, "var": np.var}[name](x, axis=axis)


def _errors(
    peers: Sequence[Conversation], numbers: Numbers, exact: Array, **request: object
) -> dict[str, Error]:
    found = {peer.name: asked(peer, numbers, **request) for peer in peers}
    return {name: Error.of(each, [exact]) for name, each in found.items() if each is not None}
