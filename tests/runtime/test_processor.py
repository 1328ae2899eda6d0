"""What the processor offers, and less of it on request."""

from dataclasses import replace

import numpy as np
import pytest

from runtime.programs import FLOAT, buffer, code
from steepest.codegen.target import Target
from steepest.errors import CompilationError
from steepest.runtime import processor as processor_file
from steepest.runtime.executable import NativeProgram, compile_program
from steepest.runtime.machine_code import compile_text
from steepest.runtime.plan import Values, assemble
from steepest.runtime.processor import Processor, this_processor

WIDE = """\
define i32 @KERNEL(ptr %words) {
  %place = load ptr, ptr %words
  %old = load <16 x float>, ptr %place, align 4
  %new = call <16 x float> @llvm.fmuladd.v16f32(<16 x float> %old, <16 x float> %old, \
<16 x float> %old)
  store <16 x float> %new, ptr %place, align 4
  ret i32 0
}
"""


def squares_and_more(processor: Processor) -> np.ndarray:
    value = buffer("value", (16,))
    declared = "declare <16 x float> @llvm.fmuladd.v16f32(<16 x float>, <16 x float>, <16 x float>)"
    text, plan = assemble(
        [code(WIDE, value, declarations=[declared])],
        ["squares"],
        {value: ("scratch", 0)},
        Values(whole=(value,), outputs=((value, (16,)),)),
        state_bytes=0,
        scratch_bytes=64,
    )
    program = NativeProgram(plan, compile_program(text, processor), processor).bind()
    return program.run(1, whole=[np.arange(16, dtype=FLOAT)]).outputs[0][0]


def made(offered: str, missing: str = "", triple: str = "x86_64-unknown-linux-gnu") -> Processor:
    return Processor(triple, "generic", frozenset(offered.split()), frozenset(missing.split()))


@pytest.mark.parametrize("lanes", [16, 8, 4])
def test_a_restricted_processor_runs_what_it_is_left_with(lanes: int) -> None:
    processor = this_processor().restricted(lanes)
    assert processor.target.lanes <= lanes
    x = np.arange(16)
    np.testing.assert_array_equal(squares_and_more(processor), x * x + x)


@pytest.mark.parametrize(
    ("lanes", "absent"), [(8, "zmm"), (4, "ymm")], ids=["no AVX-512", "no AVX"]
)
def test_a_restricted_processor_gets_no_wider_instructions(lanes: int, absent: str) -> None:
    text, _ = assemble([], [], {}, Values(), state_bytes=0, scratch_bytes=0)
    body = WIDE.replace("@KERNEL", "@wide").replace("llvm.fmuladd", "llvm.fma")
    body += "declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)\n"
    processor = this_processor().restricted(lanes)
    if not processor.triple.startswith("x86_64"):
        pytest.skip("registers of x86-64 are looked for")
    assert absent not in assembly(text + body, processor)


def assembly(text: str, processor: Processor) -> str:
    llvm = processor_file.load_llvm()
    compile_text("", processor)  # makes LLVM ready
    machine = llvm.Target.from_triple(processor.triple).create_target_machine(
        cpu=processor.name, features=processor.features, opt=3
    )
    return machine.emit_assembly(llvm.parse_assembly(text))


@pytest.mark.parametrize(
    ("processor", "target"),
    [
        (made("sse2"), Target(4, has_fma=False)),
        (made("sse2 avx"), Target(8, has_fma=False)),
        (made("sse2 avx avx2 fma"), Target(8, has_fma=True)),
        (made("avx avx2 fma avx512f avx512vl"), Target(16, has_fma=True)),
        (made("avx avx2 fma avx512f", missing="avx512f"), Target(8, has_fma=True)),
        (made("", triple="aarch64-unknown-linux-gnu"), Target(4, has_fma=True)),
        (made("neon", triple="arm64-apple-darwin24"), Target(4, has_fma=True)),
    ],
    ids=["SSE2", "AVX", "AVX2", "AVX-512", "AVX-512 hidden", "Arm", "Apple"],
)
def test_lanes_follow_from_features(processor: Processor, target: Target) -> None:
    assert processor.target == target


@pytest.mark.parametrize(
    ("lanes", "target"),
    [(16, Target(16, True)), (8, Target(8, True)), (4, Target(4, False))],
)
def test_restricting_takes_whole_families(lanes: int, target: Target) -> None:
    whole = made("sse2 avx avx2 fma f16c vaes avx512f avx512vl avx512vnni", missing="avx10.1 xop")
    assert whole.restricted(lanes).target == target


def test_what_is_missing_wins_in_the_text() -> None:
    assert made("b a c", missing="c d").features == "+a,+b,-c,-d"


def test_an_unknown_name_runs_as_a_generic_processor(capfd: pytest.CaptureFixture[str]) -> None:
    unknown = replace(this_processor(), name="next-year's")
    x = np.arange(16)
    np.testing.assert_array_equal(squares_and_more(unknown), x * x + x)
    assert "next-year's" in capfd.readouterr().err  # LLVM says it


class Silent:
    """An LLVM on a machine that it cannot ask for anything."""

    @staticmethod
    def get_process_triple() -> str:
        return this_processor().triple

    @staticmethod
    def get_host_cpu_name() -> str:
        return ""

    @staticmethod
    def get_host_cpu_features() -> dict[str, bool]:
        raise RuntimeError("LLVM cannot read the features of this processor")


def test_a_machine_that_says_nothing_is_generic(monkeypatch: pytest.MonkeyPatch) -> None:
    known = this_processor()
    monkeypatch.setattr(processor_file, "load_llvm", Silent)
    silent = this_processor.__wrapped__()
    monkeypatch.undo()
    assert (silent.name, silent.offered, silent.triple) == ("generic", frozenset(), known.triple)
    x = np.arange(16)
    np.testing.assert_array_equal(squares_and_more(silent), x * x + x)


def test_without_llvmlite_there_is_an_error_to_fall_back_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(processor_file, "import_module", refuse)
    with pytest.raises(CompilationError, match=r"llvmlite cannot be imported: No module"):
        this_processor.__wrapped__()
