"""The wheel, as a user gets it: built, installed outside the checkout, and fitted from there."""

import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(command: list[str | Path], folder: Path) -> str:
    """What the command prints; it runs in ``folder`` and knows nothing of the checkout."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    finished = subprocess.run(
        command, cwd=folder, env=clean, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, f"{command}\n{finished.stdout}\n{finished.stderr}"
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    run(build, folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel and, of this one, the libraries but not the checkout."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "env", symlinks=True, with_pip=False)
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    install = [sys.executable, "-m", "pip", "--python", folder / "env" / "bin" / "python"]
    run([*install, "install", "-q", "--no-deps", "--no-index", wheel], folder)
    # Links, one for each library: a .pth to the whole folder would run the editable install's too.
    for path in (Path(p) for p in sys.path if p.endswith("site-packages")):
        for entry in path.iterdir():
            if "steepest" not in entry.name and not (site / entry.name).exists():
                (site / entry.name).symlink_to(entry)
    return folder


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    inside = {name for name in names if name.startswith("steepest/")}
    source = ROOT / "src"
    files = (source / "steepest").rglob("*")
    expected = {
        path.relative_to(source).as_posix()
        for path in files
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == expected
    assert "steepest/py.typed" in inside
    others = {name.partition("/")[0] for name in names} - {"steepest"}
    assert len(others) == 1
    assert others.pop().endswith(".dist-info")
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_a_fit_from_the_installed_wheel(elsewhere: Path) -> None:
    binaries = elsewhere / "env" / "bin"
    where = run([binaries / "python", "-c", "import steepest; print(steepest.__file__)"], elsewhere)
    assert Path(where.strip()).is_relative_to(elsewhere)
    command = binaries / "steepest"
    run([command, "dataset", "wine", "--out", "wine.csv"], elsewhere)
    options = ["--target", "target", "--max-epochs", "5", "--test", "0.2"]
    run([command, "fit", "wine.csv", *options, "--out", "wine.safetensors"], elsewhere)
    assert (elsewhere / "wine.safetensors").stat().st_size > 0
    table = run([command, "predict", "wine.safetensors", "wine.csv"], elsewhere)
    assert len(table.splitlines()) == 1 + 178


def test_the_version_is_stated_once(elsewhere: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    python = elsewhere / "env" / "bin" / "python"
    code = "import importlib.metadata as m, steepest as st;"
    code += "print(m.version('steepest'), st.__version__)"
    version, stated = run([python, "-c", code], elsewhere).split()
    assert version == stated
    assert "version" in project["dynamic"]
