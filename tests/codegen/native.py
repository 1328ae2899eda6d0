"""Generated code run at once: text → machine code → a call, on arrays of the test."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from steepest.codegen.code import Code, Pointer
from steepest.codegen.elementwise import elementwise
from steepest.codegen.target import Target
from steepest.ir.scalar import Scalar
from steepest.ir.types import Array, DType
from steepest.schedule.kernels import Buffer

# Lanes of float32 → what a processor of that width is told to have.
PROCESSORS: Mapping[int, tuple[str, str]] = {
    16: ("skylake-avx512", ""),
    8: ("haswell", ""),
    4: ("x86-64-v2", ""),
}
TARGETS = {lanes: Target(lanes, has_fma=lanes > 4) for lanes in PROCESSORS}


def widths() -> list[int]:
    """The lanes that this machine can run."""
    features = llvm.get_host_cpu_features()
    return [
        lanes
        for lanes, needed in ((16, "avx512dq"), (8, "avx2"), (4, "sse4.2"))
        if features.get(needed)
    ]


@cache
def _initialised() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@cache
def _machine(lanes: int) -> llvm.TargetMachine:
    _initialised()
    name, features = PROCESSORS[lanes]
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(cpu=name, features=features, opt=3, jit=True)


def assembly(code: Code, lanes: int) -> str:
    """What the processor gets, for people."""
    return _machine(lanes).emit_assembly(_module(_text(code), lanes))


def _text(code: Code) -> str:
    return "\n".join(sorted(code.declarations)) + "\n" + code.body.replace("@KERNEL", "@kernel")


def _module(text: str, lanes: int) -> llvm.ModuleRef:
    machine = _machine(lanes)
    module = llvm.parse_assembly(text)
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    module.verify()
    return module


@lru_cache(maxsize=256)
def _engine(text: str, lanes: int) -> llvm.ExecutionEngine:
    """Machine code of a text, once: kernels of other sizes often have the same."""
    module = _module(text, lanes)
    # The engine of a module may not own the machine that others still need.
    name, features = PROCESSORS[lanes]
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=name, features=features, opt=3, jit=True
    )
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine


class Native:
    """A compiled kernel; call it with the memory its words point to."""

    def __init__(self, code: Code, lanes: int) -> None:
        self.code = code
        self._engine = _engine(_text(code), lanes)
        address = self._engine.get_function_address("kernel")
        self.function: Any = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(address)

    def words(self, memory: Mapping[Buffer, Array]) -> Array:
        """The words of a call on this memory: flat arrays that hold all elements of buffers."""

        def resolved(word: int | Pointer) -> int:
            if isinstance(word, Pointer):
                return memory[word.buffer].ctypes.data + word.offset * word.buffer.dtype.itemsize
            return word

        return np.array([resolved(word) for word in self.code.words], np.int64)

    def __call__(self, memory: Mapping[Buffer, Array]) -> int:
        words = self.words(memory)
        return int(self.function(words.ctypes.data))


def flat(name: str, size: int, dtype: DType) -> Buffer:
    """A buffer of one axis."""
    return Buffer(name, dtype, (size,), (1,), "scratch", size)


def aligned(array: Array) -> Array:
    """A copy that begins at a multiple of 64 bytes."""
    room = np.empty(array.nbytes + 64, np.uint8)
    start = -room.ctypes.data % 64
    copy = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def run_elementwise(root: Scalar, lanes: int, *arguments: Array) -> Array:
    """What the compiled expression gives for equally long flat arrays."""
    (length,) = {len(each) for each in arguments}
    size = -(-length // 16) * 16
    buffers = tuple(flat(f"a{i}", size, each.dtype) for i, each in enumerate(arguments))
    result = flat("result", size, root.dtype)
    memory = {result: aligned(np.zeros(size, root.dtype))}
    for buffer, each in zip(buffers, arguments, strict=True):
        padded = np.zeros(size, each.dtype)
        padded[:length] = each
        memory[buffer] = aligned(padded)
    code = elementwise(root, TARGETS[lanes], buffers, result)
    assert Native(code, lanes)(memory) == 0
    return memory[result][:length].copy()
