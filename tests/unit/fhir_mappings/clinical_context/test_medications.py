"""Which medicines count as given, what they are, and when (clinical-definition 5)."""

from __future__ import annotations

from datetime import date

import pytest

from fhir_mappings.clinical_context.medications import unresolved_medication_references
from fhir_mappings.context import MedicationKind
from fhir_mappings.context import ValueSetName as S
from tests.support.context import RXNORM, bundle, concept, context, request, resource

CHEMO, DRUGS = S.MYELOSUPPRESSIVE_CHEMOTHERAPY, S.MARROW_SUPPRESSIVE_DRUGS


def statement(name="", **elements):
    medicine = {"medicationCodeableConcept": {"text": name}} if name else {}
    return resource("MedicationStatement", **{"status": "active", **medicine, **elements})


def administration(name="carboplatin", **elements):
    usual = {"status": "completed", "medicationCodeableConcept": {"text": name}}
    given = {} if "effectivePeriod" in elements else {"effectiveDateTime": "2026-06-05T09:00:00Z"}
    return resource("MedicationAdministration", **{**usual, **given, **elements})


def names(*resources):
    return [each.name for each in context(*resources).medications]


def only(*resources):
    (found,) = context(*resources).medications
    return found


def test_a_drug_is_known_by_its_rxnorm_code():
    coded = resource(
        "MedicationAdministration",
        status="completed",
        effectiveDateTime="2026-06-05",
        medicationCodeableConcept=concept(RXNORM, "40048"),
    )
    found = only(coded)
    assert (found.name, found.sets) == ("carboplatin", {CHEMO})
    assert found.kind is MedicationKind.ADMINISTRATION
    assert (found.first, found.last, found.active) == (date(2026, 6, 5), date(2026, 6, 5), False)
    assert found.source == "MedicationAdministration/x1"


def test_rxnorm_by_its_oid_is_known_too():
    oid = "urn:oid:2.16.840.1.113883.6.88"
    assert names(request(medicationCodeableConcept=concept(oid, "6851"))) == ["methotrexate"]


def test_the_display_of_a_product_code_names_the_drug():
    product = {
        "coding": [{"system": "urn:local", "code": "9", "display": "AZATHIOPRINE 50 MG TAB"}]
    }
    found = only(request(medicationCodeableConcept=product))
    assert (found.name, found.drug_class) == ("azathioprine", "thiopurine")


@pytest.mark.parametrize("status", ["active", "completed"])
def test_requests_and_statements_count_when_active_or_completed(status):
    assert names(request("azathioprine", status=status)) == ["azathioprine"]
    assert names(statement("azathioprine", status=status)) == ["azathioprine"]


@pytest.mark.parametrize(
    "status", ["draft", "cancelled", "entered-in-error", "on-hold", "unknown", "", None]
)
def test_other_requests_do_not_count(status):
    assert names(request("azathioprine", status=status)) == []


@pytest.mark.parametrize(
    "status", ["not-taken", "intended", "entered-in-error", "stopped", "on-hold", "unknown"]
)
def test_other_statements_do_not_count(status):
    assert names(statement("azathioprine", status=status)) == []


@pytest.mark.parametrize("status", ["in-progress", "completed"])
def test_administrations_count_when_in_progress_or_completed(status):
    assert names(administration(status=status)) == ["carboplatin"]


@pytest.mark.parametrize("status", ["not-done", "entered-in-error", "on-hold", "stopped"])
def test_other_administrations_do_not_count(status):
    assert names(administration(status=status)) == []


def test_a_request_not_to_give_or_only_proposed_does_not_count():
    assert names(request("azathioprine", doNotPerform=True)) == []
    assert names(request("azathioprine", intent="proposal")) == []
    assert names(request("azathioprine", intent="plan")) == ["azathioprine"]


def test_a_stopped_request_was_taken_until_its_last_day():
    bounds = {"boundsPeriod": {"start": "2026-01-05", "end": "2026-05-20"}}
    stopped = request(
        "azathioprine",
        status="stopped",
        authoredOn="2026-01-02",
        dosageInstruction=[{"timing": {"repeat": bounds}}],
    )
    found = only(stopped)
    assert (found.active, found.first, found.last) == (False, date(2026, 1, 5), date(2026, 5, 20))
    found = only(request("azathioprine", status="stopped", authoredOn="2026-01-02"))
    assert (found.active, found.last) == (False, date(2026, 1, 2))


