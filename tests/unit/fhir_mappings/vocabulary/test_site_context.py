"""A site maps its own codes of conditions, medicines, procedures and encounters."""

from __future__ import annotations

import json

import pytest

from fhir_mappings.clinical_context.reader import read_context
from fhir_mappings.context import ValueSetName as S
from fhir_mappings.panel import DataGroup
from fhir_mappings.vocabulary.site_mappings import SiteMappingError, load_terminology
from tests.support.context import (
    ICD10CM,
    NOW,
    PATIENT,
    RXNORM,
    SNOMED,
    bundle,
    concept,
    condition,
    request,
    resource,
)

OURS = "https://heme-hooks.org/fhir/CodeSystem/"
LOCAL = "urn:oid:1.2.3.4.5"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def load(tmp_path, *rows):
    groups = [
        {
            "source": LOCAL,
            "target": target,
            "element": [
                {
                    "code": code,
                    "target": [
                        {"code": each, "equivalence": "equivalent"}
                        if each
                        else {"equivalence": "unmatched"}
                    ],
                }
            ],
        }
        for code, target, each in rows
    ]
    path = tmp_path / "map.json"
    content = {"resourceType": "ConceptMap", "status": "active", "group": groups}
    path.write_text(json.dumps(content), encoding="utf-8")
    return load_terminology([path])


def read(terminology, group, made):
    pages = {group: [bundle(made)]}
    return read_context(pages, None, (), PATIENT, NOW, site_codes=terminology.context)


@pytest.mark.parametrize(
    ("system", "code"),
    [(SNOMED, "91861009"), (ICD10CM, "C92.00"), (f"{OURS}context", "hematologic-malignancy")],
)
def test_a_local_problem_is_what_the_site_says(tmp_path, system, code):
    terminology = load(tmp_path, ("P1", system, code))
    (found,) = read(terminology, DataGroup.CONDITIONS, condition(LOCAL, "P1")).conditions
    assert S.HEMATOLOGIC_MALIGNANCY in found.sets
    assert (found.may_suppress, found.in_words) == (True, False)


def test_a_local_problem_may_belong_to_several_sets(tmp_path):
    rows = [("P2", f"{OURS}context", "liver-disease"), ("P2", f"{OURS}context", "splenomegaly")]
    (found,) = read(load(tmp_path, *rows), DataGroup.CONDITIONS, condition(LOCAL, "P2")).conditions
    assert found.sets == {S.LIVER_DISEASE, S.SPLENOMEGALY}


def test_an_unmatched_problem_is_not_read_by_its_words_either(tmp_path):
    terminology = load(tmp_path, ("P3", SNOMED, None))
    code = concept(LOCAL, "P3", text="Leukemia screening")
    made = resource("Condition", code=code)
    assert read(terminology, DataGroup.CONDITIONS, made).conditions == ()
    assert read(load_terminology([]), DataGroup.CONDITIONS, made).conditions


@pytest.mark.parametrize(
    ("system", "code"), [(RXNORM, "6851"), (f"{OURS}medication-term", "methotrexate")]
)
def test_a_local_medicine_is_what_the_site_says(tmp_path, system, code):
    terminology = load(tmp_path, ("M1", system, code))
    made = request(medicationCodeableConcept=concept(LOCAL, "M1"))
    (found,) = read(terminology, DataGroup.MEDICATION_REQUESTS, made).medications
    assert found.name == "methotrexate"


def test_a_local_procedure_is_what_the_site_says(tmp_path):
    terminology = load(tmp_path, ("X1", SNOMED, "12719002"))
    made = resource("Procedure", status="completed", code=concept(LOCAL, "X1"))
    (found,) = read(terminology, DataGroup.PROCEDURES, made).procedures
    assert S.PLATELET_TRANSFUSION in found.sets


def test_a_local_class_of_encounter_is_what_the_site_says(tmp_path):
    terminology = load(tmp_path, ("E1", ACT, "IMP"))
    made = resource("Encounter", status="in-progress", **{"class": {"system": LOCAL, "code": "E1"}})
    (found,) = read(terminology, DataGroup.ENCOUNTERS, made).encounters
    assert found.kind == "IMP"


@pytest.mark.parametrize(
    ("system", "code"),
    [
        (SNOMED, "73211009"),
        (ICD10CM, "E11"),
        (RXNORM, "1"),
        (ACT, "XYZ"),
        (f"{OURS}context", "happiness"),
        (f"{OURS}medication-term", "water"),
    ],
)
def test_a_target_that_is_not_known_is_a_problem(tmp_path, system, code):
    with pytest.raises(SiteMappingError, match=code):
        load(tmp_path, ("Z1", system, code))


def test_a_code_is_not_both_mapped_and_never_read(tmp_path):
    with pytest.raises(SiteMappingError, match="twice"):
        load(tmp_path, ("P1", SNOMED, "91861009"), ("P1", SNOMED, None))
    with pytest.raises(SiteMappingError, match="twice"):
        load(tmp_path, ("P1", SNOMED, None), ("P1", SNOMED, "91861009"))
