"""Severe counts, fever with neutropenia, blasts, film and red flags (2.2, 2.4, 3.2, 3.5)."""

from __future__ import annotations

import pytest

from fhir_mappings.context import ValueSetName as Vs
from fhir_mappings.panel import Analyte, DataGroup, Reason, SmearMethod, SmearSet
from tests.support.facts import (
    ANC,
    HGB,
    NORMAL_COUNT,
    PANCYTOPENIA,
    PLT,
    TEMPERATURE,
    WBC,
    condition,
    count,
    on_smear,
    procedure,
    refused,
    result,
    situation,
    stay,
)

BLASTP = Analyte.BLAST_PERCENT
BLASTA = Analyte.BLASTS


# --- severe -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "severe"),
    [
        (count(9, "0.49", 84), True),
        (count(9, "0.5", 84), False),
        (count(9, "1.1", "19.9"), True),
        (count(9, "1.1", 20), False),
        (count("6.9", "1.1", 84), True),  # PAN
        (count("7.0", "1.1", 84), False),
        (count("6.9", "4.0", 84), False),  # BI, mostly bleeding
        (count("6.9", "4.0", 49), True),
        (count("6.9", "4.0", 50), False),
        (count("6.9", "0.99", 200), True),
        (count("6.9", "1.0", 200), False),
        (count("6.9", None, 200, "1.9"), True),
        (count("6.9", None, 200, "2.0"), False),
        (count(9, None, 84, "0.49"), True),
        (count(9, None, 84, "0.5"), False),
        (count(9, "0.5", 84, "0.4"), False),  # the ANC is known
        (count(14, 4, 19), False),  # one line: the laboratory's own call
        (count(14, "0.1", 200), False),
        (count(9, "1.1", "<20"), True),
    ],
)
def test_severe_takes_two_low_lines_and_a_crossed_limit(counts, severe) -> None:
    assert situation(counts).severe.present is severe


def test_masked_hemoglobin_makes_pancytopenia_but_is_not_severe_itself() -> None:
    given = {"procedures": (procedure(Vs.RED_CELL_TRANSFUSION, days=2),)}
    assert situation(count(12.4, "0.4", 60), context=given).severe.present is True


def test_severe_stays_open_while_a_count_is_not_known() -> None:
    assert situation(count(9, "1.1")).severe.present is None
    assert situation(count(anc="0.4")).severe.present is None  # one line is known to be low
    assert situation(count(9, "0.4")).severe.present is True
    assert situation(count(9, "1.1", "<25")).severe.present is None
    assert situation(count(14, 4)).severe.present is False


def test_clumped_platelets_are_not_severe() -> None:
    clumped = situation(count(9, "1.1", 9), smear=(on_smear(SmearSet.PLATELET_CLUMP),))
    assert clumped.severe.present is None
    assert situation(count(9, "0.4", 9), smear=(on_smear(SmearSet.PLATELET_CLUMP),)).severe.present


def test_the_results_that_cross_a_limit_are_named() -> None:
    crossed = situation(count("6.5", "0.3", 60)).severe.results
    assert [item.analyte for item in crossed] == [HGB, ANC]
    bleeding = situation(count("6.5", "4.0", 15)).severe.results
    assert [item.analyte for item in bleeding] == [HGB, PLT]


def newly_severe(results) -> list[Analyte]:
    return [each.analyte for each in situation(results).disorder_news.severe]


@pytest.mark.parametrize(
    ("before", "new"),
    [
        ([], [ANC]),
        (count(8.3, 0.9, 41, days=12), [ANC]),
        (count(8.3, 0.4, 41, days=12), []),
        (count(8.3, None, 41, 0.4, days=12), []),
        (count(8.3, None, 41, 2.0, days=12), [ANC]),
        ([*count(8, 0.9, 41, days=5), *count(8, 0.4, 41, days=12)], []),
        (count(8, 0.4, 41, days=31), []),
        (count(8, 0.4, 41, days=31.1), [ANC]),
        ([result(ANC, 0.4, 1 + 14 / 1440)], [ANC]),
        ([result(ANC, 0.4, 1 + 16 / 1440)], []),
    ],
)
def test_severe_is_new_when_no_count_of_30_days_was(before, new) -> None:
    assert newly_severe([*count(8.2, 0.4, 48), *before]) == new


def test_one_new_severe_line_among_old_ones_is_news_and_hemoglobin_never() -> None:
    assert newly_severe([*count(8.2, 0.4, 12), *count(8.4, 0.4, 51, days=4)]) == [PLT]
    assert newly_severe(count(6.2, 1.4, 51)) == []
    assert newly_severe(count(14, 0.4, 200)) == []
    assert newly_severe(count(8.2, 0.4, 12, days=15)) == []