@pytest.mark.parametrize(
    ("record", "active", "first", "last"),
    [
        (request("linezolid", authoredOn="2026-06-01"), True, date(2026, 6, 1), date(2026, 6, 1)),
        (request("linezolid", authoredOn=None), True, None, None),
        (
            statement("linezolid", effectivePeriod={"start": "2026-03-01"}),
            True,
            date(2026, 3, 1),
            None,
        ),
        (
            statement("linezolid", effectivePeriod={"start": "2026-03-01", "end": "2026-04-01"}),
            False,
            date(2026, 3, 1),
            date(2026, 4, 1),
        ),
        (
            statement("linezolid", effectivePeriod={"start": "2026-03-01", "end": "2026-12-01"}),
            True,
            date(2026, 3, 1),
            None,
        ),
        (statement("linezolid", dateAsserted="2026-05"), True, date(2026, 5, 1), date(2026, 5, 1)),
        (statement("linezolid"), True, None, None),
        (
            administration(
                "linezolid", effectivePeriod={"start": "2026-06-01", "end": "2026-06-02T08:00:00Z"}
            ),
            False,
            date(2026, 6, 1),
            date(2026, 6, 2),
        ),
        (
            administration("linezolid", effectivePeriod={"start": "2026-06-10", "end": "2026-06"}),
            False,
            date(2026, 6, 10),
            date(2026, 6, 10),
        ),
    ],
)
def test_first_and_last_day_and_whether_it_is_being_taken(record, active, first, last):
    found = only(record)
    assert (found.active, found.first, found.last) == (active, first, last)


def test_what_is_still_to_come_was_not_given():
    assert names(administration(effectiveDateTime="2026-07-01")) == []
    assert names(statement("azathioprine", effectivePeriod={"start": "2026-08-01"})) == []


def test_another_patients_medicine_does_not_count():
    assert names(request("azathioprine", subject={"reference": "Patient/p2"})) == []


def test_each_drug_of_a_combination_is_named():
    tablet = "Sulfamethoxazole 800 MG / Trimethoprim 160 MG Oral Tablet"
    assert names(request(tablet)) == ["sulfamethoxazole", "trimethoprim"]


@pytest.mark.parametrize(
    ("name", "dosage"),
    [
        ("Fluorouracil 5 % cream", {}),
        ("Fluorouracil", {"route": {"text": "Topical"}}),
        ("Fluorouracil", {"route": concept("http://snomed.info/sct", "6064005")}),
        ("Cyclosporine 0.05 % eye drops", {}),
        ("Cyclosporine ophthalmic emulsion", {}),
        ("Cyclosporine", {"text": "1 drop both eyes (ophthalmic) bid"}),
        ("Tacrolimus 0.1 % Ointment", {}),
        ("Chloramphenicol ear drops", {}),
        ("Chloramphenicol otic solution", {}),
        ("Ganciclovir 0.15 % ophthalmic gel", {}),
        ("Methotrexate", {"route": {"coding": [{"code": "418401004", "system": "x"}]}}),
        ("Methotrexate 400 mcg intravitreal", {}),
        ("Gemcitabine", {"route": {"text": "Intravesical"}}),
        ("Gemcitabine 2 g for bladder instillation", {}),
        ("Dapsone 5 % gel", {}),
        ("Colchicine lotion", {}),
        ("Colchicine", {"route": {"text": "cutaneous use"}}),
    ],
)
def test_medicines_for_skin_eye_ear_and_bladder_are_ignored(name, dosage):
    assert names(request(name, dosageInstruction=[dosage])) == []
    assert names(statement(name, dosage=[dosage])) == []
    assert names(administration(name, dosage=dosage)) == []


@pytest.mark.parametrize(
    ("name", "dosage"),
    [
        ("Cyclosporine modified 100 MG soft gel capsule", {}),
        ("Cyclosporine gel-cap", {}),
        ("Cyanocobalamin nasal gel", {}),
        ("Methotrexate", {"route": {"text": "Subcutaneous"}}),
        ("Methotrexate", {"route": {"text": "sub-cutaneous"}}),
        ("Cytarabine", {"route": {"text": "IV"}, "text": "with dexamethasone eye drops"}),
        ("Ferrous sulfate oral drops", {}),
    ],
)
def test_a_word_that_only_looks_local_does_not_hide_a_medicine(name, dosage):
    assert len(names(request(name, dosageInstruction=[dosage]))) == 1


def test_the_form_of_the_medication_makes_it_local():
    medication = {
        "resourceType": "Medication",
        "id": "m1",
        "code": {"text": "Tacrolimus 0.03 %"},
        "form": {"text": "Ointment"},
    }
    assert names(request(medicationReference={"reference": "Medication/m1"}), medication) == []


