"""The docs say what the code does: generated tables, named tests, links. `make golden` rewrites."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service.cds_hooks.discovery import load_catalogue
from service.cds_hooks.prefetch_dates import days_asked
from service.interpreter.rules import FINDINGS
from service.interpreter.windows import REACH
from service.knowledge.definition import definition_blocks
from service.settings import PREFIX, Settings
from service.settings_reference import prefetch_table, settings_table
from tests.support.example_call import as_block, example_request, example_response

if TYPE_CHECKING:
    from fhir_mappings.panel import DataGroup

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
READERS = (
    *(
        "integrator",
        "operator",
        "security",
        "clinical-safety",
        "mappings",
        "errors",
        "go-live",
        "trying",
    ),
    *("vendors/epic", "vendors/oracle-health", "vendors/any-other"),
)
TABLES = {
    ("operator", "settings"): settings_table(),
    ("integrator", "prefetch keys"): prefetch_table(load_catalogue().templates),
    ("integrator", "example request"): as_block(example_request()),
    ("integrator", "example response"): as_block(example_response()),
    **definition_blocks(),
}


@pytest.mark.parametrize(("document", "table"), TABLES)
def test_a_generated_table_is_that_of_the_code(
    document: str, table: str, pytestconfig: pytest.Config
) -> None:
    path = DOCS / f"{document}.md"
    text = path.read_text("utf-8")
    block = re.compile(
        rf"(?<=<!-- {table}, by `make golden` -->\n\n).*?(?=\n<!-- end -->)", re.DOTALL
    )
    assert len(block.findall(text)) == 1
    if pytestconfig.getoption("update_snapshots", default=False):
        path.write_text(block.sub(lambda _: TABLES[document, table], text), "utf-8")
        return
    assert block.findall(text) == [TABLES[document, table]]


@pytest.mark.parametrize("group", sorted(REACH))
def test_the_days_of_prefetch_by_date_are_those_of_the_templates(group: DataGroup) -> None:
    text = (DOCS / "integrator.md").read_text("utf-8")
    assert re.search(rf"`{group.value}`[^|0-9]*(?:\| )?{days_asked(group)}\b", text)


def test_every_setting_has_a_meaning() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize("document", READERS)
def test_every_reader_has_a_document_whose_links_lead_somewhere(document: str) -> None:
    text = (DOCS / f"{document}.md").read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert ((DOCS / document).parent / target).exists(), target


@pytest.mark.parametrize("document", READERS)
def test_the_settings_that_a_document_names_exist(document: str) -> None:
    text = (DOCS / f"{document}.md").read_text("utf-8")
    for name in re.findall(rf"{PREFIX}([A-Z_]+)", text):
        assert name.lower() in Settings.model_fields or name == "REQUIRE_SERVERS", name


def test_every_threat_and_hazard_names_tests_that_exist() -> None:
    for document in ("security", "clinical-safety"):
        text = (DOCS / f"{document}.md").read_text("utf-8")
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
        assert len(named) > 10
        for path, function in named:
            assert (ROOT / path).is_file(), path
            assert f"def {function}" in (ROOT / path).read_text("utf-8"), function


@pytest.mark.parametrize("document", ["docs/developer.md", "CONTRIBUTING.md"])
def test_what_the_developers_document_points_at_exists(document: str) -> None:
    """Recipes that lead nowhere are worse than none."""
    path = ROOT / document
    text = path.read_text("utf-8")
    named = re.findall(r"`((?:service|fhir_mappings|tests|docs)/[\w/.*-]+)`", text)
    links = [each for each in re.findall(r"\]\(([^)#]+)", text) if "://" not in each]

    assert len([*named, *links]) > 2
    assert [each for each in named if not list(ROOT.glob(each.rstrip("/")))] == []
    assert [each for each in links if not (path.parent / each).exists()] == []


def test_the_findings_that_the_safety_document_names_exist() -> None:
    text = (DOCS / "clinical-safety.md").read_text("utf-8")
    for name in re.findall(r"\[\"([a-z0-9-]+)\"\]", text):
        assert name in FINDINGS
