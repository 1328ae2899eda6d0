"""From LLVM's text to an object, and from an object to functions in memory."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, final

from steepest.errors import CompilationError
from steepest.runtime.processor import Processor, load_llvm

_THOROUGH, _QUICK = 3, 0  # of code generation; 0 is useless for vectors


def compile_text(text: str, processor: Processor) -> bytes:
    """The object file of a module of LLVM text; no pass is run over it.

    Args:
        text: functions, already in vectors and in SSA form.
        processor: what the machine code may use.

    Raises:
        CompilationError: LLVM refuses the text, or does not know the machine.
    """
    return _emitted(text, processor, _THOROUGH)


def compile_quickly(text: str, processor: Processor) -> bytes:
    """The same for code in which little time is spent; it compiles about ten times as fast."""
    return _emitted(text, processor, _QUICK)


def _emitted(text: str, processor: Processor, effort: int) -> bytes:
    llvm = load_llvm()
    machine = _target_machine(processor, effort)
    try:
        module = llvm.parse_assembly(text)
        module.triple = processor.triple
        module.data_layout = str(machine.target_data)
        module.verify()
        return machine.emit_object(module)
    except RuntimeError as error:
        raise CompilationError(f"LLVM refuses the program: {_first_lines(error)}") from error


@final
class MachineCode:
    """The functions of object files, loaded into this process for as long as this lives.

    Args:
        contents: the object files.
        names: the functions wanted from them.
        processor: what it was made for.

    Raises:
        CompilationError: it cannot be loaded, or calls a function that the process does not have.
    """

    def __init__(
        self, contents: Sequence[bytes], names: Sequence[str], processor: Processor
    ) -> None:
        llvm = load_llvm()
        try:
            # Not MCJIT: where a function is missing, that ends the process.
            self._linker = llvm.create_lljit_compiler(
                _target_machine(processor, _THOROUGH),
                use_jit_link=_has_linker_of_whole_objects(processor),
                suppress_errors=True,
            )
            library = llvm.JITLibraryBuilder().add_current_process()
            for content in contents:
                library.add_object_img(content)
            for name in names:
                library.export_symbol(name)
            self._library = library.link(self._linker, "program")
            self._addresses = {name: int(self._library[name]) for name in names}
        except RuntimeError as error:
            raise CompilationError(
                f"the machine code cannot be loaded: {_first_lines(error)}"
            ) from error

    def address(self, name: str) -> int:
        """Where a function begins."""
        return self._addresses[name]


def llvm_version() -> str:
    """The versions of llvmlite and of its LLVM."""
    numbers = ".".join(map(str, load_llvm().llvm_version_info))
    return f"llvmlite {import_module('llvmlite').__version__}, LLVM {numbers}"


def _has_linker_of_whole_objects(processor: Processor) -> bool:
    """Whether LLVM's newer linker serves, which puts all sections of an object side by side.

    The older one maps each wherever a page is free. In a process whose memory is full of holes,
    that can be more than 2 GiB apart, which ends the process: code cannot reach its constants.
    """
    return "windows" not in processor.triple  # there, LLVM has only begun to support it


def _target_machine(processor: Processor, effort: int) -> Any:  # noqa: ANN401  (llvmlite states no types)
    llvm = load_llvm()
    try:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        return llvm.Target.from_triple(processor.triple).create_target_machine(
            cpu=processor.name,
            features=processor.features,
            opt=effort,
            reloc="pic",
            codemodel="small",
        )
    except RuntimeError as error:
        raise CompilationError(
            f"LLVM cannot make code for {processor}: {_first_lines(error)}"
        ) from error


def _first_lines(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return "; ".join(lines[:3])