@pytest.mark.parametrize(
    ("dosage", "expected"),
    [
        ({}, DRUGS),
        ({"route": {"text": "Oral"}}, DRUGS),
        ({"route": {"text": "Subcutaneous"}}, DRUGS),
        ({"doseAndRate": [{"doseQuantity": {"value": 15, "unit": "mg"}}]}, DRUGS),
        ({"doseAndRate": [{"doseQuantity": {"value": 99.9, "unit": "mg"}}]}, DRUGS),
        ({"doseAndRate": [{"doseQuantity": {"value": 150, "unit": "mL"}}]}, DRUGS),
        ({"doseAndRate": [{"doseRange": {"low": {"value": 50, "unit": "mg"}}}]}, DRUGS),
        ({"doseAndRate": [{"doseQuantity": {"value": 100, "code": "mg"}}]}, CHEMO),
        ({"doseAndRate": [{"doseQuantity": {"value": 3.5, "unit": "g"}}]}, CHEMO),
        ({"doseAndRate": [{"doseQuantity": {"value": 1000, "unit": "mg/m2"}}]}, CHEMO),
        ({"doseAndRate": {"doseQuantity": {"value": "500", "unit": "mg"}}}, CHEMO),
        ({"route": concept("http://snomed.info/sct", "47625008")}, CHEMO),
        ({"route": {"text": "Intravenous use"}}, CHEMO),
        ({"route": {"coding": [{"code": "IV"}]}}, CHEMO),
        ({"text": "give IV over 4 h"}, CHEMO),
        ({"route": {"text": "Intravitreous"}}, DRUGS),
    ],
)
def test_methotrexate_is_chemotherapy_only_into_a_vein_or_from_100_mg(dosage, expected):
    assert only(request("methotrexate", dosageInstruction=[dosage])).sets == {expected}


def test_the_dose_of_an_administration_is_read():
    given = administration("methotrexate", dosage={"dose": {"value": 5000, "unit": "mg"}})
    assert only(given).sets == {CHEMO}
    given = administration("methotrexate", dosage={"dose": {"value": 12, "unit": "mg"}})
    assert only(given).sets == {DRUGS}


def medication(**elements):
    return {"resourceType": "Medication", "id": "m1", **elements}


@pytest.mark.parametrize(
    "reference",
    ["Medication/m1", "https://ehr.example/fhir/Medication/m1", "Medication/m1/_history/2"],
)
def test_a_referenced_medication_is_found_in_any_document(reference):
    record = request(medicationReference={"reference": reference})
    assert names(record, medication(code=concept(RXNORM, "6851"))) == ["methotrexate"]


def test_a_contained_medication_is_read():
    record = request(
        medicationReference={"reference": "#med"},
        contained=[
            {"resourceType": "Organization", "id": "o"},
            medication(id="med", code={"text": "Dapsone"}),
        ],
    )
    assert names(record) == ["dapsone"]


def test_active_ingredients_are_read_and_others_are_not():
    parts = [
        {"itemCodeableConcept": {"text": "Colchicine"}, "isActive": True},
        {"itemCodeableConcept": {"text": "ferric oxide"}, "isActive": False},
    ]
    record = request(medicationReference={"reference": "Medication/m1"})
    assert names(record, medication(ingredient=parts)) == ["colchicine"]


def test_the_display_of_a_reference_stands_in_for_a_medication_that_is_not_there():
    pointer = {"reference": "Medication/gone", "display": "Clozapine 100 mg"}
    assert names(request(medicationReference=pointer)) == ["clozapine"]


def test_the_concept_goes_before_the_reference():
    record = request("dapsone", medicationReference={"reference": "Medication/m1"})
    assert names(record, medication(code={"text": "Clozapine"})) == ["dapsone"]


def test_an_empty_concept_does_not_stand_in_the_way_of_the_reference():
    record = request(
        medicationCodeableConcept={"coding": [{}]},
        medicationReference={"reference": "Medication/m1"},
    )
    assert names(record, medication(code={"text": "Clozapine"})) == ["clozapine"]


def test_medications_that_no_document_holds_are_listed_to_be_fetched():
    pages = [
        bundle(
            request(
                id="a", medicationReference={"reference": "https://e.example/fhir/Medication/7"}
            ),
            request(id="b", medicationReference={"reference": "Medication/7"}),
            request(id="c", medicationReference={"reference": "Medication/m1"}),
            request(id="d", medicationReference={"reference": "#in"}),
            request("dapsone", id="e", medicationReference={"reference": "Medication/8"}),
            request(id="f", status="draft", medicationReference={"reference": "Medication/9"}),
            medication(code={"text": "Clozapine"}),
        )
    ]
    assert unresolved_medication_references(pages) == ("Medication/7",)
    assert unresolved_medication_references([b"[[["]) == ()
