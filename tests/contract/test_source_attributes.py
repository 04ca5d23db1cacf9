"""Source attributes as page, JSON and on the export; every exported artifact is valid R4."""

from __future__ import annotations

import html
import json
import re
from datetime import date
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest

from service.app import create_app
from service.cards.build import OVERRIDE_REASONS
from service.interpreter.rules import RULE_TABLE_VERSION
from service.interpreter.rules.sources import SOURCES
from service.knowledge.plan_definition import (
    NON_ADHERENCE,
    export_bundle,
    override_reason_map,
    plan_definition,
)
from service.knowledge.source_attributes import (
    NOT_USED,
    RULE_TABLE_DATE,
    as_json,
    source_attributes,
)
from service.settings import Settings

if TYPE_CHECKING:
    from flask.testing import FlaskClient

OF_THE_REGULATION = (  # 45 CFR 170.315(b)(11)(iv)(A)(1) to (13)
    *("citation", "developer", "funding", "dates", "race", "ethnicity", "language"),
    *("sexual-orientation", "gender-identity", "sex", "date-of-birth"),
    *("social-determinants", "health-status"),
)
EXPORTED = export_bundle()["entry"]
HL7_REASONS = {  # CodeSystem non-adherence-reason-codes of CDS Hooks 3.0.0-ballot, those used
    "cds-not-applicable",
    "need-more-info",
}


@pytest.fixture(scope="module")
def browser() -> FlaskClient:
    return create_app(Settings(database_url=""), log_stream=StringIO()).test_client()


def test_the_thirteen_attributes_stand_in_the_order_of_the_regulation() -> None:
    made = source_attributes()
    assert tuple(each.name for each in made) == OF_THE_REGULATION
    assert [each.number for each in made] == list(range(1, 14))
    assert all(each.values and all(each.values) for each in made)


def test_every_source_of_the_table_is_cited() -> None:
    citations = source_attributes()[0].values
    assert set(citations) == {text for name, text in SOURCES.items() if name != "OWN"}


def test_what_is_said_not_to_be_used_is_nowhere_read() -> None:
    """No vocabulary and no rule knows race, ethnicity, language, orientation or identity."""
    said = {each.name for each in source_attributes() if each.values == (NOT_USED,)}
    assert said == {*OF_THE_REGULATION[4:9], "social-determinants"}
    vocabulary = json.dumps(EXPORTED).lower()
    for word in ("us-core-race", "us-core-ethnicity", "genderidentity", "sexual orientation code"):
        assert word not in vocabulary


def test_the_page_and_the_json_say_the_same(browser: FlaskClient) -> None:
    page = html.unescape(browser.get("/knowledge").text)
    answer = browser.get("/knowledge/source-attributes.json")
    assert answer.mimetype == "application/json"
    assert answer.json == as_json()
    assert 'id="source-attributes"' in page
    for attribute in as_json()["attributes"]:  # type: ignore[attr-defined]
        assert attribute["title"] in page
        if len(attribute["values"]) == 1:
            assert attribute["values"][0] in page


def test_the_export_carries_them() -> None:
    carried = [
        {part["url"]: part for part in extension["extension"]}
        for extension in plan_definition()["extension"]
        if "extension" in extension
    ]
    assert tuple(each["name"]["valueCode"] for each in carried) == OF_THE_REGULATION
    assert [each["value"]["valueString"] for each in carried[1:]] == [
        each.values[0] for each in source_attributes()[1:]
    ]
    cited = {each["citation"] for each in plan_definition()["relatedArtifact"]}
    assert cited == set(source_attributes()[0].values)


def test_the_plan_definition_has_the_metadata_of_a_publishable_one() -> None:
    """CRMI 2.0.0: crmi-shareableplandefinition and crmi-publishableplandefinition."""
    plan = plan_definition()
    assert plan["meta"]["profile"] == [
        "http://hl7.org/fhir/uv/crmi/StructureDefinition/crmi-publishableplandefinition"
    ]
    needed = {"url", "version", "title", "status", "description", "date"}
    supported = {"name", "experimental", "publisher", "contact", "useContext", "jurisdiction"}
    supported |= {"purpose", "usage", "copyright", "effectivePeriod", "topic", "author"}
    assert needed | supported | {"relatedArtifact"} <= plan.keys()
    assert not {"approvalDate", "lastReviewDate", "endorser"} & plan.keys(), "nobody approved it"


def test_the_release_date_fits_the_version() -> None:
    year, month = RULE_TABLE_VERSION.split(".")[:2]
    released = date.fromisoformat(RULE_TABLE_DATE)
    assert (int(year) * 12 + int(month)) - (released.year * 12 + released.month) in {0, 1}


@pytest.mark.parametrize("entry", EXPORTED, ids=lambda each: each["fullUrl"].rpartition("fhir/")[2])
def test_every_exported_artifact_is_valid(entry: dict[str, Any]) -> None:
    resource = entry["resource"]
    kind = resource["resourceType"]
    model = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    model.model_validate(resource)
    assert "null" not in json.dumps(resource)
    if "name" in resource and kind != "ObservationDefinition":
        assert re.fullmatch(r"[A-Z][A-Za-z0-9_]{0,254}", resource["name"]), "cnl-0"


def test_every_override_reason_is_mapped_or_said_to_have_no_counterpart() -> None:
    (group,) = override_reason_map()["group"]
    assert [each["code"] for each in group["element"]] == [each.code for each in OVERRIDE_REASONS]
    unmatched = {
        e["code"] for e in group["element"] if e["target"][0]["equivalence"] == "unmatched"
    }
    assert unmatched == {"result-wrong", "other"}
    assert {code for code, _ in NON_ADHERENCE.values()} == HL7_REASONS
