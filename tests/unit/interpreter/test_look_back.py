"""Leaving old and unknown results unread changes nothing that anybody says."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.context import ClinicalContext, Patient, Sex
from fhir_mappings.laboratory.record import LaboratoryRecord, read_panel
from fhir_mappings.panel import Analyte, Reason
from fhir_mappings.vocabulary.analytes import default_terminology
from service.interpreter.interpret import interpret, may_still_fire
from service.interpreter.interpretation import Facts
from service.interpreter.windows import LOOK_BACK, LOOK_BACK_OF_A_CARD
from tests.support.fhir import NOW, PATIENT_ID, as_bytes, at, bundle, observation

if TYPE_CHECKING:
    from fhir_mappings.panel import Panel

TERMINOLOGY = default_terminology()
PATIENT = Patient(PATIENT_ID, Sex.FEMALE, date(1960, 1, 1))
USUAL = {
    "718-7": ("g/dL", [6.5, 9, 14, 90]), "6690-2": ("10*3/uL", [0.8, 2.4, 7]),
    "751-8": ("/uL", [400, 1100, 4000]), "770-8": ("%", [20, 60]), "764-1": ("%", [5]),
    "768-2": ("10*9/L", [0.4, 3]), "763-3": ("10*9/L", [0.2]), "777-3": ("10*9/L", [12, 80, 250]),
    "4544-3": ("%", [25, 40]), "787-2": ("fL", [80, 110]), "2498-4": ("ug/dL", [20, 90]),
    "2500-7": ("ug/dL", [200, 450]), "2276-4": ("ng/mL", [8, 300]), "2132-9": ("pg/mL", [90, 1500]),
    "13964-2": ("umol/L", [0.2, 1.2]), "2160-0": ("mg/dL", [0.8, 3]), "1742-6": ("U/L", [20, 300]),
    "26446-5": ("%", [0, 25]), "8310-5": ("Cel", [37, 39]), "99999-9": ("g/dL", [3]),
}  # fmt: skip
AGES = [0, 0, 0.01, 1, 2.9, 3.1, 10, 60, 88, 92, 95, 120, 179, 181, 190, 400, 401, 900, 2000, -0.5]


@st.composite
def results(draw):
    loinc = draw(st.sampled_from(sorted(USUAL)))
    unit, numbers = USUAL[loinc]
    age = draw(st.sampled_from(AGES))
    drawn = at(days=age)
    return observation(
        loinc,
        draw(st.sampled_from(numbers)),
        draw(st.sampled_from([unit] * 6 + ["parsecs"])),
        effectiveDateTime=draw(st.sampled_from([drawn] * 5 + [drawn[:10], drawn[:7], None])),
        issued=draw(st.sampled_from([None, None, at(days=age), at(days=1)])),
        status=draw(st.sampled_from(["final"] * 6 + ["cancelled"])),
        id=draw(st.sampled_from([None, None, None, "a", "b"])),
    )


@st.composite
def visits(draw):
    """A whole blood count at one time."""
    age = draw(st.sampled_from(AGES))
    wanted = draw(st.sets(st.sampled_from(["718-7", "6690-2", "751-8", "777-3"]), min_size=2))
    return [
        observation(
            loinc,
            draw(st.sampled_from(USUAL[loinc][1])),
            USUAL[loinc][0],
            effectiveDateTime=at(days=age),
        )
        for loinc in sorted(wanted)
    ]


records = st.builds(
    lambda singles, counts: singles + [each for visit in counts for each in visit],
    st.lists(results(), max_size=8),
    st.lists(visits(), max_size=5),
)


def facts(panel: Panel) -> Facts:
    return Facts(PATIENT, panel, ClinicalContext())


@settings(max_examples=150, deadline=None)
@given(records, st.integers(0, 10))
def test_results_too_old_to_matter_are_left_unread_and_nothing_else_is_said(record, cut):
    documents = [as_bytes(bundle(*record[:cut])), as_bytes(bundle(*record[cut:]))]
    whole = facts(read_panel(documents, PATIENT_ID, NOW, TERMINOLOGY, patient=PATIENT))
    relevant = LaboratoryRecord(PATIENT_ID, NOW, TERMINOLOGY, PATIENT)
    opening = facts(relevant.panel(documents[:1], look_back=LOOK_BACK))
    alone = facts(read_panel(documents[:1], PATIENT_ID, NOW, TERMINOLOGY, patient=PATIENT))
    assert may_still_fire(opening, NOW) == may_still_fire(alone, NOW)
    both = facts(relevant.panel(documents, look_back=LOOK_BACK))
    assert may_still_fire(both, NOW) == may_still_fire(whole, NOW)
    said = interpret(both, NOW)
    if said.states.always_low and relevant.older_counts_unread:
        said = interpret(facts(relevant.panel(documents, look_back=LOOK_BACK_OF_A_CARD)), NOW)
    assert said == interpret(whole, NOW)


@settings(max_examples=100, deadline=None)
@given(records, st.integers(0, 10))
def test_a_second_stage_reads_what_reading_all_at_once_reads(record, cut):
    documents = [as_bytes(bundle(*record[:cut])), as_bytes(bundle(*record[cut:]))]
    stages = LaboratoryRecord(PATIENT_ID, NOW, TERMINOLOGY, PATIENT)
    stages.panel(documents[:1])
    assert stages.panel(documents) == read_panel(
        documents, PATIENT_ID, NOW, TERMINOLOGY, patient=PATIENT
    )


def relevant_panel(*record: object) -> Panel:
    relevant = LaboratoryRecord(PATIENT_ID, NOW, TERMINOLOGY, PATIENT)
    return relevant.panel([as_bytes(bundle(*record))], look_back=LOOK_BACK_OF_A_CARD)


def count(value: float, days: float, unit: str = "g/dL"):
    return observation("718-7", value, unit, effectiveDateTime=at(days=days))


def hemoglobins(panel: Panel) -> list[float]:
    return [float(result.value) for result in panel.results[Analyte.HEMOGLOBIN]]


def test_of_a_long_record_only_what_can_matter_is_read():
    panel = relevant_panel(*(count(10 + days / 1000, days) for days in range(1, 1000, 3)))
    oldest = NOW - panel.results[Analyte.HEMOGLOBIN][-1].taken
    two_years = LOOK_BACK_OF_A_CARD.longer[Analyte.HEMOGLOBIN]
    assert two_years <= oldest <= two_years + timedelta(days=7)


def test_the_count_before_the_newest_is_read_however_old_it_is():
    assert hemoglobins(relevant_panel(count(8, 1), count(9, 1700), count(10, 2000))) == [8, 9]


def test_an_old_count_that_cannot_be_read_has_the_one_before_it_looked_for():
    record = (count(8, 1), count(9, 1700, "parsecs"), count(10, 2000))
    assert hemoglobins(relevant_panel(*record)) == [8, 10]


def test_a_record_that_ended_years_ago_is_read_from_its_own_end():
    assert hemoglobins(relevant_panel(count(8, 900), count(9, 960), count(10, 1700))) == [8, 9]


def test_a_newest_count_that_is_refused_has_the_older_ones_read():
    record = (count(8, 1, "parsecs"), count(9, 300), count(10, 500), count(11, 800))
    assert hemoglobins(relevant_panel(*record)) == [9, 10, 11]


def test_b12_is_looked_for_half_a_year_back():
    old = observation("2132-9", 150, "pg/mL", effectiveDateTime=at(days=178))
    older = observation("2132-9", 151, "pg/mL", effectiveDateTime=at(days=300))
    panel = relevant_panel(count(8, 1), old, older)
    assert [float(result.value) for result in panel.results[Analyte.VITAMIN_B12]] == [150]


def test_the_neutrophils_before_may_have_been_a_percentage():
    def white(days: float):
        return observation("6690-2", 5, "10*3/uL", effectiveDateTime=at(days=days))

    def percent(days: float):
        return observation("770-8", 50, "%", effectiveDateTime=at(days=days))

    panel = relevant_panel(white(1), percent(1), white(400), white(700), percent(700))
    ages = [(NOW - result.taken).days for result in panel.results[Analyte.NEUTROPHILS]]
    assert ages == [1, 700]


def test_a_result_of_another_patient_is_noticed_however_old_it_is():
    other = count(9, 2000) | {"subject": {"reference": "Patient/somebody-else"}}
    (refused,) = relevant_panel(count(8, 1), count(9, 2), other).unreadable
    assert refused.reason is Reason.OTHER_PATIENT
