"""What the report's groups are called."""

from __future__ import annotations

import pytest

from service.backtest.persons import _as_listed


@pytest.mark.parametrize(
    ("sent", "listed"),
    [
        ("White", "White"),
        ("white", "White"),
        ("BLACK OR AFRICAN AMERICAN", "Black or African American"),
        ("Not  Hispanic or Latino", "Not Hispanic or Latino"),
        ("", ""),
    ],
)
def test_one_category_has_one_spelling(sent: str, listed: str) -> None:
    assert _as_listed(sent) == listed
