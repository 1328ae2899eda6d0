"""Feed the command with damaged tables, options and model files, and see that it always has words.

    .venv/bin/python tools/fuzz.py --kind csv --cases 60000 --seed 1
    .venv/bin/python tools/fuzz.py --kind csv --only 4711 --seed 1     (one of them, shown)

A case is damage to a good file, drawn from the seed and the case's number. The command that reads
it must end with 0 or 2, without a traceback or a warning of Python's, in ten seconds. Cases run in
another process, so that one which ends it is found as well.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import io
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from damage import damaged_bytes, damaged_model, damaged_toml

from steepest.cli import main

SECONDS = 10.0
_SHORT = ("--max-epochs", "1", "--hidden-layer-sizes", "3", "--reference", "--quiet")


@dataclass(frozen=True)
class Finding:
    """A case whose end was not in words."""

    kind: str
    case: int
    what: str


class Bench:
    """A folder with good files, and what runs the command on damaged ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tables = [text.encode() for text in TABLES]
        self.model = folder / "good.safetensors"
        self.table = folder / "good.csv"
        self.table.write_bytes(self.tables[0])
        _run(["fit", str(self.table), "-t", "y", *_SHORT, "-o", str(self.model)])
        self.model_bytes = self.model.read_bytes()

    def csv(self, random: Random) -> Sequence[str]:
        """A fit, or a prediction, of a damaged table."""
        path = self.folder / "damaged.csv"
        path.write_bytes(damaged_bytes(random.choice(self.tables), self.tables, random))
        if random.random() < 0.3:
            return ["predict", str(self.model), str(path), "--reference", "-q"]
        options = random.choice([(), ("--separator", ";"), ("--no-header",), ("--quote", "")])
        target = "column_3" if options == ("--no-header",) else "y"
        out = str(self.folder / "out.safetensors")
        return ["fit", str(path), "-t", target, *options, *_SHORT, "-o", out]

    def toml(self, random: Random) -> Sequence[str]:
        """A fit whose options are damaged: they are read, and printed or used."""
        path = self.folder / "damaged.toml"
        path.write_bytes(damaged_toml(random))
        words = ["fit", str(self.table), "-t", "y", "--config", str(path)]
        return [*words, "--print-config", "-q"]

    def model_file(self, random: Random) -> Sequence[str]:
        """What reads a model file."""
        path = self.folder / "damaged.safetensors"
        path.write_bytes(damaged_model(self.model_bytes, random))
        if random.random() < 0.4:
            return ["inspect", str(path)]
        return ["predict", str(path), str(self.table), "--reference", "-q"]

    def kinds(self) -> dict[str, Callable[[Random], Sequence[str]]]:
        """What can be damaged."""
        return {"csv": self.csv, "toml": self.toml, "model": self.model_file}


TABLES = (
    "size,sort,y\n" + "".join(f"{i % 7 / 2},{'abc'[i % 3]},{'uv'[i % 7 > 3]}\n" for i in range(24)),
    "a;b;y\n" + "".join(f"{i % 5},{i * i % 11};x{i % 4};{i * 1.5}\n" for i in range(24)),
    'when\t"a b"\ty\n'
    + "".join(f'2024-0{i % 9 + 1}-{i + 1:02}\t"q ""{i % 3}"" r"\t{i % 2}\n' for i in range(24)),
    "price,ok,y\r\n" + "".join(f'"${i * 997:,}",{"yno"[i % 3]},{i % 3}\r\n' for i in range(24)),
    "text,y\n"
    + "".join(f"the {('red', 'blue')[i % 2]} fox no {i} runs,{i % 2}\n" for i in range(24)),
)


def judge(kind: str, case: int, seed: int, bench: Bench, *, show: bool = False) -> Finding | None:
    """Run one case and say what is wrong with its end, if anything."""
    random = Random(f"{kind} {case} {seed}")
    arguments = bench.kinds()[kind](random)
    if show:
        print(*arguments, file=sys.stderr)
    code, error = _run(arguments)
    if show:
        print(error, file=sys.stderr)
    if code not in (0, 2):
        return Finding(kind, case, f"exit code {code}: {error.strip()[-300:]}")
    if "Traceback" in error or "bug in steepest" in error:
        return Finding(kind, case, error.strip()[-300:])
    if code == 2 and not error.strip():
        return Finding(kind, case, "refused without a word")
    if len(error) > 3000:
        return Finding(kind, case, f"{len(error)} characters of error: {error[:200]}")
    return None


def _run(arguments: Sequence[str]) -> tuple[int, str]:
    """The command in this process: its exit code, and what it said."""
    out, error = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(error),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("error", DeprecationWarning)
        code = main(arguments)
    return code, error.getvalue()


def work(kind: str, start: int, stop: int, seed: int) -> None:
    """Judge cases in this process, telling each on a line before it is tried."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for case in range(start, stop):
            print("case", case, flush=True)
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            finding = judge(kind, case, seed, bench)
            faulthandler.cancel_dump_traceback_later()
            if finding is not None:
                print("found", case, repr(finding.what), flush=True)


def supervise(kind: str, cases: int, seed: int) -> int:
    """Judge all cases in processes of their own; return how many had no words."""
    found, start = 0, 0
    while start < cases:
        words = [sys.executable, __file__, "--kind", kind, "--seed", str(seed)]
        words += ["--worker", str(start), str(cases)]
        last = start
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("case "):
                    last = int(line.split()[1])
                    if last % 1000 == 0:
                        print(f"\r{kind}: {last:,} of {cases:,}", end="", file=sys.stderr)
                else:
                    found += 1
                    print(line, end="", flush=True)
        if process.returncode == 0:
            break
        found += 1
        print(f"found {last} the process ended with {process.returncode} (a crash or a hang)")
        start = last + 1
    print(f"\r{kind}: {cases:,} cases, seed {seed}: {found} without words", file=sys.stderr)
    return found


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--kind", choices=("csv", "toml", "model"), default="csv")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="one case, shown")
    parser.add_argument("--worker", type=int, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        start, stop = given.worker
        work(given.kind, start, stop, given.seed)
        return 0
    if given.only is not None:
        with tempfile.TemporaryDirectory() as folder:
            finding = judge(given.kind, given.only, given.seed, Bench(Path(folder)), show=True)
        print(finding or "in words")
        return finding is not None
    return supervise(given.kind, given.cases, given.seed) > 0


if __name__ == "__main__":
    sys.exit(_main())