@pytest.mark.parametrize(
    ("before", "new"),
    [
        ([], True),
        (count(11.0, 3.0, 190, days=30), True),
        (count(9, 1.2, 90, days=4), False),
        (count(9, 1.2, 90, days=3.9), True),
        (count(9, 1.2, 90, days=91), False),
        (count(9, 1.2, 90, days=91.1), True),
        ([*count(hgb=9, days=20), *count(anc=1.2, plt=90, days=21)], True),
    ],
)
def test_pancytopenia_is_new_when_no_specimen_of_90_days_had_it(before, new) -> None:
    assert situation([*PANCYTOPENIA, *before]).disorder_news.pancytopenia is new


def test_only_current_counts_are_news() -> None:
    assert not situation(count(8.9, 1.1, 84, days=15)).disorder_news.any


# --- neutropenia with fever ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (count(anc="0.49"), True),
        (count(anc="0.5"), False),
        (count(anc="0.49", days=3), True),
        (count(anc="0.49", days=3.01), False),
        (count(wbc="0.99"), True),
        (count(wbc="1.0"), False),
        (count(anc="0.6", wbc="0.9"), False),
        (count(anc="<0.5"), True),
        (count(anc="<1.0"), None),
        (count(anc="<1.0", wbc="0.9"), True),
        ([], False),
        ([*count(anc="0.3", days=2), *count(anc="2.0", days=0.5)], False),
        ([*count(anc="2.0", days=3.5), *count(wbc="0.6", days=1)], True),
    ],
)
def test_neutrophils_low_enough_for_sepsis(counts, expected) -> None:
    assert situation(counts).counts.neutrophils_below_half_with_age is expected


def test_refused_neutrophils_fall_back_to_leukocytes() -> None:
    unread = {"unreadable": (refused(ANC),)}
    assert situation(count(wbc="0.8"), **unread).counts.neutrophils_below_half_with_age is True
    assert situation([], **unread).counts.neutrophils_below_half_with_age is None


def test_neutrophils_not_retrieved_stay_open() -> None:
    hidden = {"unavailable": [DataGroup.DIFFERENTIAL]}
    assert situation(count(wbc=3), **hidden).counts.neutrophils_below_half_with_age is None


def fever(*temperatures, **more):
    return situation([result(TEMPERATURE, *item) for item in temperatures], **more).fever


def test_any_temperature_of_the_last_day_is_a_fever() -> None:
    found = fever(("38.6", 0.4), ("37.0", 0.05), ("38.2", 0.2))
    assert found.present is True
    assert found.highest.value == result(TEMPERATURE, "38.6").value
    assert fever(("38.0", 1)).present is True
    assert fever(("38.0", 1.01)).present is False
    assert fever(("37.9", 0.1)).present is False
    assert fever(("<38.0", 0.1)).present is False


def test_fever_is_open_when_temperatures_could_not_be_had() -> None:
    assert fever(unavailable=[DataGroup.TEMPERATURE]).present is None
    assert fever(unreadable=(refused(TEMPERATURE, 0.1),)).present is None
    assert fever(unreadable=(refused(TEMPERATURE, 2),)).present is False
    assert fever(("37.0", 0.1), ("39.0", 0.2), unreadable=(refused(TEMPERATURE, 0.1),)).present


# --- blasts -------------------------------------------------------------------------------------


def blasts(*results, smear=(), **more):
    return situation([*NORMAL_COUNT, *results], smear=smear, **more).blasts


@pytest.mark.parametrize(
    ("numbers", "present", "critical"),
    [
        ([], False, False),
        ([(BLASTP, 0)], False, False),
        ([(BLASTP, "0.1")], True, False),
        ([(BLASTP, "4.9")], True, False),
        ([(BLASTP, 5)], True, True),
        ([(BLASTA, "0.49")], True, False),
        ([(BLASTA, "0.5")], True, True),
        ([(BLASTP, 2), (BLASTA, "0.6")], True, True),
        ([(BLASTP, 0), (BLASTA, "0.1")], True, False),
        ([(BLASTP, "<1")], False, False),
        ([(BLASTP, "<=5")], False, False),
        ([(BLASTP, ">5")], True, True),
        ([(BLASTP, ">1")], True, None),
        ([(BLASTP, 3, 30)], True, False),
        ([(BLASTP, 3, 30.01)], False, False),
        ([(BLASTP, 3, 5), (BLASTP, 0, 1)], False, False),
        ([(BLASTP, 3, 5), (BLASTA, 0, 1)], False, False),
        ([(BLASTP, 0, 5), (BLASTP, 3, 1)], True, False),
        ([(BLASTP, 8, 5), (BLASTP, 3, 1)], True, False),
    ],
)
def test_the_newest_specimen_with_a_blast_number_counts(numbers, present, critical) -> None:
    found = blasts(*(result(*number) for number in numbers))
    assert found.present is present
    assert found.critical is critical


