"""Values computed from others (clinical-definition 1.4, 1.3 U9 and U10)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fhir_mappings.laboratory.bounds import Bound
from fhir_mappings.panel import Analyte, Comparator, Note, Reason
from tests.support.fhir import at, observation, only, panel_of

ANC = Analyte.NEUTROPHILS
TSAT = Analyte.TRANSFERRIN_SATURATION
TIBC = Analyte.IRON_BINDING_CAPACITY


def white(value, **more):
    return observation("6690-2", value, "10*9/L", **more)


def percent(loinc, value, **more):
    return observation(loinc, value, "%", **more)


def count(loinc, value, **more):
    return observation(loinc, value, "10*9/L", **more)


def test_a_direct_count_is_never_displaced():
    panel = panel_of(white(4), count("751-8", 1.1), count("768-2", 2), percent("770-8", 90))
    assert (only(panel, ANC).value, only(panel, ANC).notes) == (Decimal("1.1"), frozenset())


def test_segmented_neutrophils_and_bands_make_the_count():
    panel = panel_of(count("768-2", 1.0, id="s"), count("763-3", 0.2, id="b"))
    result = only(panel, ANC)
    assert result.value == Decimal("1.2")
    assert result.notes == {Note.ANC_COMPUTED}
    assert set(result.derived_from) == {"Observation/s", "Observation/b"}
    assert only(panel_of(count("768-2", 1.0)), ANC).value == 1
    assert ANC not in panel_of(count("763-3", 0.2)).results


def test_leukocytes_times_the_total_percentage():
    panel = panel_of(white(2.4, id="w"), percent("770-8", 45, id="n"))
    result = only(panel, ANC)
    assert result.value == Decimal("1.08")
    assert result.reported_value == "1.08"
    assert result.derived_from == ("Observation/n", "Observation/w")


def test_segmented_and_band_percentages_add_up():
    panel = panel_of(white(2), percent("769-0", 30), percent("764-1", 10))
    assert only(panel, ANC).value == Decimal("0.8")


@pytest.mark.parametrize(
    ("total", "bands", "said"), [(45, 10, True), (45, 2, False), (45, 5, True), (60, 10, False)]
)
def test_bands_that_would_move_the_count_across_a_limit_are_told(total, bands, said):
    panel = panel_of(white(2), percent("23761-0", total), percent("764-1", bands))
    result = only(panel, ANC)
    assert result.value == Decimal(total) * 2 / 100
    assert (Note.ANC_BANDS in result.notes) is said


def test_a_later_leukocyte_count_does_not_hide_an_earlier_neutrophil_count():
    panel = panel_of(
        white(2, effectiveDateTime=at(days=2)),
        percent("770-8", 40, effectiveDateTime=at(days=2)),
        white(3, effectiveDateTime=at(days=1)),
    )
    assert only(panel, ANC).value == Decimal("0.8")


def test_every_specimen_with_a_differential_has_its_count():
    specimens = [
        [
            white(2, effectiveDateTime=at(days=d)),
            percent("770-8", d * 10, effectiveDateTime=at(days=d)),
        ]
        for d in (1, 2, 3)
    ]
    panel = panel_of(*(each for specimen in specimens for each in specimen))
    assert [r.value for r in panel.results[ANC]] == [Decimal("0.2"), Decimal("0.4"), Decimal("0.6")]


def test_a_percentage_of_another_specimen_is_not_used():
    panel = panel_of(
        white(2, effectiveDateTime=at(minutes=60)),
        percent("770-8", 40, effectiveDateTime=at(minutes=76)),
    )
    assert ANC not in panel.results


@pytest.mark.parametrize(
    ("leukocytes", "neutrophils", "value", "comparator"),
    [
        (("0.1", "<"), ("20", None), "0.02", Comparator.LESS),
        (("2", None), ("5", "<"), "0.1", Comparator.LESS),
        (("2", None), ("90", ">="), "1.8", Comparator.GREATER_OR_EQUAL),
        (("0.1", "<"), ("5", "<="), "0.005", Comparator.LESS),
        (("0.1", "<"), ("0", None), "0", None),
    ],
)
def test_a_computed_count_carries_the_comparator_that_is_sound(
    leukocytes, neutrophils, value, comparator
):
    panel = panel_of(
        observation("6690-2", leukocytes[0], "10*9/L", leukocytes[1]),
        observation("770-8", neutrophils[0], "%", neutrophils[1]),
    )
    result = only(panel, ANC)
    assert (result.value, result.comparator) == (Decimal(value), comparator)


def test_bounds_that_point_apart_give_no_count():
    panel = panel_of(
        observation("6690-2", "0.1", "10*9/L", "<"), observation("770-8", "90", "%", ">")
    )
    assert ANC not in panel.results


def test_the_doubts_of_the_sources_stay_with_what_is_computed():
    panel = panel_of(
        white(2, status="preliminary"), percent("770-8", 40), white(3, status="preliminary")
    )
    result = only(panel, ANC)
    assert result.notes == {Note.ANC_COMPUTED, Note.PRELIMINARY, Note.CONFLICT}
    assert result.status == "preliminary"


def test_percentages_over_a_hundred_are_refused():
    panel = panel_of(white(2), percent("769-0", 80), percent("764-1", 40))
    assert ANC not in panel.results
    assert [each.reason for each in panel.unreadable] == [Reason.IMPLAUSIBLE]


def test_a_refused_count_leaves_room_for_the_computed_one():
    panel = panel_of(white(2), count("751-8", 5), percent("770-8", 40))
    assert only(panel, ANC).value == Decimal("0.8")
    assert [each.reason for each in panel.unreadable] == [Reason.ANC_GT_WBC]


def iron(value, unit="ug/dL", **more):
    return observation("2498-4", value, unit, **more)


def capacity(value, **more):
    return observation("2500-7", value, "ug/dL", **more)


def test_saturation_is_computed_from_iron_and_capacity():
    result = only(panel_of(iron(50, id="i"), capacity(250, id="c")), TSAT)
    assert result.value == 20
    assert result.notes == {Note.TSAT_COMPUTED}
    assert result.reported_value == "20"
    assert result.derived_from == ("Observation/i", "Observation/c")


@pytest.mark.parametrize(
    ("reported", "inconsistent"), [(20, False), (25, False), (15, False), (26, True), (9, True)]
)
def test_the_computed_saturation_governs_and_says_when_it_disagrees(reported, inconsistent):
    panel = panel_of(iron(50), capacity(250), percent("2502-3", reported))
    result = only(panel, TSAT)
    assert result.value == 20
    assert (Note.TSAT_INCONSISTENT in result.notes) is inconsistent


@pytest.mark.parametrize("minutes", [24 * 60, 24 * 60 + 1])
def test_iron_and_capacity_a_day_apart_still_belong_together(minutes):
    panel = panel_of(
        iron(50, effectiveDateTime=at(minutes=minutes)), capacity(250, effectiveDateTime=at())
    )
    assert (TSAT in panel.results) is (minutes == 24 * 60)


@pytest.mark.parametrize(
    ("sent", "meant"), [(("20", "ug/L"), 20), (("200", "ug/dL"), 20), (("3.58", "ug/dL"), 20)]
)
def test_iron_in_a_wrong_unit_is_refused_and_the_reported_saturation_used(sent, meant):
    panel = panel_of(iron(*sent), capacity(449), percent("2502-3", Decimal(4).__str__()))
    assert Analyte.IRON not in panel.results
    assert only(panel, TSAT).value == 4
    (found,) = panel.unreadable
    assert found.reason is Reason.IRON_UNIT
    assert abs(found.candidates[0] - meant) < Decimal("0.1")


@pytest.mark.parametrize(("value", "used"), [(330, True), (331, False)])
def test_iron_that_the_binding_capacity_cannot_hold_is_set_aside(value, used):
    panel = panel_of(iron(value), capacity(300))
    assert (TSAT in panel.results) is used
    assert (Analyte.IRON in panel.results) is used
    assert TIBC in panel.results
    assert [each.reason for each in panel.unreadable] == ([] if used else [Reason.TSAT_OVER])


def test_capacity_is_unsaturated_capacity_and_iron():
    panel = panel_of(iron(50), observation("2501-5", 200, "ug/dL"))
    assert only(panel, TIBC).value == 250
    assert only(panel, TIBC).notes == {Note.TIBC_COMPUTED}
    assert only(panel, TSAT).value == 20
    direct = panel_of(iron(50), observation("2501-5", 200, "ug/dL"), capacity(260))
    assert only(direct, TIBC).value == 260


def bilirubin(loinc, value, comparator=None, **more):
    return observation(loinc, value, "mg/dL", comparator, **more)


def test_indirect_bilirubin_is_total_less_direct_and_never_below_zero():
    indirect = Analyte.BILIRUBIN_INDIRECT
    assert only(
        panel_of(bilirubin("1975-2", "3.0"), bilirubin("1968-7", "0.4")), indirect
    ).value == (Decimal("2.6"))
    assert (
        only(panel_of(bilirubin("1975-2", "0.3"), bilirubin("1968-7", "0.4")), indirect).value == 0
    )
    bound = only(panel_of(bilirubin("1975-2", "3"), bilirubin("1968-7", "0.1", "<")), indirect)
    assert (bound.value, bound.comparator) == (Decimal("2.9"), Comparator.GREATER)
    own = panel_of(bilirubin("1975-2", 3), bilirubin("1968-7", "0.4"), bilirubin("1971-1", "2.5"))
    assert only(own, indirect).value == Decimal("2.5")


def test_conjugated_bilirubin_stands_in_only_without_a_direct_value():
    indirect = Analyte.BILIRUBIN_INDIRECT
    total, conjugated = bilirubin("1975-2", "3"), bilirubin("15152-2", "1")
    assert only(panel_of(total, conjugated), indirect).value == 2
    assert only(panel_of(total, conjugated, bilirubin("1968-7", "0.5")), indirect).value == (
        Decimal("2.5")
    )


def test_arithmetic_on_bounds_says_only_what_is_true():
    less, more = Bound(Decimal(2), Comparator.LESS), Bound(Decimal(2), Comparator.GREATER)
    exact, zero = Bound(Decimal(4)), Bound(Decimal(0))
    assert exact + less == Bound(Decimal(6), Comparator.LESS)
    assert less + more is None
    assert exact - less == Bound(Decimal(2), Comparator.GREATER)
    assert less - exact is None
    assert exact / more == Bound(Decimal(2), Comparator.LESS)
    assert exact / zero is None
    assert zero * less == zero
    assert zero / less is None
