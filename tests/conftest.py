"""What holds for every test: in CI, nothing may be skipped."""

import os
from collections.abc import Generator

import pytest
from tests.house import a_house

SKIPS_FORBIDDEN = os.environ.get("CI") == "true"


def _forbid(report: pytest.TestReport | pytest.CollectReport) -> None:
    if SKIPS_FORBIDDEN and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"Skipped, where nothing may be: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _forbid(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _forbid(report)
    return report


@pytest.fixture
def house(tmp_path):
    """The whole house on a store of its own, with the rulebook that the transcripts speak of."""
    with a_house(tmp_path) as house:
        yield house
