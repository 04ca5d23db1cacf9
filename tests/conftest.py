"""Options and fixtures for every kind of test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

NEEDS_SERVER = ("integration", "browser")

# Where a run decides about a change, its examples are the same each time; elsewhere they are new.
settings.register_profile("repeatable", derandomize=True, database=None)
if os.environ.get("HEME_HOOKS_REQUIRE_SERVERS") == "1":
    settings.load_profile("repeatable")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the folder they stand in.

    Tests of one kind of server run in one process, so that each server is started once, and last.
    """
    root = Path(__file__).parent
    for item in items:
        kind = item.path.relative_to(root).parts[0]
        if kind in NEEDS_SERVER:
            item.add_marker(kind)
            item.add_marker(pytest.mark.xdist_group(kind))
    items.sort(key=lambda item: any(item.get_closest_marker(kind) for kind in NEEDS_SERVER))
