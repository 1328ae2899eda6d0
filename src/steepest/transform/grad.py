"""Derivatives of Python functions: grad, vjp, jvp, jacobian, hessian, hvp, in any nesting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, final

from steepest.autodiff import gradients
from steepest.errors import DTypeError, GradientError
from steepest.ir.graph import order
from steepest.ir.node import Node, Record
from steepest.ir.origin import origin
from steepest.ir.types import is_floating
from steepest.methods import implements
from steepest.ops.elementwise import identity
from steepest.ops.movement import reshape
from steepest.tensor.creation import eye, ones_like, zeros_like
from steepest.tensor.modes import differentiating
from steepest.tensor.state import Bound, scope
from steepest.tensor.tensor import Tensor, computed
from steepest.transform.arguments import Flat, flatten, flatten_like
from steepest.transform.vmap import vmap

__all__ = [
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "value_and_grad",
    "vjp",
]

Function = Callable[..., Any]


@final
@dataclass(frozen=True)
class _Call:
    """A call of a function on variables: copies of the arguments that are differentiated by."""

    inputs: Flat
    variables: tuple[Tensor, ...]
    outputs: Flat

    def gradients(self, seeds: Sequence[Tensor]) -> list[Tensor]:
        """The gradient of Σ ⟨seed, output⟩ by each variable; zeros where there is no dependence."""
        roots = [leaf.node for leaf in self.outputs.leaves]
        wrt = [variable.node for variable in self.variables]
        found = gradients(roots, [seed.node for seed in seeds], wrt)
        return _finished(found, self.variables, record=self.is_recorded(seeds))

    def is_recorded(self, seeds: Sequence[Tensor] = ()) -> bool:
        """Whether somebody further out may ask for a derivative of what is computed here."""
        inner = {variable.node for variable in self.variables}
        outer = [leaf.node for leaf in (*self.inputs.leaves, *self.outputs.leaves, *seeds)]
        return any(
            _is_variable(node) for node in order(outer, inner.__contains__) if node not in inner
        )

    def result(self) -> Any:
        """What the function returned, free of this call's variables if nobody further out asks."""
        if self.is_recorded():
            return self.outputs.call(self.outputs.leaves)
        return self.outputs.call([_plain(leaf) for leaf in self.outputs.leaves])


def _plain(leaf: Tensor) -> Tensor:
    return leaf if leaf.is_traced else leaf.detach()


def _is_variable(node: Node) -> bool:
    """Where requiring grad begins: a leaf, or the copy of an argument of a ``grad`` further out."""
    return _requires_grad(node) and not any(_requires_grad(each) for each in node.inputs)


def _requires_grad(node: Node) -> bool:
    return node.record is not None and node.record.requires_grad


def _finished(
    found: Sequence[Node | None], like: Sequence[Tensor], *, record: bool
) -> list[Tensor]:
    known = [node for node in found if node is not None]
    values = iter(computed(known, record=record))
    return [
        next(values) if node is not None else zeros_like(each)
        for node, each in zip(found, like, strict=True)
    ]


def _variable(leaf: Tensor, name: str) -> Tensor:
    if not is_floating(leaf.dtype):
        raise DTypeError(
            f"{name} has element type {leaf.dtype}; derivatives are by floating-point numbers: "
            "write 1.0 instead of 1, or choose another argument with grad(f, argument=1) or (0, 2)"
        )
    record = None if leaf.is_traced else Record(leaf.data, requires_grad=True)
    node = Node(identity, (leaf.node,), {}, leaf.type, record=record, origin=origin())
    return Tensor(None if leaf.is_traced else leaf.data, node)


def _call(function: Function, arguments: tuple[Any, ...], positions: Sequence[int]) -> _Call:
    flat = flatten([arguments[position] for position in positions])
    names = [_spoken(name, positions) for name in flat.names]
    variables = tuple(_variable(*each) for each in zip(flat.leaves, names, strict=True))
    bound = {cell: v for cell, v in zip(flat.cells, variables, strict=True) if cell is not None}
    passed = list(arguments)
    for position, value in zip(positions, flat.call(variables), strict=True):
        passed[position] = value
    with differentiating(), scope(Bound(bound)):
        outputs = flatten(function(*passed), what="the result")
    return _Call(flat, variables, outputs)


def _spoken(name: str, positions: Sequence[int]) -> str:
    """A leaf's name for people: ``argument 0``, ``weight of argument 1``."""
    first, _, rest = name.partition(".")
    argument = f"argument {positions[int(first)]}"
    return f"{rest} of {argument}" if rest else argument


def _scalar(call: _Call) -> Tensor:
    if len(call.outputs.leaves) != 1 or call.outputs.leaves[0].size != 1:
        shapes = ", ".join(str(leaf.shape) for leaf in call.outputs.leaves)
        raise GradientError(
            f"grad of a function that returns {shapes or 'nothing'}: only a single number has a "
            "gradient; return its sum or mean, or use jacobian or vjp"
        )
    return call.outputs.leaves[0]


@implements("D5")
def value_and_grad(function: Function, argument: int | tuple[int, ...] = 0) -> Function:
    """A function's value together with its gradient; like :func:`grad` otherwise.

    >>> import steepest as st
    >>> st.value_and_grad(lambda x: st.sum(x * x))(st.tensor([1.0, 2.0]))
    (tensor(5.), tensor([2., 4.]))
    """
    positions = (argument,) if isinstance(argument, int) else argument

    @wraps(function)
    def differentiated(*arguments: Any) -> tuple[Any, Any]:
        call = _call(function, arguments, positions)
        output = _scalar(call)
        seed = ones_like(output)
        results = call.inputs.result(call.gradients([seed]))
        return call.result(), results[0] if isinstance(argument, int) else tuple(results)

    return differentiated


