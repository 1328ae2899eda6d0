"""What only a process of its own can show: signals, pipes, start-up."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from steepest.tabular import load

STEEPEST = [sys.executable, "-m", "steepest"]
ENDLESS = ["--max-epochs", "1000000", "--set", "training.patience=0"]
KILLS = int(os.environ.get("KILLS", "6"))


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*STEEPEST, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_training(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 2/"):
            return
    raise AssertionError("training did not start")


def test_ctrl_c_keeps_and_saves_the_best_weights(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    process = start("fit", table, "-t", "label", *ENDLESS, "--out", out)
    wait_for_training(process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert load(out).results.stopped == "interrupted"


def test_ctrl_c_twice_leaves_at_once_and_breaks_no_file(
    table: Path, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.safetensors"
    out.write_bytes(model.read_bytes())
    process = start("fit", table, "-t", "label", *ENDLESS, "--out", out)
    wait_for_training(process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    load(out)


def test_ctrl_c_before_training_saves_nothing(tmp_path: Path) -> None:
    """The table comes through a pipe that stays open, so reading never ends."""
    process = subprocess.Popen(
        [*STEEPEST, "fit", "-", "-t", "label", "--out", str(tmp_path / "m")],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write("a,label\n" * 100_000)
    process.stdin.flush()  # returns when the first part is read
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "nothing was saved" in errors
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def test_a_closed_pipe_is_no_error(table: Path, model: Path, tmp_path: Path) -> None:
    long = tmp_path / "long.csv"
    head, *rows = table.read_text().splitlines()
    long.write_text("\n".join([head, *rows * 800]) + "\n")
    process = start("predict", model, long, "--append")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    with process:
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_stdout_is_an_error(table: Path, model: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [*STEEPEST, "predict", str(model), str(table)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ran.returncode == 2
    assert "no space left" in ran.stderr.lower()
    assert "Traceback" not in ran.stderr


# Imports once, then forks: each child overwrites the model again and again until it is killed.
KILLED_FITS = """
import os, random, signal, sys, time
from steepest.cli import main
from steepest.tabular import load

out, table, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
options = ["--max-epochs", "1", "--hidden-layer-sizes", "64,64", "--quiet", "--out", out]
def fit(seed):
    assert main(["fit", table, "-t", "label", *options, "--seed", str(seed)]) == 0
fit(0)
moment, seen = random.Random(0), set()
for kill in range(kills):
    before = os.stat(out).st_ino
    child = os.fork()
    if not child:
        for seed in range(1 + 1000 * kill, 1_000_000):
            fit(seed)
    while os.stat(out).st_ino == before:
        time.sleep(0.005)
    time.sleep(moment.random() * 0.3)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert len(load(out).predict(table)) == 60
    seen.add(open(out, "rb").read())
print(len(seen))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_any_moment_the_model_file_is_whole(table: Path, tmp_path: Path) -> None:
    """The moments of six kills; `KILLS=50` in the environment is the long version."""
    out = tmp_path / "m.safetensors"
    ran = subprocess.run(
        [sys.executable, "-c", KILLED_FITS, str(out), str(table), str(KILLS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 1  # the children did overwrite the file
    leftovers = {path.name for path in tmp_path.iterdir()} - {out.name}
    assert all(name.endswith(".part") for name in leftovers)


def test_help_starts_quickly_without_heavy_imports() -> None:
    heavy = "sklearn scipy duckdb pandas matplotlib"
    script = (
        "import sys\n"
        "from steepest.cli import main\n"
        "main(['fit', '-h'])\n"
        f"print([name for name in {heavy.split()} if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_in_a_terminal_one_line_is_rewritten(table: Path, tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    arguments = ["fit", str(table), "-t", "label", "--max-epochs", "30", "--out", tmp_path / "m"]
    process = subprocess.Popen(
        [*STEEPEST, *map(str, arguments)], stderr=theirs, env={**os.environ, "TERM": "xterm"}
    )
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # Linux says EIO at the end
        while part := os.read(ours, 4096):
            seen += part
    os.close(ours)
    assert process.wait() == 0
    assert b"/30" in seen
    assert b"validation" in seen
    assert b"epoch 3/30" not in seen
    assert seen.count(b"\n") < 30
    assert b"next: steepest predict" in seen.splitlines()[-1]


def test_no_color_and_no_terminal_mean_plain_text(table: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [*STEEPEST, "fit", str(table), "-t", "label", "--max-epochs", "2", "--out", tmp_path / "m"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert "\x1b" not in ran.stderr
    assert ran.stderr.count("epoch ") >= 2
