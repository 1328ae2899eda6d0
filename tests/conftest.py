"""What every test shares: settings of hypothesis, caches, tables that are not in the repository."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent
TABLES = ROOT.parent / "shared" / "data"

# No deadline, no health check on slowness: a busy machine must not fail a test.
settings.register_profile(
    "house",
    deadline=None,
    max_examples=50,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")


def pytest_configure() -> None:
    """Control-C is heard, also where a script runs the suite with `&`, which lets it be ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def tables() -> Path:
    """The folder of real tables; the test is skipped where they are absent."""
    if not TABLES.is_dir():
        pytest.skip("the real tables are not here: ../shared/data is missing")
    return TABLES


@pytest.fixture(scope="session", autouse=True)
def caches() -> Iterator[None]:
    """Machine code is kept where pytest keeps things, for all workers, and not with the user's.

    macOS has a fixed place for caches, so there it is kept with the user's all the same.
    """
    folder = ROOT / ".pytest_cache" / "caches"
    folder.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
            patch.setenv(name, str(folder))
        yield
