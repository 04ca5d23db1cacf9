"""An audit never passes off what it could not check as free of vulnerabilities."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).parents[3] / "tools" / "audit.py"

CHECKED = {"name": "flask", "version": "3.1.3", "vulns": []}
UNKNOWN = {"name": "mako", "skip_reason": "Dependency not found on PyPI"}
BAD = {
    "name": "old",
    "version": "1.0",
    "vulns": [{"id": "CVE-1", "fix_versions": ["1.1"], "aliases": []}],
}


@pytest.mark.parametrize(
    ("packages", "code", "sentence"),
    [
        ([CHECKED], 0, "1 packages checked, 0 vulnerable"),
        ([UNKNOWN], 0, "SKIPPED, not checked: the registry has no advisories"),
        ([CHECKED, UNKNOWN], 0, "SKIPPED, not checked: 1 of 2: mako"),
        ([CHECKED, BAD], 1, "old 1.0: CVE-1, fixed in 1.1"),
        ([UNKNOWN, BAD], 1, "SKIPPED, not checked: 1 of 2: mako"),
    ],
)
def test_what_was_not_checked_is_said(
    packages: list[object], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("audit", FILE)
    assert spec is not None
    assert spec.loader is not None
    audit = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(audit)
    assert audit.report({"dependencies": packages}) == code
    assert sentence in capsys.readouterr().out
