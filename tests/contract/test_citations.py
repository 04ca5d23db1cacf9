"""Every section and rule of the clinical definition that the code cites stands in it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service.interpreter.rules import FINDINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = (DOCS / "clinical-definition.md", *sorted((DOCS / "clinical").glob("*.md")))
TEXT = "\n".join(page.read_text("utf-8") for page in PAGES)
SECTIONS = frozenset(re.findall(r"^#{1,2} (\d(?:\.\d+)?) ", TEXT, re.MULTILINE))
RULES = frozenset(
    [
        *re.findall(r"^\| ([AUM]\d{1,2})(?= )", TEXT, re.MULTILINE),
        *re.findall(r"^- \*\*(B\d|R\d{1,2})\*\* ", TEXT, re.MULTILINE),
    ]
)
_CITED = re.compile(r"clinical-definition\s+(\d[^).;\"`]*(?:\.\d[^).;\"`]*)*)")
_SECTION = re.compile(r"(?<![\w.-])\d(?:\.\d)?(?![\w.-]*\w)")
_RULE = re.compile(r"(?<![\w.])[AUM]\d{1,2}(?![\w.-]*\w)")
_FINDING = re.compile(r"\b3\.[23],? ([a-z0-9]+(?:-[a-z0-9]+)+)")
_OTHER_CODES = re.compile(r"ICD|CPT|HCPCS")


def texts_of(path: Path) -> Iterator[str]:
    """The comments and the free-standing texts (docstrings) of one file."""
    source = path.read_text("utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield " ".join(str(node.value.value).split())


@cache
def citing() -> list[tuple[str, str]]:
    """Every file with each of its texts."""
    return [
        (path.relative_to(ROOT).as_posix(), text)
        for folder in ("service", "fhir_mappings", "tests", "bench")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for text in texts_of(path)
    ]


def test_the_definition_has_the_sections_and_rules_that_it_is_made_of() -> None:
    assert {"1.1", "1.8", "2.6", "3.7", "4.3", "5", "6", "9"} <= SECTIONS
    assert {f"A{n}" for n in range(1, 11)} | {f"U{n}" for n in range(1, 15)} <= RULES
    assert {f"M{n}" for n in range(1, 18)} | {"B1", "B2", "B3", "R1", "R19"} <= RULES


def test_every_section_that_is_cited_exists() -> None:
    cited = [
        (path, section)
        for path, text in citing()
        for citation in _CITED.findall(text)
        for section in _SECTION.findall(citation)
    ]

    assert len(cited) > 150
    assert [(path, section) for path, section in cited if section not in SECTIONS] == []


def test_every_rule_that_is_cited_exists() -> None:
    cited = [
        (path, rule)
        for path, text in citing()
        if not _OTHER_CODES.search(text)
        for rule in _RULE.findall(text)
    ]

    assert len(cited) > 100
    assert [(path, rule) for path, rule in cited if rule not in RULES] == []


def test_every_finding_that_is_cited_with_its_section_exists() -> None:
    cited = [finding for _, text in citing() for finding in _FINDING.findall(text)]

    assert len(cited) > 3
    assert set(cited) <= set(FINDINGS) | {"data-quality"}


@pytest.mark.parametrize("name", ["clinical-knowledge", "architecture", "cards.md"])
def test_nothing_is_cited_that_does_not_ship(name: str) -> None:
    cited = re.compile(rf"\b{re.escape(name)} \d")

    assert [path for path, text in citing() if cited.search(text)] == []
