"""Options and fixtures for every kind of test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

NEEDS_SERVER = ("integration", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the folder they stand in, and run the slow kinds last."""
    root = Path(__file__).parent
    for item in items:
        kind = item.path.relative_to(root).parts[0]
        if kind in NEEDS_SERVER:
            item.add_marker(kind)
    items.sort(key=lambda item: any(item.get_closest_marker(kind) for kind in NEEDS_SERVER))
