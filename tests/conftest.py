"""Options and fixtures for every kind of test."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent
NEEDS_SERVER = ("integration", "browser")
LONGEST_FIRST = ("hapi", "browser", "integration", "functional")
ON_HAPI = (
    "test_backtest_of_hapi.py",
    "test_calls_on_servers.py",
    "test_doctor_on_servers.py",
    "test_samples_on_servers.py",
)
"""The files whose tests share one HAPI, which takes long to start."""

# Where a run decides about a change, its examples are the same each time; elsewhere they are new.
settings.register_profile("repeatable", derandomize=True, database=None)
if os.environ.get("HEME_HOOKS_REQUIRE_SERVERS") == "1":
    settings.load_profile("repeatable")


def kind_of(path: Path) -> str:
    """Return what decides where and when the tests of a file run: `hapi`, or their folder."""
    return "hapi" if path.name in ON_HAPI else path.relative_to(ROOT).parts[0]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the folder they stand in.

    What takes longest comes first, so that all processes are done at nearly the same time.
    """
    for item in items:
        folder = item.path.relative_to(ROOT).parts[0]
        if folder in NEEDS_SERVER:
            item.add_marker(folder)
        if folder == "integration" and {"hapi", "fhir_server"} & {
            *getattr(item, "fixturenames", ())
        }:
            assert item.path.name in ON_HAPI, f"{item.path.name} belongs into ON_HAPI"
    items.sort(key=lambda item: _place(kind_of(item.path)))


def _place(kind: str) -> int:
    return LONGEST_FIRST.index(kind) if kind in LONGEST_FIRST else len(LONGEST_FIRST)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile`, a file goes to one process; what shares a server goes together."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    def unit(nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        kind = kind_of(config.rootpath / file)
        return kind if kind in {"hapi", "browser"} else file

    config.option.loadscopereorder = False  # in the order of the tests, not by their number
    scheduler = LoadFileScheduling(config, log)
    assert callable(scheduler._split_scope)  # of another name one day, it would be set in vain
    scheduler._split_scope = unit
    return scheduler