def test_a_film_makes_blasts_critical() -> None:
    found = blasts(smear=(on_smear(SmearSet.BLASTS, days=29),))
    assert found.present is found.critical is True
    assert blasts(smear=(on_smear(SmearSet.BLASTS, days=31),)).present is False


def seen(present, days, loinc="44017-2", method=SmearMethod.FILM):
    return on_smear(SmearSet.BLASTS, present, days, method, loinc)


@pytest.mark.parametrize(
    ("later", "stands"),
    [
        (seen(False, 1), False),
        (seen(False, 1, "18314-5", SmearMethod.NARRATIVE), False),
        (seen(False, 1, "15154-8", SmearMethod.ANALYSER), True),
        (seen(False, 1, "11281-3"), True),  # no Auer rods
        (seen(None, 1), True),
        (on_smear(None, None, 1, SmearMethod.NARRATIVE, "18314-5"), True),
        (seen(False, 5, "18314-5", SmearMethod.NARRATIVE), True),  # same specimen, not later
    ],
)
def test_a_film_is_refuted_only_by_a_later_film_or_narrative_that_says_none(later, stands) -> None:
    assert blasts(smear=(seen(True, 5), later)).present is stands


def test_a_newer_number_does_not_refute_a_film_nor_a_film_a_number() -> None:
    assert blasts(result(BLASTP, 0, 1), smear=(seen(True, 5),)).present is True
    assert blasts(result(BLASTP, 2, 5), smear=(seen(False, 1),)).present is True


def test_auer_rods_are_refuted_by_a_later_test_for_auer_rods() -> None:
    rods = (seen(True, 5, "11281-3"), seen(False, 1, "11281-3"))
    assert blasts(smear=rods).present is False


def test_an_analyser_flag_alone_never_makes_blasts() -> None:
    for flag in (
        on_smear(SmearSet.BLAST_FLAG, method=SmearMethod.ANALYSER, loinc="15154-8"),
        on_smear(SmearSet.BLASTS, method=SmearMethod.ANALYSER),
    ):
        found = blasts(smear=(flag,))
        assert found.present is False
        assert found.analyser_flag
    counted = blasts(result(BLASTP, 7, loinc="21114-4"))
    assert counted.present is False
    assert counted.analyser_flag


def test_an_unclear_film_or_an_unread_number_leaves_blasts_open() -> None:
    assert blasts(smear=(seen(None, 1),)).present is None
    assert blasts(unreadable=(refused(BLASTP),)).present is None
    assert blasts(result(BLASTP, 0, 0.5), unreadable=(refused(BLASTP),)).present is False
    assert blasts(result(BLASTP, 0, 2), unreadable=(refused(BLASTP),)).present is None
    assert blasts(unavailable=[DataGroup.SMEAR]).present is None
    assert blasts(unavailable=[DataGroup.DIFFERENTIAL]).present is None
    assert blasts(smear=(seen(True, 1),), unavailable=[DataGroup.DIFFERENTIAL]).present is True


@pytest.mark.parametrize(
    ("numbers", "new"),
    [
        ([(3, 1)], True),
        ([(3, 3)], True),
        ([(3, 3.1)], False),
        ([(3, 1), (4, 2)], True),
        ([(3, 1), (4, 4)], False),
        ([(3, 1), (4, 91)], False),
        ([(3, 1), (4, 91.1)], True),
        ([(3, 1), (0, 10)], True),
        ([(0, 1), (3, 2)], False),
    ],
)
def test_new_blasts_are_seen_within_3_days_and_not_in_the_90_before(numbers, new) -> None:
    found = blasts(*(result(BLASTP, value, days) for value, days in numbers))
    assert found.new_within_3_days is new


def test_blasts_of_an_earlier_film_are_not_new() -> None:
    earlier = (
        on_smear(SmearSet.BLASTS, days=20),
        on_smear(SmearSet.BLASTS, False, days=15),
    )
    assert not blasts(result(BLASTP, 3), smear=earlier).new_within_3_days


# --- film and red flags -------------------------------------------------------------------------


def flags(*results, **more):
    return situation([*PANCYTOPENIA, *results], **more).red_flags


@pytest.mark.parametrize(
    "target", [SmearSet.DYSPLASIA, SmearSet.TEARDROP, SmearSet.NUCLEATED_RED_CELLS]
)
def test_film_signs_are_red_flags_for_30_days(target) -> None:
    assert flags(smear=(on_smear(target, days=30),)).smear
    assert not flags(smear=(on_smear(target, days=31),)).smear
    assert not flags(smear=(on_smear(target, False),)).smear
    assert not flags(smear=(on_smear(target, None),)).smear


