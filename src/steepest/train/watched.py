"""What was seen in the watched steps of a training run: rows, a table, and what stands out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, TypeAlias, final

import numpy as np

from steepest.errors import ConfigurationError, nearest
from steepest.methods import implements
from steepest.train.findings import Finding, Seen, find

Row: TypeAlias = dict[str, Any]
COLUMNS = ("mean", "deviation", "saturated", "dead", "gradient_norm", "update_ratio")


WEIGHT = "weight"
PARAMETER = "parameter"
WHOLE = "model"  # the name of the whole model, where it is a layer itself


@final
@dataclass(frozen=True)
class Probe:
    """What one of the numbers is.

    Args:
        layer: the name of a layer or parameter.
        kind: what it is: Linear, relu; of a parameter: weight (what a penalty counts) or parameter.
        what: the quantity, as :class:`Watched` names it.
    """

    layer: str
    kind: str
    what: str


@implements("W2", option="--watch N")
@final
class Watched:
    """What every layer and parameter did in the watched steps: update ratio = ‖Δw‖ / ‖w‖.

    ``trainer.fit(…, watch=50)`` watches the first step and every 50th after it, and keeps this as
    ``history.watched``. All is computed by a compiled program that takes the step on a copy of the
    state, with its batch and dropout; the weights come out bit for bit as without.

    ``rows`` has a dict for each number: ``step``, ``layer`` (its name), ``kind`` (Linear, relu, …;
    of a parameter "weight" if a penalty counts it, else "parameter"), ``what`` and ``value``.

    Of each layer's outputs: ``mean``, ``deviation``; of activations ``saturated``, the share that
    is on a flat end (|tanh| > 0.97; sigmoid outside 0.03 … 0.97), and ``dead``, the share of units
    that are 0 for all rows of the batch. Of each parameter, and of a layer's parameters together:
    ``gradient_norm`` (of the objective, before clipping), ``norm``, ``update_norm`` and
    ``update_ratio``, the length of the step divided by that of the weights before it.

    Source: Glorot, Bengio 2010 (activations and gradients by layer).

    >>> import steepest as st
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(64, 3))
    >>> trainer = st.Trainer(st.nn.MLP(3, [8], 1), "half_squared_error", st.optim.SGD(0.1))
    >>> watched = trainer.fit(x, x[:, 0], epochs=3, batch_size=16, watch=5).watched
    >>> watched.steps
    [1, 6, 11]
    >>> len(watched.column("layers.1", "dead"))
    3
    """

    def __init__(self) -> None:
        self._probes: tuple[Probe, ...] = ()
        self._steps: list[int] = []
        self._values: list[Sequence[float]] = []

    def add(self, step: int, probes: tuple[Probe, ...], values: Sequence[float]) -> None:
        """Take note of a step.

        Args:
            step: its number.
            probes: what the numbers are.
            values: the numbers.
        """
        self._probes = probes
        self._steps.append(step)
        self._values.append(tuple(values))

    def copy(self) -> Watched:
        """What was seen so far, for keeps."""
        other = Watched()
        other._probes = self._probes
        other._steps, other._values = list(self._steps), list(self._values)
        return other

    @property
    def rows(self) -> list[Row]:
        """A dict for each number."""
        return self.rows_from(0)

    def rows_from(self, position: int) -> list[Row]:
        """The rows of the watched steps from this position on."""
        return [
            {"step": step, **vars(probe), "value": value}
            for step, values in zip(self._steps[position:], self._values[position:], strict=True)
            for probe, value in zip(self._probes, values, strict=True)
        ]

    @property
    def steps(self) -> list[int]:
        """The steps that were watched."""
        return list(self._steps)

    @property
    def layers(self) -> dict[str, str]:
        """The layers by name, in the order in which they are called, with their kind."""
        return {p.layer: p.kind for p in self._probes if p.kind not in (WEIGHT, PARAMETER)}

    @property
    def weighted(self) -> frozenset[str]:
        """The layers with weights: parameters that a penalty counts."""
        parameters = [probe.layer for probe in self._probes if probe.kind == WEIGHT]
        return frozenset(name.rpartition(".")[0] or WHOLE for name in parameters)

    def has(self, layer: str, what: str) -> bool:
        """Whether this is known of a layer or parameter."""
        return any(probe.layer == layer and probe.what == what for probe in self._probes)

    def column(self, layer: str, what: str) -> list[float]:
        """One quantity of one layer or parameter, by step.

        Raises:
            ConfigurationError: there is no such layer, or it has no such quantity.
        """
        names = [probe.layer for probe in self._probes]
        if layer not in names:
            raise ConfigurationError(f"no layer {layer!r} was watched; {nearest(layer, names)}")
        own = {p.what: i for i, p in enumerate(self._probes) if p.layer == layer}
        if what not in own:
            raise ConfigurationError(f"{layer} has no {what!r}; {nearest(what, own)}")
        return [values[own[what]] for values in self._values]

    @property
    def findings(self) -> list[Finding]:
        """What stands out, each with its remedy."""
        weighted = self.weighted
        columns: dict[str, dict[str, list[float]]] = {}
        for position, probe in enumerate(self._probes):
            own = columns.setdefault(probe.layer, {})
            own[probe.what] = [values[position] for values in self._values]
        return find(
            [
                Seen(name, kind, name in weighted, columns[name])
                for name, kind in self.layers.items()
            ]
        )

    def state(self) -> dict[str, Any]:
        """What of it was found so far, to be kept in a file."""
        return {
            "probes": [list(vars(probe).values()) for probe in self._probes],
            "steps": list(self._steps),
            "values": np.asarray(self._values, np.float64),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self._probes = tuple(Probe(*each) for each in state["probes"])
        self._steps = list(state["steps"])
        self._values = [tuple(each) for each in state["values"].tolist()]

    def to_json_lines(self) -> str:
        r"""The rows as JSON, one object a line; a number that JSON lacks is null.

        >>> watched = Watched()
        >>> watched.add(1, (Probe("layers.0", "Linear", "mean"),), [0.5])
        >>> watched.to_json_lines()
        '{"step": 1, "layer": "layers.0", "kind": "Linear", "what": "mean", "value": 0.5}\n'
        """
        return "".join(json.dumps(_plain(row)) + "\n" for row in self.rows)

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        n = len(self)
        return f"<watched: {n} step{'s' * (n != 1)} of {len(self.layers)} layers>"

    def __str__(self) -> str:
        """The last watched step as a table, a layer a line, and what stands out."""
        if not self._steps:
            return repr(self)
        lines = self._table()
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = [
            "  ".join([f"{line[0]:<{widths[0]}}", f"{line[1]:<{widths[1]}}"]
                      + [f"{text:>{w}}" for text, w in zip(line[2:], widths[2:], strict=True)])
            for line in lines
        ]  # fmt: skip
        found = [str(each) for each in self.findings]
        return "\n".join([f"step {self._steps[-1]}", *(line.rstrip() for line in table), *found])

    def _repr_html_(self) -> str:
        if not self._steps:
            return f"<p>{escape(repr(self))}</p>"
        head, *body = [[escape(text) for text in line] for line in self._table()]
        rows = "".join(f"<tr>{''.join(f'<td>{text}</td>' for text in line)}</tr>" for line in body)
        found = "".join(f"<p>{escape(str(each))}</p>" for each in self.findings)
        above = f"<tr>{''.join(f'<th>{text}</th>' for text in head)}</tr>"
        return f"<p>step {self._steps[-1]}</p><table>{above}{rows}</table>{found}"

    def _table(self) -> list[list[str]]:
        values = {
            (probe.layer, probe.what): value
            for probe, value in zip(self._probes, self._values[-1], strict=True)
        }
        shown = [what for what in COLUMNS if any(key[1] == what for key in values)]
        return [
            ["layer", "kind", *(what.replace("_", " ") for what in shown)],
            *(
                [layer, kind, *(_number(values.get((layer, what))) for what in shown)]
                for layer, kind in self.layers.items()
            ),
        ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _plain(row: Row) -> Row:
    return row if math.isfinite(row["value"]) else {**row, "value": None}
