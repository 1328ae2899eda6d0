"""What every test shares: settings of hypothesis, and the tables that are not in the repository."""

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
