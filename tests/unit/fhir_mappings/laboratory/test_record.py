"""Many results to one Panel: newest, method, conflict, duplicates, versions (1.1 A7, A8)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fhir_mappings.laboratory.readings import Measured, Unmapped
from fhir_mappings.laboratory.record import read_panel, readings
from fhir_mappings.panel import Analyte, Comparator, DataGroup, Note, Reason
from tests.support.fhir import (
    NOW,
    PATIENT_ID,
    as_bytes,
    at,
    bundle,
    concept,
    observation,
    only,
    panel_of,
    read_documents,
    refused,
    report,
)

HGB = Analyte.HEMOGLOBIN
PLT = Analyte.PLATELETS


def count(loinc, value, **more):
    return observation(loinc, value, "10*9/L", **more)


def test_results_stand_newest_first_and_one_per_specimen():
    panel = panel_of(
        count("777-3", 90, effectiveDateTime=at(days=3)),
        count("777-3", 70, effectiveDateTime=at(days=1)),
        count("777-3", 80, effectiveDateTime=at(days=2)),
    )
    assert [result.value for result in panel.results[PLT]] == [70, 80, 90]


@pytest.mark.parametrize(
    ("better", "worse"),
    [("753-4", "751-8"), ("751-8", "26499-4"), ("804-5", "6690-2"), ("6690-2", "26464-8"),
     ("26464-8", "49498-9"), ("778-1", "97995-5"), ("97995-5", "777-3"), ("777-3", "26515-7"),
     ("26515-7", "74464-9"), ("74464-9", "49497-1"), ("49497-1", "5907-1")],
)  # fmt: skip
def test_within_a_quarter_of_an_hour_the_method_decides(better, worse):
    panel = panel_of(
        count(worse, 60, effectiveDateTime=at(minutes=60), issued=at(minutes=1)),
        count(better, 90, effectiveDateTime=at(minutes=75), issued=at(minutes=30)),
    )
    ((result,),) = panel.results.values()
    assert (result.loinc, result.value, result.notes) == (better, 90, frozenset())


def test_sixteen_minutes_apart_are_two_specimens():
    panel = panel_of(
        count("777-3", 60, effectiveDateTime=at(minutes=60)),
        count("777-3", 90, effectiveDateTime=at(minutes=76)),
    )
    assert [result.value for result in panel.results[PLT]] == [60, 90]


def test_of_one_method_the_later_issued_wins():
    panel = panel_of(
        count("777-3", 60, issued=at(minutes=90)), count("777-3", 90, issued=at(minutes=30))
    )
    assert (only(panel, PLT).value, only(panel, PLT).notes) == (90, frozenset())


@pytest.mark.parametrize(
    ("loinc", "analyte", "unit"),
    [("718-7", HGB, "g/dL"), ("6690-2", Analyte.LEUKOCYTES, "10*9/L"),
     ("751-8", Analyte.NEUTROPHILS, "10*9/L"), ("777-3", PLT, "10*9/L")],
)  # fmt: skip
@pytest.mark.parametrize(("higher", "conflict"), [("10", False), ("10.1", True)])
def test_a_conflict_uses_the_lower_count_and_says_so_beyond_ten_percent(
    loinc, analyte, unit, higher, conflict
):
    panel = panel_of(observation(loinc, "9", unit), observation(loinc, higher, unit))
    result = only(panel, analyte)
    assert result.value == 9
    assert (Note.CONFLICT in result.notes) is conflict


def test_results_with_and_without_issued_conflict_too():
    panel = panel_of(count("777-3", 60), count("777-3", 90, issued=at(minutes=30)))
    assert only(panel, PLT).value == 60
    assert Note.CONFLICT in only(panel, PLT).notes


def test_the_lower_race_of_an_egfr_pair_is_used_without_conflict():
    egfr = Analyte.GLOMERULAR_FILTRATION_RATE
    pair = [
        observation("48642-3", 51, "mL/min/{1.73_m2}", issued=at(minutes=60)),
        observation("48643-1", 62, "mL/min/{1.73_m2}", issued=at(minutes=59)),
    ]
    result = only(panel_of(*pair), egfr)
    assert (result.value, result.notes) == (51, frozenset())
    race_free = observation("98979-8", 58, "mL/min/{1.73_m2}")
    assert only(panel_of(*pair, race_free), egfr).value == 58


def test_of_one_specimen_the_highest_blast_number_counts():
    panel = panel_of(
        observation("26446-5", 0, "%"),
        observation("26446-5", 4, "%"),
        observation("26446-5", 9, "%", "<"),
    )
    result = only(panel, Analyte.BLAST_PERCENT)
    assert (result.value, result.notes) == (4, frozenset())


def test_every_temperature_is_kept():
    panel = panel_of(
        observation("8310-5", 38.6, "Cel", effectiveDateTime=at(minutes=10)),
        observation("8310-5", 37.0, "Cel", effectiveDateTime=at(minutes=5)),
    )
    assert [r.value for r in panel.results[Analyte.BODY_TEMPERATURE]] == [37, Decimal("38.6")]


def test_a_deprecated_automated_blast_count_is_only_a_flag():
    panel = panel_of(observation("21114-4", 3, "%"))
    assert Analyte.BLAST_PERCENT not in panel.results
    (found,) = panel.smear
    assert (found.finding, found.present, found.method) == ("BLAST_FLAG", True, "analyser")


def test_raw_reticulocytes_come_before_corrected_ones():
    both = [observation("31111-8", 1, "%"), observation("17849-1", 2, "%")]
    assert only(panel_of(*both), Analyte.RETICULOCYTE_PERCENT).loinc == "17849-1"
    assert only(panel_of(both[0]), Analyte.RETICULOCYTE_PERCENT).loinc == "31111-8"


@pytest.mark.parametrize("later_first", [True, False])
@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({"issued": at(minutes=90)}, {"issued": at(minutes=30)}),
        ({"meta": {"versionId": "2"}}, {"meta": {"versionId": "10"}}),
        ({"meta": {"lastUpdated": at(days=1)}}, {"meta": {"lastUpdated": at()}}),
        ({"status": "final"}, {"status": "corrected"}),
        ({"status": "preliminary"}, {"status": "final"}),
    ],
)
def test_the_last_version_of_a_result_replaces_the_earlier_ones(earlier, later, later_first):
    versions = [
        bundle(count("777-3", 30, id="p", **earlier)),
        bundle(count("777-3", 90, id="p", **later)),
    ]
    panel = read_documents(*(reversed(versions) if later_first else versions))
    assert only(panel, PLT).value == 90


def test_a_result_withdrawn_later_is_gone_but_told():
    panel = panel_of(
        count("777-3", 30, id="p"), count("777-3", 30, id="p", status="entered-in-error")
    )
    assert refused(panel, PLT).reason is Reason.WITHDRAWN


def test_the_same_value_under_a_preliminary_and_a_final_id_is_final():
    panel = panel_of(count("777-3", 30, id="a", status="preliminary"), count("777-3", 30, id="b"))
    assert only(panel, PLT).notes == frozenset()


def test_one_bad_entry_spoils_nothing_else():
    good = as_bytes(count("777-3", 30))
    bad = [
        b"null", b"3", b'{"resource":null}', b'{"resource":{}}', b'{"resource":"x"}',
        b'{"resource":{"resourceType":"Observation","code":3}}',
        b'{"resource":{"resourceType":"Observation","valueQuantity":{"value":NaN}}}',
        b'{"resource":{"resourceType":"OperationOutcome","issue":[]}}',
        b'{"fullUrl":5,"resource":{"resourceType":"Basic"}}',
        b'{"resource":{"resourceType":"Observation","id":"\xff\xfe"}}',
    ]  # fmt: skip
    for entry in bad:
        page = b'{"resourceType":"Bundle","entry":[' + entry + b',{"resource":' + good + b"}]}"
        assert only(read_documents(page), PLT).value == 30
        assert only(read_documents(b"\xef\xbb\xbf" + page), PLT).value == 30


def test_an_observation_whose_code_is_broken_is_told():
    broken = observation("777-3", 30, "10*9/L") | {"code": 3}
    (found,) = panel_of(broken).unreadable
    assert (found.analyte, found.reason) == (None, Reason.MALFORMED)


@pytest.mark.parametrize(
    "document", [b"", b"not json", b"[" * 100_000, b"\xff", b'{"resourceType":"Bundle","entry":3}']
)
def test_a_document_that_cannot_be_read_makes_its_group_unavailable(document):
    terminology = __import__(
        "fhir_mappings.vocabulary.analytes", fromlist=["x"]
    ).default_terminology()
    panel = read_panel([document], PATIENT_ID, NOW, terminology)
    assert [each.reason for each in panel.unreadable] == [Reason.MALFORMED]
    grouped = {DataGroup.BLOOD_COUNTS: [document], DataGroup.SMEAR: [as_bytes(bundle())]}
    panel = read_panel(grouped, PATIENT_ID, NOW, terminology)
    assert panel.unavailable == {DataGroup.BLOOD_COUNTS}


def test_a_bundle_without_results_says_that_nothing_was_measured():
    outcome = {"resourceType": "OperationOutcome", "issue": [{"code": "x"}]}
    panel = read_documents(bundle(), bundle(outcome), {"resourceType": "Bundle"})
    assert not panel.results
    assert not panel.unreadable


def test_a_comparator_is_kept_with_its_bound():
    result = only(panel_of(observation("777-3", 5, "10*9/L", "<")), PLT)
    assert (result.value, result.comparator) == (5, Comparator.LESS)
    assert result.reported_value == "<5"


def test_a_mapping_report_can_see_every_value_with_its_code_and_unit():
    from fhir_mappings.vocabulary.analytes import default_terminology

    page = as_bytes(
        bundle(
            count("777-3", 30, subject={"reference": "Patient/anyone"}),
            observation("4548-4", 6, "%"),
            observation("9999-9", 6, "mmol/L", code=concept(text="Potassium")),
            report("58410-2"),
        )
    )
    found = readings([page], None, NOW, default_terminology())
    kinds = [type(each.reading) for each in found]
    assert kinds == [Measured, Unmapped, Unmapped]
    assert [each.unit for each in found] == ["10*9/L", "%", "mmol/L"]
    assert found[1].reading == Unmapped(excluded=True, looks_like=HGB)
    assert found[2].coding.display == "Potassium"
