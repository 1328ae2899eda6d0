"""Text to objects to functions; what LLVM refuses is an error, never the end of the process."""

import math
from dataclasses import replace

import numpy as np
import pytest

from runtime.programs import buffer, code, elementwise, loaded
from steepest.errors import CompilationError
from steepest.runtime.machine_code import MachineCode, compile_text, llvm_version
from steepest.runtime.plan import Values
from steepest.runtime.processor import this_processor

REFUSED = {
    "no LLVM": ("define nothing", "expected type"),
    "a wrong type": ("define i32 @f() { ret i64 0 }", "result type"),
    "a float like Python's": ("define float @f() { ret float 1e-05 }", "constant"),
    "an undefined name": ("define i32 @f() { ret i32 %nobody }", "%nobody"),
    "not SSA": ("define i32 @f() { %a = add i32 1, 1\n %a = add i32 1, 1\n ret i32 %a }", "%a"),
    "no end": ("define i32 @f() { %a = add i32 1, 1 }", "expected instruction"),
    "a use before its definition": (
        "define i32 @f(i1 %c) {\n br i1 %c, label %x, label %y\nx:\n %a = add i32 1, 1\n"
        " br label %y\ny:\n ret i32 %a\n}",
        "dominate",
    ),
}

MISSING = """\
declare i32 @nobody_has_this()
define i32 @f() {
  %a = call i32 @nobody_has_this()
  ret i32 %a
}
"""


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=list(REFUSED))
def test_what_llvm_refuses_is_an_error_that_says_why(text: str, reason: str) -> None:
    with pytest.raises(CompilationError, match=f"LLVM refuses the program.*{reason}"):
        compile_text(text, this_processor())


def test_a_machine_that_llvm_does_not_know() -> None:
    elsewhere = replace(this_processor(), triple="vax-dec-vms")
    with pytest.raises(CompilationError, match=r"LLVM cannot make code for .*vax-dec-vms"):
        compile_text("", elsewhere)


def test_a_function_that_the_process_does_not_have(capfd: pytest.CaptureFixture[str]) -> None:
    content = compile_text(MISSING, this_processor())
    with pytest.raises(CompilationError, match="cannot be loaded"):
        MachineCode([content], ("f",), this_processor())
    assert capfd.readouterr() == ("", "")


def test_an_object_without_the_function() -> None:
    content = compile_text("define i32 @f() { ret i32 0 }", this_processor())
    with pytest.raises(CompilationError, match="cannot be loaded"):
        MachineCode([content], ("g",), this_processor())


@pytest.mark.parametrize("content", [b"", b"no object", bytes(4096)], ids=["empty", "text", "0"])
def test_what_is_no_object(content: bytes) -> None:
    with pytest.raises(CompilationError, match="cannot be loaded"):
        MachineCode([content], ("f",), this_processor())


def test_programs_after_one_that_failed() -> None:
    with pytest.raises(CompilationError):
        compile_text("define", this_processor())
    content = compile_text("define i32 @f() { ret i32 0 }", this_processor())
    assert MachineCode([content], ("f",), this_processor()).address("f")


def test_equal_text_gives_equal_objects() -> None:
    text = "define i32 @f(i32 %a) {\n %b = mul i32 %a, %a\n ret i32 %b\n}\n"
    assert compile_text(text, this_processor()) == compile_text(text, this_processor())


@pytest.mark.parametrize(
    "name",
    [
        "atan",
        "asin",
        "acos",
        "tan",
        "sinh",
        "cosh",
        "asinh",
        "acosh",
        "atanh",
        "log2",
        "log10",
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_functions_of_libm_are_found(name: str, dtype: type) -> None:
    kind, suffix = ("float", "f") if dtype is np.float32 else ("double", "")
    body = elementwise(kind, f"%new = call {kind} @{name}{suffix}({kind} %old)")
    source, target = (buffer(each, (3,), dtype=np.dtype(dtype)) for each in ("source", "target"))
    declared = f"declare {kind} @{name}{suffix}({kind})"
    program = loaded(
        [code(body, target, source, 3, declarations=[declared])],
        {source: ("scratch", 0), target: ("scratch", 64)},
        Values(whole=(source,), outputs=((target, (3,)),)),
    ).bind()
    x = np.array([1.0, 1.0, 1.0] if name == "acosh" else [0.25, 0.5, 0.75], dtype)
    (result,) = program.run(1, whole=[x]).outputs
    expected = [getattr(math, name)(float(each)) for each in x]
    np.testing.assert_allclose(result[0], expected, rtol=4 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("intrinsic", ["memset", "memcpy", "memmove"])
def test_functions_that_llvm_calls_by_itself_are_found(intrinsic: str) -> None:
    takes, value = ("i8", "i8 7") if intrinsic == "memset" else ("ptr", "ptr %source")
    name = f"llvm.{intrinsic}.p0.i64" if intrinsic == "memset" else f"llvm.{intrinsic}.p0.p0.i64"
    body = f"""\
define i32 @KERNEL(ptr %words) {{
  %target = load ptr, ptr %words
  %place1 = getelementptr i64, ptr %words, i64 1
  %source = load ptr, ptr %place1
  %place2 = getelementptr i64, ptr %words, i64 2
  %count = load i64, ptr %place2
  call void @{name}(ptr %target, {value}, i64 %count, i1 false)
  ret i32 0
}}
"""
    declared = f"declare void @{name}(ptr, {takes}, i64, i1)"
    source, target = (buffer(each, (999,), dtype=np.dtype("uint8")) for each in ("from", "to"))
    program = loaded(
        [
            code(
                body,
                target,
                source,
                999,
                declarations=[declared],
            )
        ],
        {source: ("scratch", 0), target: ("scratch", 1024)},
        Values(whole=(source,), outputs=((target, (999,)),)),
    ).bind()
    x = np.arange(999).astype(np.uint8)
    expected = np.full(999, 7) if intrinsic == "memset" else x
    np.testing.assert_array_equal(program.run(1, whole=[x]).outputs[0][0], expected)


def test_the_version_names_llvmlite_and_llvm() -> None:
    import llvmlite

    assert llvm_version().startswith(f"llvmlite {llvmlite.__version__}, LLVM ")
