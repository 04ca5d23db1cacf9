"""Every code that the service can answer with is listed, and docs/errors.md shows the list."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from service import errors as error_module
from service.error_codes import ERROR_CODES, errors_document
from service.errors import CdsServiceError
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


def _raised() -> Iterator[tuple[str, int]]:
    """Each code with its status, as the source raises it."""
    for name in CLASSES:
        yield CLASSES[name].code, CLASSES[name].status
    for status, (code, *_) in routes._HTTP_ERRORS.items():
        yield code, status
    for code in {
        *database._SQLITE_CODES.values(),
        *database._POSTGRESQL_CODES.values(),
        *store._MESSAGES,
    }:
        yield code, CLASSES["StorageUnavailable"].status
    for path in sorted((ROOT / "service").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield from _of_call(node.func.id, node, path)


def _of_call(name: str, node: ast.Call, path: Path) -> Iterator[tuple[str, int]]:
    if name == "_refused" and path.name == "client_authentication.py":
        assert isinstance(node.args[0], ast.Constant)
        yield str(node.args[0].value), 401
    for keyword in node.keywords if name in CLASSES else ():
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
            yield str(keyword.value.value), CLASSES[name].status


def test_the_list_holds_every_code_and_no_other() -> None:
    raised = dict(_raised())
    assert len(raised) > 30
    listed = {error.code: error.status for error in ERROR_CODES if error.code != "http-error"}
    assert listed == raised


def test_no_code_stands_twice() -> None:
    codes = [error.code for error in ERROR_CODES]
    assert len(set(codes)) == len(codes)


def test_the_document_shows_the_list(pytestconfig: pytest.Config) -> None:
    path = ROOT / "docs" / "errors.md"
    document = errors_document(ERROR_SYSTEM)
    if pytestconfig.getoption("update_snapshots", default=False):
        path.write_text(document, "utf-8")
    assert path.read_text("utf-8") == document
