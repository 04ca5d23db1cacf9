"""Prefetch that holds only the time in which results decide gives the same cards.

`DATED_CHARTS` is the number of random charts (120 unless set).
"""

from __future__ import annotations

import itertools
import json
import os
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest
from structlog.testing import capture_logs

from fhir_mappings.panel import DataGroup
from fhir_mappings.vocabulary.site_mappings import load_terminology
from service import samples
from service.app import create_app
from service.cds_hooks.bundle_prefetch import encode, read_bundle
from service.cds_hooks.discovery import CORE_KEYS, load_catalogue
from service.cds_hooks.messages import CdsRequest
from service.cds_hooks.prefetch_dates import as_filled_on, dated_keys
from service.clinical_data.fetching import Fetched, Fetcher
from service.clinical_data.gathering import ClinicalDataSource
from service.errors import ClinicalDataUnavailable
from service.fhir_client.failures import Failure, FailureKind
from service.hook_call import SiteKnowledge, respond
from service.interpreter.windows import WINDOWS
from service.observability.logging import Event
from service.samples.large import DAYS_BETWEEN_VISITS, large_chart
from service.settings import Settings
from tests.support.backtests import ShowsAll
from tests.support.chart_server import ChartServer
from tests.support.hook_calls import call, post
from tests.support.random_chart_resources import drafts, resources
from tests.support.random_charts import random_charts
from tests.support.vignette_charts import (
    LOINC,
    PATIENT,
    T0,
    administration,
    chart,
    subject,
    vignettes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_httpserver import HTTPServer

    from service.cds_hooks.prefetch_template import Template

Resource = dict[str, Any]

TEMPLATES = load_catalogue().templates
DATED = dated_keys(wanted=True, every_key=False)
WITHOUT_SERVER = dated_keys(wanted=True, every_key=True)
KNOWLEDGE = SiteKnowledge(load_terminology([]))
CHARTS = int(os.environ.get("DATED_CHARTS", "120"))
PARTS = 6
AGES = (
    *(20, 40, 88, 92, 100, 119, 121, 179, 181, 183, 239, 241, 300, 330, 360, 500, 600),
    *(728, 729, 730, 731, 732, 733, 740, 900, 1500, 2400, 3600),
)
"""Days before the call, on both sides of every window."""
VALUES: dict[str, tuple[str, tuple[float, ...]]] = {
    "718-7": ("g/dL", (6.5, 9.0, 12.5, 14.0)),
    "6690-2": ("10*3/uL", (0.8, 2.4, 7.0)),
    "751-8": ("10*3/uL", (0.4, 1.1, 4.0)),
    "777-3": ("10*3/uL", (12, 80, 250)),
    "2498-4": ("ug/dL", (20, 55, 90)),
    "2500-7": ("ug/dL", (200, 300, 450)),
    "2276-4": ("ng/mL", (8, 300)),
    "2132-9": ("pg/mL", (90, 1500)),
    "13964-2": ("umol/L", (0.2, 1.2)),
    "2532-0": ("U/L", (180, 900)),
    "98979-8": ("mL/min/{1.73_m2}", (30, 90)),
    "26446-5": ("%", (0, 25)),
}
COUNTS = ("718-7", "6690-2", "751-8", "777-3")


@dataclass(slots=True)
class WholeChart:
    """In place of a FHIR server: it has everything, and remembers what it was asked for."""

    values: Mapping[str, Any]
    asked: list[DataGroup] = field(default_factory=list)
    fails: frozenset[DataGroup] = frozenset()

    @property
    def server(self) -> WholeChart:
        return self

    @property
    def base(self) -> WholeChart:
        return self

    host = "fhir.example"

    def leave(self) -> None:
        """Nothing to end."""

    def fetch(self, wanted: Mapping[DataGroup, str | None]) -> dict[DataGroup, Fetched]:
        """Return each key as a search without a date finds it."""
        self.asked += wanted
        failed = Fetched(Failure(FailureKind.STATUS, 500))
        return {
            group: failed if group in self.fails else Fetched((encode(self.values[group]),))
            for group in wanted
        }

    def read_members(self, _ids: Iterable[str]) -> tuple[bytes, ...]:
        """No panel here names a member that is missing."""
        return ()


def lab(number: str, code: str, value: float, unit: str, days: float) -> Resource:
    return {
        "resourceType": "Observation",
        "id": f"h-{number}",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": subject(),
        "effectiveDateTime": (T0 - timedelta(days=days)).isoformat(),
        "valueQuantity": {"value": value, "unit": unit},
    }


def history(dice: random.Random) -> list[Resource]:
    """Some years of visits: whole and partial counts, other results, a unit that nobody knows."""
    made: list[Resource] = []
    for visit in range(dice.randrange(8)):
        days = dice.choice(AGES) + dice.choice((0, 0.3))
        codes = dice.choice((COUNTS, COUNTS, COUNTS[:2], COUNTS[2:], tuple(VALUES)))
        for code in codes:
            unit, values = VALUES[code]
            unit = dice.choice((*[unit] * 9, "parsecs"))
            made.append(lab(f"{visit}-{code}", code, dice.choice(values), unit, days))
    return made


def bundle(made: Iterable[Resource]) -> bytes:
    entries = [{"resource": each} for each in made]
    return encode({"resourceType": "Bundle", "type": "collection", "entry": entries})


def filled(document: bytes, templates: Mapping[DataGroup, Template]) -> dict[str, Any]:
    return read_bundle(document, templates).prefetch


def answer(
    prefetch: Mapping[str, Any],
    *,
    fetcher: WholeChart | None = None,
    dated: frozenset[DataGroup] = frozenset(),
    ordered: Iterable[Resource] = (),
) -> bytes:
    """The cards of a call as bytes, ids counted; the reason where there is no answer."""
    entries = [{"resource": each} for each in ordered]
    request = CdsRequest(
        hook="order-sign" if entries else "patient-view",
        hook_instance="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        user_id="Practitioner/1",
        patient_id=prefetch["patient"]["id"],
        prefetch={key: msgspec.Raw(encode(value)) for key, value in prefetch.items()},
        draft_orders=msgspec.Raw(encode({"resourceType": "Bundle", "entry": entries}))
        if entries
        else None,
    )
    source = ClinicalDataSource(request, TEMPLATES, cast("Fetcher | None", fetcher), dated)
    ids = itertools.count()
    try:
        made = respond(request, source, KNOWLEDGE, ShowsAll(), T0, lambda: f"id-{next(ids)}")
    except ClinicalDataUnavailable as error:
        return error.message.encode()
    return msgspec.json.encode(made.cards)


def same_cards(document: bytes, ordered: Iterable[Resource] = ()) -> tuple[bool, bool]:
    """Compare; return whether there was a card, and whether older counts were fetched."""
    ordered = list(ordered)
    whole = filled(document, TEMPLATES)
    expected = answer(whole, fetcher=WholeChart(whole), ordered=ordered)
    server = WholeChart(whole)
    short = filled(document, as_filled_on(T0.date(), TEMPLATES, DATED))
    assert answer(short, fetcher=server, dated=DATED, ordered=ordered) == expected
    without = filled(document, as_filled_on(T0.date(), TEMPLATES, WITHOUT_SERVER))
    alone = answer(without, dated=WITHOUT_SERVER, ordered=ordered)
    assert alone == answer(whole, ordered=ordered)
    return expected != b"[]", DataGroup.BLOOD_COUNTS in server.asked


@pytest.mark.parametrize("part", range(PARTS))
def test_random_charts_of_ten_years_have_the_same_cards(part: int) -> None:
    seed = 20261300 + part
    dice = random.Random(seed)
    shown = fetched = 0
    for drawn in random_charts(seed, CHARTS // PARTS):
        document = bundle([*resources(drawn), *history(dice)])
        card, older = same_cards(document, drafts(drawn))
        shown += card
        fetched += older
    assert shown, "charts without any card prove little"
    assert fetched, "charts that never need an older count prove little"


@pytest.mark.parametrize("name", samples.NAMES)
def test_samples_have_the_same_cards(name: str) -> None:
    sample = samples.SAMPLES[name]
    same_cards(encode(samples.sample_bundle(name, T0)), sample.draft_orders(T0))


@pytest.mark.parametrize("given", vignettes(), ids=lambda given: given["id"])
def test_vignettes_have_the_same_cards(given: dict[str, Any]) -> None:
    same_cards(bundle(chart(given)))


PERSON = {"resourceType": "Patient", "id": PATIENT, "gender": "female", "birthDate": "1958"}
LONG_AGO = 1400
"""Days; older than any count that is asked for by date."""


def low_now_normal_long_ago() -> bytes:
    """A pancytopenia of yesterday whose only earlier counts are nearly four years old."""
    made = [
        lab(f"{days}-{code}", code, VALUES[code][1][place], VALUES[code][0], days)
        for days, place in ((1, 1), (LONG_AGO, -1))
        for code in COUNTS
    ]
    return bundle([PERSON, *made])


def test_evidence_from_before_the_first_dose_is_within_the_dates() -> None:
    """The farthest that B12 decides: half a year before a dose of two months ago (3.2)."""
    first_dose = WINDOWS.b12_treatment.days - 1
    deficient = first_dose + WINDOWS.b12_evidence.days - 1
    made = [lab(code, code, VALUES[code][1][1], VALUES[code][0], 1) for code in COUNTS] + [
        lab("b12-now", "2132-9", 1500, "pg/mL", 1),
        lab("b12-then", "2132-9", 90, "pg/mL", deficient),
    ]
    document = bundle([PERSON, *made, administration("11248", -first_dose)])
    assert b"treated-b12-deficiency" in answer(filled(document, TEMPLATES))
    same_cards(document)


def test_the_last_count_before_is_fetched_however_old_it_is() -> None:
    document = low_now_normal_long_ago()
    whole = filled(document, TEMPLATES)
    server = WholeChart(whole)
    short = filled(document, as_filled_on(T0.date(), TEMPLATES, DATED))
    made = answer(short, fetcher=server, dated=DATED)
    day = T0 - timedelta(days=LONG_AGO)
    assert b"Before: Hgb 14.0" in made
    assert f"{day.day} {day:%b %Y}".encode() in made
    assert {DataGroup.BLOOD_COUNTS, DataGroup.DIFFERENTIAL} <= set(server.asked)


def test_a_card_does_not_wait_for_an_older_count_that_cannot_be_fetched() -> None:
    document = low_now_normal_long_ago()
    server = WholeChart(filled(document, TEMPLATES), fails=frozenset({DataGroup.BLOOD_COUNTS}))
    short = filled(document, as_filled_on(T0.date(), TEMPLATES, DATED))
    with capture_logs() as logged:
        made = answer(short, fetcher=server, dated=DATED)
    assert b"incomplete-workup" in made
    assert b"Before: Hgb" not in made
    assert [line["event"] for line in logged].count(Event.OLDER_COUNTS_UNAVAILABLE) == 1


def test_an_empty_answer_to_a_search_by_date_is_asked_for_again() -> None:
    """So does a client answer that searched for `{{today()}}` as it stands."""
    document = low_now_normal_long_ago()
    whole = filled(document, TEMPLATES)
    nothing = {"resourceType": "Bundle", "type": "searchset", "total": 0}
    misread = whole | {group.value: nothing for group in DATED}
    server = WholeChart(whole)
    expected = answer(whole, fetcher=WholeChart(whole))
    assert b"incomplete-workup" in expected
    assert answer(misread, fetcher=server, dated=DATED) == expected
    assert DataGroup.BLOOD_COUNTS in server.asked
    assert b"incomplete-workup" not in answer(misread), "without the setting it is believed"


@pytest.mark.parametrize("dates", [True, False])
def test_the_setting_decides_over_http_too(httpserver: HTTPServer, *, dates: bool) -> None:
    document = low_now_normal_long_ago()
    server = ChartServer(httpserver)
    server.resources = [each["resource"] for each in json.loads(document)["entry"]]
    app = create_app(
        Settings(prefetch_dates=dates, database_url=""), clock=lambda: T0, log_stream=StringIO()
    )
    short = filled(document, as_filled_on(T0.date(), TEMPLATES, DATED))
    body = call(prefetch=short, patient_id=PATIENT, fhirServer=server.base)
    answered = post(app.test_client(), encode(body))
    assert ("Before: Hgb 14.0" in answered.get_data(as_text=True)) == dates
    assert any("718-7" in asked for asked in server.asked) == dates


def test_a_chart_of_ten_years_sends_less_than_a_quarter_of_the_bytes() -> None:
    days = 3650
    drawn = large_chart(PATIENT, T0, 10 * days // DAYS_BETWEEN_VISITS)
    document = bundle(
        each
        for each in drawn
        if each["resourceType"] == "Patient"
        or T0 - datetime.fromisoformat(each["effectiveDateTime"]) <= timedelta(days=days)
    )

    def sent(templates: Mapping[DataGroup, Template]) -> int:
        return sum(len(encode(v)) for k, v in filled(document, templates).items() if k in CORE_KEYS)

    assert sent(as_filled_on(T0.date(), TEMPLATES, DATED)) * 4 < sent(TEMPLATES)
    same_cards(document)
