"""Every code that the service can answer with is raised somewhere, and docs/errors.md shows it."""

from __future__ import annotations

import ast
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from service import errors as error_module
from service.error_codes import ErrorCode, errors_document
from service.errors import CdsServiceError, StorageUnavailable
from service.routes import errors as routes
from service.routes.operation_outcome import ERROR_SYSTEM
from service.storage import database, store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

ROOT = Path(__file__).parents[2]
CLASSES = {
    name: value
    for name, value in vars(error_module).items()
    if isinstance(value, type) and issubclass(value, CdsServiceError)
}
ALSO_ISSUE_TYPES = {"not-found"}
"""Codes that FHIR's IssueType has too."""


def _nodes() -> Iterator[ast.AST]:
    for path in sorted((ROOT / "service").rglob("*.py")):
        if path.name != "error_codes.py":
            yield from ast.walk(ast.parse(path.read_text("utf-8")))


def _code(node: ast.AST | None) -> ErrorCode | None:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return ErrorCode[node.attr] if node.value.id == "ErrorCode" else None
    return None


def test_every_code_is_used_and_none_is_spelt_out() -> None:
    used, spelt = set(), set()
    for node in _nodes():
        used.add(_code(node))
        if isinstance(node, ast.Constant) and node.value in set(ErrorCode):
            spelt.add(node.value)
    assert set(ErrorCode) - used == set()
    assert spelt <= ALSO_ISSUE_TYPES


def test_a_class_of_errors_has_one_status() -> None:
    """`except` and the tree of classes speak of statuses, codes of causes: they agree."""
    seen = 0
    for node in _nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            error = CLASSES.get(node.func.id)
            codes = [_code(keyword.value) for keyword in node.keywords if keyword.arg == "code"]
            for code in codes if error else ():
                if error is not None and code is not None:
                    seen += 1
                    assert code.status == error.code.status, code
            if node.func.id == "_refused" and (code := _code(node.args[0])):
                seen += 1
                assert code.status == HTTPStatus.UNAUTHORIZED, code
    assert seen > 30
    storage = {
        *database._SQLITE_CODES.values(),
        *database._POSTGRESQL_CODES.values(),
        *store._MESSAGES,
    }
    assert {code.status for code in storage} == {StorageUnavailable.code.status}
    for status, (code, *_) in routes._HTTP_ERRORS.items():
        assert code.status == status


def test_an_error_answers_with_the_status_of_its_code() -> None:
    for error in CLASSES.values():
        assert error("text").status == error.code.status
    own = StorageUnavailable("text", code=ErrorCode.STORAGE_FULL)
    assert (own.code, own.status) == ("storage-full", 503)
    assert CdsServiceError("text").status == 500


def test_the_document_shows_every_code_once(pytestconfig: pytest.Config) -> None:
    path = ROOT / "docs" / "errors.md"
    document = errors_document(ERROR_SYSTEM)
    if pytestconfig.getoption("update_snapshots", default=False):
        path.write_text(document, "utf-8")
    written = path.read_text("utf-8")
    assert written == document
    rows = [line for line in written.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == list(ErrorCode)
    for row, code in zip(rows, ErrorCode, strict=True):
        assert row == f"| `{code}` | {code.status} | {code.meaning} | {code.remedy} |"
        assert code.meaning
        assert code.remedy