@implements("D2", "D3", "D5", "D7")
def grad(function: Function, argument: int | tuple[int, ...] = 0) -> Function:
    """The gradient of a function that returns a single number: ∂f/∂x, shaped like x.

    Works on any Python function of arrays, loops and branches included. Can be nested for higher
    derivatives, and used inside of ``trace`` and ``vmap``.

    Args:
        function: of Tensors, nested dicts and lists of them, or modules.
        argument: by which argument (or arguments) to differentiate. For a module the gradient is a
            dict from the names of its trainable cells.

    Raises:
        GradientError: the function does not return a single number.
        DTypeError: the argument does not hold floating-point numbers.

    >>> import steepest as st
    >>> st.grad(lambda x: x**3)(2.0)
    tensor(12.)
    >>> st.grad(st.grad(lambda x: x**3))(2.0)
    tensor(12.)
    """
    both = value_and_grad(function, argument)

    @wraps(function)
    def differentiated(*arguments: Any) -> Any:
        return both(*arguments)[1]

    return differentiated


@implements("D5")
def vjp(function: Function, *arguments: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of a function, and its vector-Jacobian product u ↦ uᵀJ.

    Returns:
        The value, and a function from a cotangent (of the value's structure) to one gradient for
        each argument.

    >>> import steepest as st
    >>> value, pullback = st.vjp(lambda x: x * x, st.tensor([1.0, 2.0]))
    >>> pullback(st.tensor([1.0, 10.0]))
    (tensor([ 2., 40.]),)
    """
    call = _call(function, arguments, range(len(arguments)))

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        seeds = flatten_like(call.outputs, cotangent, "the cotangent")
        return tuple(call.inputs.result(call.gradients(seeds)))

    return call.result(), pullback


@implements("D5")
def jvp(function: Function, arguments: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of a function, and its derivative along ``tangents``: the product J v.

    Args:
        function: of the arguments.
        arguments: where to differentiate.
        tangents: the direction: one for each argument, of its structure (a dict for a module).

    Computed by differentiating u ↦ uᵀJ, which is linear in u: two reverse sweeps, no forward mode.

    >>> import steepest as st
    >>> st.jvp(lambda x: x * x, [st.tensor([1.0, 2.0])], [st.tensor([1.0, 1.0])])
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    call = _call(function, tuple(arguments), range(len(arguments)))
    directions = flatten_like(call.inputs, list(tangents), "the tangent")
    cotangents = [_variable(zeros_like(leaf), "") for leaf in call.outputs.leaves]
    wrt = [variable.node for variable in call.variables]
    roots = [leaf.node for leaf in call.outputs.leaves]
    products = gradients(roots, [each.node for each in cotangents], wrt)
    pairs = [(p, d.node) for p, d in zip(products, directions, strict=True) if p is not None]
    along = gradients(
        [p for p, _ in pairs], [d for _, d in pairs], [each.node for each in cotangents]
    )
    record = call.is_recorded(directions)
    return call.result(), call.outputs.call(_finished(along, cotangents, record=record))


@implements("D5")
def jacobian(function: Function, argument: int = 0) -> Function:
    """All first derivatives ∂fᵢ/∂xⱼ: an array of shape f.shape + x.shape.

    For nested results and arguments, the argument's structure inside of the result's.

    >>> import steepest as st
    >>> st.jacobian(lambda x: x * x)(st.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @wraps(function)
    def differentiated(*arguments: Any) -> Any:
        call = _call(function, arguments, (argument,))
        leaves = call.outputs.leaves
        rows: list[Any] = []
        for position, leaf in enumerate(leaves):
            basis = reshape(eye(leaf.size, dtype=leaf.dtype), (leaf.size, *leaf.shape))

            def row(seed: Tensor, position: int = position) -> list[Tensor]:
                seeds = [seed if i == position else zeros_like(o) for i, o in enumerate(leaves)]
                return call.gradients(seeds)

            blocks = vmap(row)(basis)
            shaped = [
                reshape(block, (*leaf.shape, *variable.shape))
                for block, variable in zip(blocks, call.variables, strict=True)
            ]
            kept = shaped if call.is_recorded() else [_plain(each) for each in shaped]
            rows.append(call.inputs.result(kept)[0])
        return call.outputs.call(rows)

    return differentiated


@implements("D3", "D5")
def hessian(function: Function, argument: int = 0) -> Function:
    """All second derivatives ∂²f/∂xᵢ∂xⱼ of a function that returns a single number.

    >>> import steepest as st
    >>> st.hessian(lambda x: x[0] * x[0] * x[1])(st.tensor([1.0, 2.0]))
    tensor([[4., 2.],
            [2., 0.]])
    """
    return jacobian(grad(function, argument), argument)


@implements("D3", "D5")
def hvp(function: Function, arguments: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The Hessian of a function times a vector, without making the Hessian.

    Args:
        function: returns a single number.
        arguments: where; derivatives are by the first.
        tangents: the vector, of the first argument's structure (in a list of one).

    >>> import steepest as st
    >>> st.hvp(lambda x: st.sum(x**3), [st.tensor([1.0, 2.0])], [st.tensor([1.0, 1.0])])
    tensor([ 6., 12.])
    """

    def gradient(first: Any) -> Any:
        return grad(function)(first, *arguments[1:])

    return jvp(gradient, arguments[:1], tangents)[1]