def test_hypersegmentation_is_no_red_flag_but_is_told() -> None:
    found = situation(PANCYTOPENIA, smear=(on_smear(SmearSet.HYPERSEGMENTED),))
    assert not found.red_flags.any
    assert found.smear.hypersegmented


def test_absent_pelger_cells_do_not_refute_other_dysplasia() -> None:
    smear = (
        on_smear(SmearSet.DYSPLASIA, days=5, loinc="40654-6"),
        on_smear(SmearSet.DYSPLASIA, False, days=1, loinc="18311-1"),
    )
    assert flags(smear=smear).smear


@pytest.mark.parametrize(
    ("analyte", "value", "flagged"),
    [
        (Analyte.NUCLEATED_RED_CELL_RATIO, "0.9", False),
        (Analyte.NUCLEATED_RED_CELL_RATIO, "1", True),
        (Analyte.NUCLEATED_RED_CELLS, "0", False),
        (Analyte.NUCLEATED_RED_CELLS, "0.01", True),
        (Analyte.NUCLEATED_RED_CELLS, "<0.01", False),
        (Analyte.NUCLEATED_RED_CELL_RATIO, "<5", False),
    ],
)
def test_nucleated_red_cells_by_number(analyte, value, flagged) -> None:
    assert bool(flags(result(analyte, value)).nucleated_red_cells) is flagged


def test_the_newest_number_of_nucleated_red_cells_counts() -> None:
    cleared = (
        result(Analyte.NUCLEATED_RED_CELLS, "0.2", 10),
        result(Analyte.NUCLEATED_RED_CELLS, 0, 1),
    )
    assert not flags(*cleared).nucleated_red_cells


def test_schistocytes_count_for_3_days() -> None:
    assert situation(
        PANCYTOPENIA, smear=(on_smear(SmearSet.SCHISTOCYTES, days=3),)
    ).smear.schistocytes
    assert not situation(
        PANCYTOPENIA, smear=(on_smear(SmearSet.SCHISTOCYTES, days=3.1),)
    ).smear.schistocytes


@pytest.mark.parametrize("symptom", [Vs.FEVER, Vs.NIGHT_SWEATS, Vs.WEIGHT_LOSS])
def test_constitutional_symptoms_are_active_ones(symptom) -> None:
    def found(**more):
        return flags(context={"conditions": (condition(symptom, **more),)}).constitutional

    assert found()
    assert not found(active=False)


@pytest.mark.parametrize(("anc", "counts"), [("1.0", False), ("0.99", True)])
@pytest.mark.parametrize("symptom", [Vs.FEVER, Vs.NIGHT_SWEATS])
def test_in_hospital_fever_counts_only_with_few_neutrophils(symptom, anc, counts) -> None:
    given = {"conditions": (condition(symptom),), "encounters": (stay(2),)}
    found = situation(count(9.2, anc, 88), context=given).red_flags.constitutional
    assert bool(found) is (counts or symptom is Vs.NIGHT_SWEATS)


def test_fever_is_a_constitutional_sign() -> None:
    assert flags(result(TEMPERATURE, "38.0", 0.5)).constitutional == ("temperature 38.0 Cel",)


@pytest.mark.parametrize(
    ("given", "history"),
    [
        (condition(Vs.HEMATOLOGIC_MALIGNANCY), False),
        (condition(Vs.HEMATOLOGIC_MALIGNANCY, active=False), True),
        (condition(Vs.HEMATOLOGIC_MALIGNANCY, in_remission=True), True),
        (condition(Vs.HISTORY_OF_HEMATOLOGIC_MALIGNANCY), True),
        (condition(Vs.MARROW_FAILURE, active=False), True),
        (condition(Vs.STEM_CELL_TRANSPLANT, active=False), True),
        (condition(Vs.MARROW_FAILURE), False),
        (condition(Vs.HEMATOLOGIC_MALIGNANCY, may_suppress=False), False),
    ],
)
def test_a_disorder_that_is_over_is_history(given, history) -> None:
    found = flags(context={"conditions": (given,)})
    assert bool(found.history_of_malignancy) is history
    assert found.any is history
    assert not found.overrides_deferral


def test_leukocyte_limit_of_severity_is_not_read_where_an_anc_is_known() -> None:
    assert situation([*count(9, "0.6", 84), result(WBC, "0.3")]).severe.present is False


def test_a_cancelled_result_leaves_nothing_open() -> None:
    assert blasts(unreadable=(refused(BLASTP, reason=Reason.WITHDRAWN),)).present is False
