"""What the processor of this machine offers, and what code is generated for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import Any, final

from steepest.codegen.target import Target
from steepest.errors import CompilationError

_ARM = ("aarch64", "arm64")  # all of these have FMA and vectors of four numbers


@final
@dataclass(frozen=True)
class Processor:
    """A processor that machine code is made for.

    Args:
        triple: architecture, vendor and system, as LLVM writes them.
        name: the model, as LLVM calls it; ``generic`` where it is unknown.
        offered: features it has.
        missing: features it has not, though the model's name may suggest them.
    """

    triple: str
    name: str
    offered: frozenset[str]
    missing: frozenset[str]

    @property
    def features(self) -> str:
        """The features as LLVM reads them; what is missing comes last, and so wins."""
        return ",".join(
            [f"+{each}" for each in sorted(self.offered - self.missing)]
            + [f"-{each}" for each in sorted(self.missing)]
        )

    @property
    def target(self) -> Target:
        """What code generation has to know: lanes of float32 in a vector, and whether FMA is."""
        if self.triple.startswith(_ARM):
            return Target(lanes=4, has_fma=True)
        offered = self.offered - self.missing
        if "avx512f" in offered:
            return Target(lanes=16, has_fma=True)
        return Target(lanes=8 if "avx" in offered else 4, has_fma="fma" in offered)

    @property
    def is_tested(self) -> bool:
        """Whether the tests have run on its kind, with vectors of every width."""
        return self.triple.startswith("x86_64")

    def restricted(self, lanes: int) -> Processor:
        """The same processor without vectors wider than so many numbers of float32.

        Args:
            lanes: 16, 8 or 4; with 4 there is no FMA either, as on the oldest x86-64.
        """
        removed = {each for each in self.offered | self.missing if _lanes_needed(each) > lanes}
        return replace(self, offered=self.offered - removed, missing=self.missing | removed)

    def __str__(self) -> str:
        return f"{self.name} ({self.triple})"


def _lanes_needed(feature: str) -> int:
    """The lanes of float32 of the registers that a feature of x86 works on."""
    if feature.startswith(("avx512", "avx10", "amx-avx512", "evex512")):
        return 16
    if feature.startswith(("avx", "fma", "f16c", "xop", "vaes", "vpclmulqdq")):
        return 8
    return 4


@cache
def this_processor() -> Processor:
    """The processor of this machine, as LLVM sees it.

    Raises:
        CompilationError: llvmlite cannot be imported.
    """
    llvm = load_llvm()
    try:
        features: dict[str, bool] = llvm.get_host_cpu_features()
    except RuntimeError:  # LLVM cannot ask this machine: what all of its kind have is left
        features = {}
    return Processor(
        triple=llvm.get_process_triple(),
        name=llvm.get_host_cpu_name() or "generic",
        offered=frozenset(name for name, has in features.items() if has),
        missing=frozenset(name for name, has in features.items() if not has),
    )


def load_llvm() -> Any:  # noqa: ANN401  (llvmlite states no types)
    """The module ``llvmlite.binding``, imported when it is first needed.

    Raises:
        CompilationError: it cannot be imported.
    """
    try:
        return import_module("llvmlite.binding")
    except (ImportError, OSError) as error:
        raise CompilationError(f"llvmlite cannot be imported: {error}") from error
