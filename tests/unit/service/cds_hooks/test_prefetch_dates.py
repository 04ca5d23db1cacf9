"""Templates that ask by date: the days are the interpreter's, and a client's day fills them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from fhir_mappings.panel import OBSERVATION_GROUPS, DataGroup
from service.cds_hooks.discovery import load_catalogue
from service.cds_hooks.prefetch_dates import as_filled_on, dated_keys, days_asked, with_dates
from service.cds_hooks.prefetch_template import parse_template
from service.interpreter.windows import LOOK_BACK, REACH, WINDOWS

TEMPLATES = load_catalogue().templates
TODAY = date(2026, 3, 1)
DATED = dated_keys(wanted=True, every_key=False)


def test_nothing_is_dated_unless_it_is_wanted() -> None:
    assert not dated_keys(wanted=False, every_key=False)
    assert not dated_keys(wanted=False, every_key=True)


def test_only_laboratory_searches_are_dated() -> None:
    assert set(OBSERVATION_GROUPS) >= DATED
    assert DataGroup.SEROLOGY not in DATED, "a positive serology stands however old it is (M11)"


@pytest.mark.parametrize("group", sorted(REACH))
def test_each_key_asks_for_its_windows_and_not_for_a_week_more(group: DataGroup) -> None:
    asked = timedelta(days=days_asked(group))
    assert REACH[group] < asked <= REACH[group] + timedelta(days=7)


@pytest.mark.parametrize(
    ("group", "window"),
    [
        (DataGroup.BLOOD_COUNTS, WINDOWS.course),
        (DataGroup.BLOOD_COUNTS, WINDOWS.stale + LOOK_BACK.days),
        (DataGroup.DIFFERENTIAL, WINDOWS.new_blasts + WINDOWS.blasts_before),
        (DataGroup.SMEAR, WINDOWS.new_blasts + WINDOWS.blasts_before),
        (DataGroup.IRON_STUDIES, WINDOWS.stale + WINDOWS.iron_around_anchor),
        (DataGroup.VITAMIN_B12, WINDOWS.stale + WINDOWS.vitamins_before_anchor),
        (DataGroup.VITAMIN_B12, WINDOWS.b12_treatment + WINDOWS.b12_evidence),
        (DataGroup.KIDNEY_FUNCTION, WINDOWS.stale + WINDOWS.organs_before_anchor),
        (DataGroup.TEMPERATURE, WINDOWS.temperature_with_ferritin),
        (DataGroup.PREGNANCY, WINDOWS.pregnancy),
        (DataGroup.MARROW_RESULTS, WINDOWS.marrow_done),
    ],
)
def test_a_reach_covers_what_the_definition_looks_for(group: DataGroup, window: timedelta) -> None:
    assert REACH[group] >= window


def test_a_client_fills_in_its_day() -> None:
    texts = with_dates({"vitaminB12": "Observation?patient={{context.patientId}}&code=1"}, DATED)
    template = parse_template(texts["vitaminB12"])
    days = days_asked(DataGroup.VITAMIN_B12)
    (query,) = template.on(TODAY).queries("p", 20)
    since = TODAY - timedelta(days=days)
    assert query == f"Observation?patient=p&code=1&date=ge{since}"
    assert template.on(TODAY).since == since


def test_what_is_served_is_what_a_client_of_ours_fills() -> None:
    served = with_dates(load_catalogue().services[0].prefetch, DATED)
    filled = as_filled_on(TODAY, TEMPLATES, DATED)
    assert {g: parse_template(served[g]).on(TODAY) for g in DataGroup} == filled


def test_a_date_that_nobody_filled_in_is_no_day() -> None:
    token = parse_template("Observation?patient={{context.patientId}}&date=ge{{today() - 9 days}}")
    with pytest.raises(ValueError, match="isoformat"):
        _ = token.since
