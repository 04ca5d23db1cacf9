"""All FHIR that is shipped or emitted obeys HL7's own rules, as HAPI's validator applies them."""

from __future__ import annotations

import json
from itertools import chain
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from fhir_mappings.vocabulary.orders import ORDERS, draft_order
from service import samples
from service.cli import main as heme_hooks
from service.commands.worked_examples import responses
from service.errors import ClinicalDataUnavailable, InvalidHookCall
from service.routes.operation_outcome import operation_outcome
from service.samples.chart import TAG_CODE, TAG_SYSTEM
from service.samples.year import persons
from tests.support.servers import errors_by_hl7s_rules

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

BASE = "https://ehr.example/fhir"
NOT_CHECKED_OFFLINE = (
    "crmi-publishableplandefinition",
    "Unable to resolve package id hl7.fhir.r4.core",
)
"""A profile of an implementation guide, and snapshots, for which a package server is asked."""

OF_A_KIND = 40
"""Resources of a kind that are taken from the made-up year."""


def collection(resources: Iterable[dict[str, Any]]) -> dict[str, Any]:
    entries = [
        {
            "fullUrl": f"{BASE}/{each['resourceType']}/{each.get('id', f'none-{number}')}",
            "resource": {"id": f"none-{number}", **each},
        }
        for number, each in enumerate(resources)
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def drafts_on_cards() -> list[dict[str, Any]]:
    """The resources in the suggestions of every sample patient's cards."""
    cards = [card for response in responses().values() for card in response["cards"]]
    suggestions = chain.from_iterable(card.get("suggestions", ()) for card in cards)
    actions = chain.from_iterable(each["actions"] for each in suggestions)
    return [action["resource"] for action in actions if "resource" in action]


def drafts_of_every_order() -> list[dict[str, Any]]:
    return [
        draft_order(
            order,
            patient_id="p1",
            encounter_id="e1",
            priority=priority,
            intent=intent,
            reason=reason,
            supporting=("Observation/o1",),
            note="Before the first dose of vitamin B12.",
        )
        for order in ORDERS
        for priority, intent, reason in (
            ("routine", "proposal", "pancytopenia"),
            ("stat", "order", "bicytopenia"),
        )
    ]


def year() -> list[dict[str, Any]]:
    """Some of each kind of resource of the export that `make backtest-demo` judges."""
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for resource in chain.from_iterable(persons()):
        by_kind.setdefault(resource["resourceType"], []).append(resource)
    return [each for kind in by_kind.values() for each in kind[:: max(1, len(kind) // OF_A_KIND)]]


class Recorder:
    """A FHIR server that holds something of an older sample, and keeps what is posted."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        tags = [{"system": TAG_SYSTEM, "code": code} for code in (TAG_CODE, "index-pattern")]
        stale = {"resourceType": "Procedure", "id": "heme-hooks-index-pattern-gone"}
        self._held = {"resourceType": "Bundle", "type": "searchset"}
        self._stale = {**self._held, "entry": [{"resource": {**stale, "meta": {"tag": tags}}}]}

    def request(self, method: str, url: str, **given: Any) -> SimpleNamespace:
        if method == "POST":
            self.posted.append(json.loads(given["data"]))
        found = self._stale if url.endswith("/Procedure") else self._held
        return SimpleNamespace(status_code=200, url=url, json=lambda: found)


def transactions_of_the_loader(now: datetime) -> list[dict[str, Any]]:
    """Bundles that write a sample and delete what is no longer part of it, and that remove it."""
    server = Recorder()
    samples.load(BASE, server, now, ["index-pattern"])  # type: ignore[arg-type]
    samples.remove(BASE, server, ["index-pattern"])  # type: ignore[arg-type]
    methods = {entry["request"]["method"] for each in server.posted for entry in each["entry"]}
    assert methods == {"PUT", "DELETE"}
    return server.posted


def errors() -> list[dict[str, Any]]:
    details = (("bloodCounts", "HTTP status 500"), ("patient", "no answer in time"))
    return [
        operation_outcome(ClinicalDataUnavailable("Data are missing", details=details), "r-1"),
        operation_outcome(InvalidHookCall("There is no hook", expression="hook"), "r-2"),
    ]


WRONG = {
    "wrong-status": {"resourceType": "Observation", "status": "bogus", "code": {"text": "x"}},
    "wrong-entry": collection([{"resourceType": "Patient"}])
    | {"entry": [{"resource": {"resourceType": "Patient", "id": "a"}}]},
    "wrong-unit": {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "valueQuantity": {"value": 1, "system": "http://unitsofmeasure.org", "code": "gm/dL"},
    },
}
"""A breach each of a binding, of an invariant and of the units: a silent validator is seen."""


def export(*options: str) -> dict[str, Any]:
    """What `heme-hooks knowledge export` prints."""
    done = CliRunner().invoke(heme_hooks, ["knowledge", "export", *options])
    assert done.exit_code == 0
    exported: dict[str, Any] = json.loads(done.stdout)
    return exported


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, now: datetime) -> list[tuple[str, str]]:
    """The errors in all that is shipped and emitted, and in what is wrong: file and message."""
    made = tmp_path_factory.mktemp("fhir")
    emitted = {f"sample-{name}": samples.sample_bundle(name, now) for name in samples.NAMES}
    emitted["drafts-on-cards"] = collection(drafts_on_cards())
    emitted["drafts"] = collection(drafts_of_every_order())
    emitted["year"] = collection(year())
    emitted["errors"] = collection(errors())
    emitted["export"] = export()
    emitted["export-all"] = export("--all")
    for number, bundle in enumerate(transactions_of_the_loader(now)):
        emitted[f"transaction-{number}"] = bundle
    for name, resource in (emitted | WRONG).items():
        (made / f"{name}.json").write_text(json.dumps(resource), "utf-8")
    told = [error.partition("\t") for error in errors_by_hl7s_rules(made)]
    return [(file.removesuffix(".json"), error) for file, _, error in told]


def test_all_that_is_shipped_and_emitted_is_valid(found: list[tuple[str, str]]) -> None:
    assert [
        (file, error)
        for file, error in found
        if file not in WRONG and not any(why in error for why in NOT_CHECKED_OFFLINE)
    ] == []


def test_the_rules_are_applied(found: list[tuple[str, str]]) -> None:
    assert {file for file, _ in found} >= WRONG.keys()
