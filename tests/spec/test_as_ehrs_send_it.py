"""Calls and charts as EHRs and FHIR servers really send them, each beside the clean one."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from service.cli import main
from tests.support.answers import findings_of
from tests.support.chart_server import ChartServer
from tests.support.hook_calls import NOW, PATIENT, PATIENT_ID, call, client, post
from tests.support.written_charts import (
    CHART,
    COUNTS,
    EXPLAIN,
    SNOMED,
    answer,
    bundle,
    condition,
    leading,
    lines,
    observation,
    prefetched,
    respond,
    with_results,
)

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from tests.support.written_charts import Json

MRN = {"system": "urn:oid:1.2.3.4", "value": "MRN-7"}
NUMBERED = PATIENT | {"identifier": [MRN]}
OWN = {"reference": f"Patient/{PATIENT_ID}"}
NARRATIVE_COUNTS = (
    observation("11125-2", 15, "giga.l-1"),
    observation("11156-7", 1.1, "giga.l-1"),
)


@pytest.fixture(scope="module")
def browser() -> FlaskClient:
    return client(database_url="", call_deadline=20)


@pytest.fixture
def server(httpserver: HTTPServer) -> ChartServer:
    held = ChartServer(httpserver)
    held.resources = [PATIENT, *with_results()]
    return held


def about(subject: Json) -> list[Json]:
    """The chart, its results about this subject."""
    return [each | {"subject": subject} for each in with_results()]


def asked(browser: FlaskClient, server: ChartServer, **fields: Any) -> Any:
    return post(browser, call(fhirServer=server.base, extension=EXPLAIN, **fields))


# Whose results are they?


@pytest.mark.parametrize("subject", [{"identifier": MRN}, OWN | {"identifier": MRN}, OWN])
def test_a_subject_by_the_patients_own_identifier_is_the_patient(
    browser: FlaskClient, server: ChartServer, subject: Json
) -> None:
    given = respond(browser, about(subject), patient=NUMBERED)
    assert findings_of(given) == {"pancytopenia-high-b12"}
    server.every_patient = True
    server.resources = [NUMBERED, *about(subject)]
    assert findings_of(asked(browser, server)) == {"pancytopenia-high-b12"}


@pytest.mark.parametrize(
    ("subject", "patient"),
    [
        ({"identifier": MRN | {"value": "MRN-8"}}, NUMBERED),
        ({"identifier": MRN}, PATIENT),
        ({"display": "Ann Example"}, PATIENT),
    ],
)
def test_counts_of_nobody_that_is_known_are_refused_aloud(
    browser: FlaskClient, subject: Json, patient: Json
) -> None:
    given = respond(browser, about(subject), patient=patient)
    assert given.status_code == 412
    assert "not measured" not in given.get_data(as_text=True)
    assert "whose they are" in given.get_data(as_text=True)


# Counts where nobody looks for them


@pytest.mark.parametrize("keys", ["all", "without a differential"])
def test_numbers_under_the_codes_of_film_narratives_are_named(
    browser: FlaskClient, keys: str
) -> None:
    """The client of the second case never sends a differential; what it sent is named all the same.

    Without such numbers a differential that cannot be had refuses the call.
    """
    hemoglobin = observation("718-7", 8.1, "g/dL")
    sent = prefetched([hemoglobin, *NARRATIVE_COUNTS])
    if keys != "all":
        del sent["differential"]
    given = post(browser, call(prefetch=sent, extension=EXPLAIN))
    assert findings_of(given) == {"data-quality"}
    (card,) = given.json["cards"]  # type: ignore[index]
    assert "leukocytes 1.1 giga.l-1 (code does not fit the result)" in card["detail"]
    explained = given.json["extension"]["heme-hooks"]  # type: ignore[index]
    unchecked = "the white cell differential" in explained.get("couldNotCheck", [])
    assert unchecked is (keys != "all")
    if keys != "all":
        alone = {**prefetched([hemoglobin])}
        del alone["differential"]
        assert findings_of(post(browser, call(prefetch=alone))) == {"412"}


def test_the_narrative_code_of_one_line_hides_no_other(browser: FlaskClient) -> None:
    given = respond(browser, with_results(*NARRATIVE_COUNTS, without=["6690-2", "751-8", "777-3"]))
    assert "data-quality" in findings_of(given)
    given = respond(browser, with_results(*NARRATIVE_COUNTS))
    assert findings_of(given) == {"pancytopenia-high-b12"}


@pytest.mark.parametrize("where", ["server", "nowhere"])
def test_a_panel_whose_members_did_not_come_along(
    browser: FlaskClient, server: ChartServer, where: str
) -> None:
    members = [{"reference": f"Observation/o-{code}"} for code in COUNTS]
    panel = observation("58410-2", hasMember=members)
    sent = prefetched([panel, *with_results(without=COUNTS)])
    if where == "nowhere":
        assert findings_of(post(browser, call(prefetch=sent))) == {"412"}
    else:
        given = asked(browser, server, prefetch=sent)
        assert findings_of(given) == {"pancytopenia-high-b12"}


# The rest of the chart

BLEEDING = [
    observation("718-7", 9.5, "g/dL"),
    observation("6690-2", 6.4, "10*3/uL"),
    observation("751-8", 4.1, "10*3/uL"),
    observation("777-3", 90, "10*3/uL"),
]
CLASSES = [
    {"system": "urn:oid:1.2.840.114350.1.72.1.7.7.10.1.13260", "code": "3", "display": "Inpatient"},
    {"code": "inpatient"},
    {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
]


def encounter(**more: Any) -> Json:
    began = (NOW - timedelta(days=3)).isoformat()
    made = {"resourceType": "Encounter", "id": "e1", "status": "in-progress", "subject": OWN}
    return made | {"period": {"start": began}} | more


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: str(kind["code"]))
def test_a_hospital_stay_is_known_by_local_code_and_word(browser: FlaskClient, kind: Json) -> None:
    given = respond(browser, [*BLEEDING, encounter(**{"class": kind})])
    assert findings_of(given) == set()
    at_home = {"system": CLASSES[2]["system"], "code": "AMB"}
    for outside in ([], [encounter(**{"class": at_home})]):
        assert findings_of(respond(browser, [*BLEEDING, *outside])) == {"bicytopenia"}


LEUKEMIA = "Acute myeloid leukemia"
AML = {"coding": [{"system": SNOMED, "code": "91861009", "display": LEUKEMIA}]}


@pytest.mark.parametrize("code", [{"text": LEUKEMIA}, AML])
def test_a_known_leukemia_in_words_is_known_as_one_by_code(
    browser: FlaskClient, code: Json
) -> None:
    earlier = (NOW - timedelta(days=40)).isoformat()
    before = [
        observation(each, *CHART[each], id=f"before-{each}", effectiveDateTime=earlier)
        for each in COUNTS
    ]
    for results in ([], before):
        resources = [*with_results(), *results, condition(code)]
        given = respond(browser, resources)
        assert "marrow" not in json.dumps(given.json["cards"]).lower()  # type: ignore[index]
        # Counts that were as low before are nothing new to the treating team (3.2).
        expected = set() if results else {"known-hematologic-disorder"}
        assert findings_of(given) == expected


@pytest.mark.parametrize("issued", [False, True])
def test_a_correction_under_a_new_id_governs_with_and_without_issued(
    browser: FlaskClient, issued: bool
) -> None:
    first: Json = {"issued": (NOW - timedelta(hours=20)).isoformat()} if issued else {}
    later: Json = {"issued": (NOW - timedelta(hours=10)).isoformat()} if issued else {}
    wrong = observation("718-7", 8.9, "g/dL", id="wrong", **first)
    right = observation("718-7", 12.9, "g/dL", id="right", status="corrected", **later)
    for results in ((wrong, right), (right, wrong)):
        given = answer(browser, *results)
        assert lines(given)["Hgb"] == "normal"
        assert "contradict" not in json.dumps(given["cards"])


# The call and the server

TOKEN = {"access_token": "abc", "token_type": "Bearer", "scope": "patient/*.read", "subject": "s"}


@pytest.mark.parametrize("more", [{}, {"expires_in": 300}, {"expires_in": None, "scope": None}])
def test_what_the_answer_does_not_need_may_be_missing(browser: FlaskClient, more: Json) -> None:
    fields = {"fhirServer": "http://127.0.0.1:9/fhir", "fhirAuthorization": TOKEN | more}
    given = respond(browser, with_results(), **fields)
    assert leading(given.json) == "pancytopenia-high-b12"  # type: ignore[arg-type]


@pytest.mark.parametrize("most", [100, 0])
def test_a_server_that_refuses_a_page_size_is_asked_without_one(
    browser: FlaskClient, server: ChartServer, most: int
) -> None:
    def too_many(request: Request) -> bool:
        return int(request.args.get("_count", 0)) > most

    server.refuses = too_many
    assert findings_of(asked(browser, server)) == {"pancytopenia-high-b12"}
    for _ in range(2):
        server.asked.clear()
        assert findings_of(asked(browser, server)) == {"pancytopenia-high-b12"}
    # Learned: the page size is left out from now on.
    assert not [query for query in server.asked if "_count" in query and "_offset" not in query]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def test_the_day_of_try_is_that_whole_day_where_the_person_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    import time

    taken = "2026-06-14T14:00:00+00:00"
    chart = [PATIENT, *(each | {"effectiveDateTime": taken} for each in with_results())]
    path = tmp_path / "chart.json"
    path.write_text(json.dumps(bundle(*chart)))
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        tried = [
            CliRunner().invoke(main, ["try", "--bundle", str(path), "--at", day]).stdout
            for day in ("2026-06-13", "2026-06-14", "2026-06-15")
        ]
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    # At 14:00 UTC it is already the next day in Auckland.
    first = 2 if zone == "Pacific/Auckland" else 1
    assert ["pancytopenia-high-b12" in out for out in tried] == [
        place >= first for place in range(3)
    ]
