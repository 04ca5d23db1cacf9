"""cds-services.json and the vocabulary say the same, and templates become searches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fhir_mappings.panel import OBSERVATION_GROUPS, Analyte, DataGroup
from fhir_mappings.terminology import CodeKind, CodeMeaning, Terminology
from fhir_mappings.vocabulary.analytes import default_terminology
from service.cds_hooks.discovery import CORE_KEYS, document_path, load_catalogue
from service.cds_hooks.prefetch_template import Template, parse_template, token_of
from service.cds_hooks.prefetch_templates import prefetch_templates, regenerate, with_site_codes
from service.clinical_data.gathered import FIRST_STAGE, SECOND_STAGE
from service.clinical_data.refused_searches import RefusalMemory

if TYPE_CHECKING:
    from pathlib import Path

TERMINOLOGY = default_terminology()
CATALOGUE = load_catalogue()


def test_the_document_holds_the_templates_of_the_vocabulary() -> None:
    """Run `python -m service.cds_hooks.prefetch_templates` when this fails."""
    for service in CATALOGUE.services:
        assert service.prefetch == prefetch_templates(TERMINOLOGY)


@pytest.mark.parametrize("group", OBSERVATION_GROUPS)
def test_every_code_of_a_data_group_is_searched_for(group: DataGroup) -> None:
    codes = {token.rpartition("|")[2] for token in CATALOGUE.templates[group].codes}
    assert codes == set(TERMINOLOGY.codes_of(group))
    assert codes


def test_regenerating_changes_nothing_that_is_up_to_date(tmp_path: Path) -> None:
    copy = tmp_path / "cds-services.json"
    copy.write_bytes(document_path().read_bytes())
    assert not regenerate(copy)
    document = json.loads(copy.read_text("utf-8"))
    document["services"][0]["prefetch"]["bloodCounts"] = "Observation?code=1"
    copy.write_text(json.dumps(document), "utf-8")
    assert regenerate(copy)
    assert copy.read_bytes() == document_path().read_bytes()


def test_the_two_stages_are_all_keys() -> None:
    assert sorted(FIRST_STAGE + SECOND_STAGE) == sorted(DataGroup)
    assert set(DataGroup) > CORE_KEYS


@pytest.mark.parametrize(
    "text",
    [
        "Patient/{{context.userId}}",
        "Observation",
        "Observation?patient={{context.patientId}}&date=ge2020&date=le2021",
        "Observation?patient={{context.patientId}}&date={{today()}}",
        "Observation?patient={{context.patientId}}&date=ge{{today() - 2 years}}",
        "Observation?patient={{context.patientId}}&_lastUpdated=ge{{today() - 2 days}}",
        "Observation?patient=",
        "Observation?",
    ],
)
def test_a_template_outside_the_house_rules_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="template"):
        parse_template(text)


def test_a_patient_id_cannot_break_out_of_the_search() -> None:
    template = parse_template("Condition?patient={{context.patientId}}&_count=200")
    (query,) = template.queries("1&code=x|y/../#", 20)
    assert query == "Condition?patient=1%26code%3Dx%7Cy%2F..%2F%23&_count=200"


def test_codes_are_cut_evenly() -> None:
    codes = ",".join(f"http://loinc.org|{number}" for number in range(41))
    template = parse_template(f"Observation?patient={{{{context.patientId}}}}&code={codes}")
    sizes = [query.count("%7C") for query in template.queries("1", 20)]
    assert sizes == [14, 14, 13]


def test_a_sites_own_codes_are_searched_for_too() -> None:
    meaning = CodeMeaning(
        CodeKind.ANALYTE,
        "HGB",
        analyte=Analyte.HEMOGLOBIN,
        groups=frozenset({DataGroup.BLOOD_COUNTS}),
    )
    excluded = CodeMeaning(CodeKind.EXCLUDED, "HGB", groups=frozenset({DataGroup.BLOOD_COUNTS}))
    site = Terminology(
        {}, {}, {("urn:lab", "H,b"): meaning, ("", "HB"): meaning, ("urn:lab", "X"): excluded}
    )
    templates = with_site_codes(
        {DataGroup.BLOOD_COUNTS: Template("Observation", (("code", "http://loinc.org|718-7"),))},
        site,
    )
    template = templates[DataGroup.BLOOD_COUNTS]
    assert template.codes == ("http://loinc.org|718-7", "urn:lab|H\\,b", "HB")


def test_a_code_is_escaped_as_search_asks() -> None:
    assert token_of("urn:lab", "a,b|c$d\\e") == "urn:lab|a\\,b\\|c\\$d\\\\e"


def test_refusals_are_remembered_for_so_many_servers_only() -> None:
    memory = RefusalMemory(lambda: 0.0, most=2)
    for server in ("a", "b", "c"):
        memory.remember(server)
    assert [memory.refuses(server) for server in ("a", "b", "c")] == [False, True, True]
