"""Which results are selected and which refusals are kept, and edges of the record (2.4)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fhir_mappings.context import Encounter, MedicationKind
from fhir_mappings.context import ValueSetName as Vs
from fhir_mappings.panel import Analyte, DataGroup, PregnancyObservation, SmearSet
from service.interpreter.interpretation import CellLine, CellLineState, FunctionState, IronState
from tests.support.facts import (
    ANC,
    B12,
    HGB,
    IRON,
    MMA,
    PANCYTOPENIA,
    PLT,
    TEMPERATURE,
    TIBC,
    TSAT,
    ago,
    condition,
    count,
    medication,
    on_smear,
    refused,
    result,
    situation,
)


def test_the_newest_capacity_is_selected_whenever_iron_was_drawn() -> None:
    found = situation(
        [*PANCYTOPENIA, result(IRON, 54, 5), result(TIBC, 262, 5), result(TIBC, 310, 1)]
    )
    assert found.selected[TIBC].value == 310


def test_the_highest_temperature_is_selected_and_without_a_fever_the_newest() -> None:
    fever = situation([result(TEMPERATURE, "38.6", 0.4), result(TEMPERATURE, 37, 0.1)])
    assert fever.selected[TEMPERATURE].value == Decimal("38.6")
    none = situation([result(TEMPERATURE, "37.4", 0.4), result(TEMPERATURE, 37, 0.1)])
    assert none.selected[TEMPERATURE].value == 37


def test_blast_numbers_are_those_of_the_specimen_that_counts() -> None:
    found = situation([result(Analyte.BLAST_PERCENT, 3, 5), result(Analyte.BLAST_PERCENT, 0, 1)])
    assert [number.value for number in found.blasts.number] == [0]
    assert found.blasts.newest is None
    mixed = situation([result(Analyte.BLAST_PERCENT, 3), result(Analyte.BLASTS, 0)])
    assert [number.value for number in mixed.blasts.number] == [3]
    assert mixed.blasts.newest == ago(1)


def test_every_analyte_belongs_to_a_window() -> None:
    results = [result(analyte, 1, 0.5) for analyte in Analyte]
    assert situation(results).selected.keys() == set(Analyte)


def test_refused_counts_are_kept_for_90_days_and_others_for_their_window() -> None:
    assert PLT in situation(PANCYTOPENIA, unreadable=(refused(PLT, 90),)).unreadable
    assert PLT not in situation(PANCYTOPENIA, unreadable=(refused(PLT, 91),)).unreadable
    assert IRON in situation(PANCYTOPENIA, unreadable=(refused(IRON, 31),)).unreadable
    assert IRON not in situation(PANCYTOPENIA, unreadable=(refused(IRON, 32),)).unreadable
    assert B12 in situation(PANCYTOPENIA, unreadable=(refused(B12, None),)).unreadable


def test_without_any_count_refused_counts_are_still_known() -> None:
    found = situation(unreadable=(refused(PLT), refused(HGB)))
    assert {PLT, HGB} <= found.unreadable.keys()
    assert found.anchor is None


def test_analytes_of_a_lost_group_are_unknown_and_not_selected() -> None:
    found = situation([*PANCYTOPENIA, result(B12, 500)], unavailable=[DataGroup.VITAMIN_B12])
    assert {B12, MMA} <= found.unknown
    assert B12 not in found.selected
    assert IRON not in found.unknown


def test_a_group_that_the_reader_found_missing_counts_too() -> None:
    from service.interpreter.assessment.assess import assess
    from tests.support.changing import replace
    from tests.support.facts import NOW, facts

    patient = facts(PANCYTOPENIA)
    lost = replace(patient.panel, unavailable=frozenset({DataGroup.IRON_STUDIES}))
    assert IRON in assess(replace(patient, panel=lost), NOW).unknown


def test_a_result_of_the_future_does_not_hide_an_older_one() -> None:
    found = situation([*PANCYTOPENIA, result(PLT, 300, -1)])
    assert found.states.lines[CellLine.PLATELETS].state is CellLineState.LOW


@pytest.mark.parametrize(
    ("days", "state"),
    [(10, FunctionState.NOT_DEFICIENT), (11, FunctionState.UNKNOWN)],
)
def test_mma_of_the_day_of_the_first_dose_was_drawn_before_it(days, state) -> None:
    given = medication(Vs.B12_MEDICATION, first=days, last=days)
    found = situation([*PANCYTOPENIA, result(MMA, "0.2", 10)], context={"medications": (given,)})
    assert found.states.function is state


def test_a_medicine_without_any_date_was_not_given_in_a_window() -> None:
    undated = medication(Vs.MARROW_SUPPRESSIVE_DRUGS, kind=MedicationKind.REQUEST)
    assert not situation(context={"medications": (undated,)}).history.marrow_suppressive


def test_a_record_with_only_a_last_day_counts_on_that_day() -> None:
    last = medication(Vs.MYELOSUPPRESSIVE_CHEMOTHERAPY, last=10)
    assert situation(context={"medications": (last,)}).history.chemotherapy_days == 10


def test_a_newborn_is_a_child_of_age_0() -> None:
    newborn = situation(count(plt=90), age=0)
    assert newborn.age == 0
    assert newborn.counts.pediatric_low == ("platelets",)


@pytest.mark.parametrize("weeks", ["0", "44"])
def test_gestational_ages_from_0_to_44_weeks_are_believed(weeks) -> None:
    aged = (PregnancyObservation(None, ago(1), Decimal(weeks)),)
    pregnant = {"conditions": (condition(Vs.PREGNANCY_STATE),)}
    found = situation(count(9), age=30, context=pregnant, pregnancy=aged)
    assert found.trimester is not None


def test_blasts_exactly_30_days_before_are_not_new() -> None:
    numbers = [result(Analyte.BLAST_PERCENT, 3, days) for days in (1, 31)]
    assert not situation(numbers).blasts.new_within_3_days


def test_a_film_without_clumps_after_the_specimen_brings_no_clumps() -> None:
    clean = (on_smear(SmearSet.PLATELET_CLUMP, False, days=0.2),)
    found = situation(count(9, 1.1, 60), smear=clean)
    assert not found.smear.platelet_clumps
    assert found.states.lines[CellLine.PLATELETS].state is CellLineState.LOW


def stay_at(start, end, status):
    return Encounter(
        "IMP", status, None if start is None else ago(start), None if end is None else ago(end)
    )


@pytest.mark.parametrize(
    ("stay", "now", "then"),
    [
        (stay_at(None, None, "in-progress"), True, False),
        (stay_at(None, -5, "in-progress"), True, False),
        (stay_at(10, None, "in-progress"), True, False),
        (stay_at(20, 20, "finished"), False, True),
        (stay_at(30, None, "finished"), False, False),
        (stay_at(None, 10, "finished"), False, False),
        (stay_at(30, -5, "finished"), False, True),
    ],
)
def test_incomplete_periods_of_hospital_stays(stay, now, then) -> None:
    found = situation(count(9.5, 4.1, 90, days=20), context={"encounters": (stay,)})
    assert found.stay.inpatient is now
    assert found.stay.inpatient_at_anchor is then


def visit(start, end, status):
    sets = frozenset({Vs.HEMATOLOGY_ENCOUNTERS})
    return Encounter(
        "AMB",
        status,
        None if start is None else ago(start),
        None if end is None else ago(end),
        sets,
    )


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (visit(400, None, "in-progress"), True),
        (visit(400, None, "finished"), False),
        (visit(400, None, "planned"), False),
        (visit(-70, None, "in-progress"), False),
        (visit(None, 30, "finished"), True),
    ],
)
def test_incomplete_periods_of_hematology_visits(given, found) -> None:
    assert bool(situation(context={"encounters": (given,)}).history.referral_exists) is found


def test_masked_and_unknown_lines_make_no_two_low_lines_before() -> None:
    earlier = count(9, 1.1, 80, days=20)
    assert not situation([*count(9, 1.1, 80), *earlier]).stay.both_low_before
    assert not situation([*count(9, 4.0, 200), *earlier]).stay.both_low_before
    assert situation([*count(9, 4.0, 80), *earlier]).stay.both_low_before


def test_an_earlier_white_line_is_judged_by_the_neutrophils_of_that_specimen() -> None:
    now = count(9, 1.1, 200)
    assert situation([*now, *count(9, 1.1, 200, 6, days=20)]).stay.both_low_before
    assert not situation([*now, *count(9, 2.1, 200, 2, days=20)]).stay.both_low_before
    assert situation([*now, *count(9, None, 200, 2, days=20)]).stay.both_low_before
    assert ANC in situation(now).selected


def test_an_edd_exactly_four_weeks_past_does_not_yet_end_a_pregnancy() -> None:
    def found(overdue):
        due = PregnancyObservation(None, ago(200), delivery_date=ago(overdue).date())
        status = PregnancyObservation(True, ago(200))
        return situation(age=30, pregnancy=(status, due)).pregnant

    assert found(28)
    assert not found(29)


def test_blast_numbers_15_minutes_apart_are_one_specimen() -> None:
    def present(minutes):
        earlier = result(Analyte.BLASTS, "0.1", 1 + minutes / 1440)
        return situation([result(Analyte.BLAST_PERCENT, 0, 1), earlier]).blasts.present

    assert present(15) is True
    assert present(16) is False


def test_an_old_or_empty_automated_blast_count_raises_no_flag() -> None:
    def flagged(value, days, loinc="21114-4"):
        number = result(Analyte.BLAST_PERCENT, value, days, loinc=loinc)
        return situation([number]).blasts.analyser_flag

    assert flagged(7, 1)
    assert not flagged(7, 31)
    assert not flagged(0, 1)
    assert not flagged(7, 1, "709-6")


def test_a_number_refused_with_the_specimen_that_counts_leaves_nothing_open() -> None:
    none = result(Analyte.BLAST_PERCENT, 0, 1)
    refusal = (refused(Analyte.BLAST_PERCENT, 1),)
    assert situation([none], unreadable=refusal).blasts.present is False


def test_a_count_one_hour_ahead_is_the_anchor() -> None:
    ahead = result(PLT, 90, -1 / 24)
    assert situation([ahead]).anchor == ahead.taken


def test_saturation_alone_with_high_capacity_needs_more_than_the_limit() -> None:
    found = situation([*PANCYTOPENIA, result(IRON, 60), result(TIBC, 400), result(TSAT, 15)])
    assert found.states.iron is IronState.LOW_INDETERMINATE
