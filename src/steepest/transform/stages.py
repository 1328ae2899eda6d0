"""What the compiler makes of a function, stage by stage, to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from steepest.compile import Stages, stages
from steepest.runtime.processor import this_processor
from steepest.schedule.plan import InputRole
from steepest.schedule.text import text
from steepest.transform.executable import Task
from steepest.transform.memory import Memory
from steepest.transform.trace import Trace, record

__all__ = [
    "show_stages",
]


@final
@dataclass(frozen=True)
class Explanation:
    """The stages of one program; printing it prints them all.

    Args:
        made: what each stage gave.
    """

    made: Stages

    @property
    def traced(self) -> str:
        """The graph as the function wrote it."""
        return repr(self.made.traced)

    @property
    def rewritten(self) -> str:
        """The rules that fired, and the simpler graph."""
        fired = [f"{count:>5} x {rule}" for rule, count in self.made.rewritten.counts.items()]
        return "\n".join([*fired, repr(self.made.rewritten.graph)])

    @property
    def scheduled(self) -> str:
        """Kernels and memory."""
        return text(self.made.scheduled)

    @property
    def generated(self) -> str:
        """The text for LLVM, without the driver."""
        return self.made.text

    def __repr__(self) -> str:
        parts = {
            "1. traced": self.traced,
            "2. rewritten": self.rewritten,
            "3. scheduled": self.scheduled,
            "4. generated": self.generated,
        }
        return "\n\n".join(f"== {title} ==\n{part}" for title, part in parts.items())


def explain(trace: Trace, roles: tuple[InputRole, ...], *, guarded: bool) -> Explanation:
    """The stages of a traced function."""
    task = Task(trace, roles, Memory(trace.cells), guarded)
    return Explanation(stages(task.source, this_processor().target))


def show_stages(function: Callable[..., Any], *arguments: Any) -> Explanation:
    """What ``st.jit(function)`` makes of arguments such as these: graph, kernels, machine text.

    Args:
        function: of Tensors, or nested dicts and lists of them, or modules.
        arguments: only their shapes and element types matter.

    Returns:
        Something to print; ``.traced``, ``.rewritten``, ``.scheduled`` and ``.generated`` are its
        parts.

    >>> import steepest as st
    >>> print(st.show_stages(lambda x: st.sum(st.exp(x) * 1.0), st.ones((3,))).scheduled)
    kernel 0: reduce_sum
      for i0 < 1; vectors along i1
        r0 = sum over i1 < 3 of exp(x[i1])
        reduce_sum1[i0] = r0
    scratch memory: 384 bytes, of which 128 are in use at once
               0  x: float32[3]
              64  reduce_sum1: float32[]
    """
    trace = record(function, *arguments)
    own = len(trace.graph.inputs) - len(trace.cells) - len(trace.captured)
    return explain(trace, ("whole",) * own, guarded=False)
