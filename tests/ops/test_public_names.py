"""Every public function of the engine is listed where it is defined, and has an example."""

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import steepest
from steepest.ir.op import OPS, Op

ROOMS = ("ops", "tensor", "transform")


def files() -> list[ModuleType]:
    """The files of the engine's rooms that list public names."""
    rooms = [importlib.import_module(f"steepest.{room}") for room in ROOMS]
    found = [
        importlib.import_module(f"{room.__name__}.{info.name}")
        for room in rooms
        for info in pkgutil.iter_modules(room.__path__)
    ]
    return [module for module in found if hasattr(module, "__all__")]


def defined(module: ModuleType) -> set[str]:
    """The public functions and ops that a file makes itself."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (
            (isinstance(value, Op) and f"{value.name}" == name)
            or (callable(value) and getattr(value, "__module__", "") == module.__name__)
        )
    }


def of_the_front_door(module: ModuleType) -> bool:
    return all(hasattr(steepest, name) for name in module.__all__)


FILES = [module for module in files() if of_the_front_door(module)]


def test_there_are_such_files() -> None:
    assert len(FILES) > 10


@pytest.mark.parametrize("module", FILES, ids=lambda module: module.__name__)
def test_what_is_listed_is_what_the_front_door_offers(module: ModuleType) -> None:
    assert sorted(module.__all__) == sorted(set(module.__all__))
    for name in module.__all__:
        assert getattr(steepest, name) is getattr(module, name), name


@pytest.mark.parametrize("module", FILES, ids=lambda module: module.__name__)
def test_a_file_lists_what_it_defines(module: ModuleType) -> None:
    constants = {name for name in module.__all__ if not callable(getattr(module, name))}
    assert set(module.__all__) <= defined(module) | constants
    if module.__name__.endswith("elementwise"):
        assert set(module.__all__) == defined(module)


@pytest.mark.parametrize("module", FILES, ids=lambda module: module.__name__)
def test_each_function_shows_an_example_and_each_op_a_sentence(module: ModuleType) -> None:
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, Op):
            assert OPS[value.name] is value
            assert value.__doc__ == value.summary
        elif inspect.isfunction(value):
            assert ">>> " in (value.__doc__ or ""), f"{name} shows no example"


def test_names_of_python_are_not_shadowed_at_the_front_door_by_accident() -> None:
    for name in ("sum", "abs", "pow", "round", "all", "any", "max", "min"):
        assert getattr(steepest, name) is not getattr(__builtins__, name, None)
