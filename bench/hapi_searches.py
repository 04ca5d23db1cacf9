"""What retrieval costs on a real FHIR server: `python -m bench.hapi_searches URL`.

First the code lists, cut to different sizes, searched side by side. Then whole hook calls beside
the same searches issued bare. Rounds are interleaved, so that a busy machine slows all alike. The
FHIR server gets charts of its own (`bench-...`) and keeps them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING

import msgspec
import requests
from requests.adapters import HTTPAdapter

from bench import hapi_charts
from service import samples
from service.app import create_app
from service.cds_hooks.discovery import load_catalogue
from service.clinical_data.gathered import FIRST_STAGE, SECOND_STAGE
from service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flask.testing import FlaskClient

    from fhir_mappings.panel import DataGroup

CUTS = {"10": 10, "20": 20, "40": 40, "whole": 500}
ROUNDS = 5
DEADLINE = 60
HEADERS = {"Accept": "application/fhir+json", "Cache-Control": "no-cache"}
RATIO_GOAL = 1.2
EXTRA_GOAL_MS = 15


class _Link(msgspec.Struct):
    relation: str
    url: str


class _Page(msgspec.Struct):
    link: list[_Link] = []


class BareClient:
    """The least that gets the same bytes: a pooled session, threads, next links."""

    def __init__(self, base: str, workers: int) -> None:
        self._base = base
        self._executor = ThreadPoolExecutor(workers)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("http://", HTTPAdapter(pool_maxsize=workers))
        self.requests = 0

    def run(self, queries: Iterable[str]) -> None:
        """Issue the searches side by side, each to its last page."""
        self.requests += sum(self._executor.map(self._pages, queries))

    def _pages(self, query: str) -> int:
        url, count = f"{self._base}/{query}", 0
        while url:
            answer = self._session.get(url, headers=HEADERS, timeout=DEADLINE)
            answer.raise_for_status()
            links = msgspec.json.decode(answer.content, type=_Page).link
            url = next((link.url for link in links if link.relation == "next"), "")
            count += 1
        return count


def queries_of(groups: Iterable[DataGroup], patient: str, most_codes: int) -> list[str]:
    """The searches of a stage as the service cuts them."""
    templates = load_catalogue().templates
    return [
        query
        for group in groups
        for query in (
            [f"{templates[group].resource_type}/{patient}"]
            if templates[group].is_read
            else templates[group].queries(patient, most_codes)
        )
    ]


def timed(action: Callable[[], object]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


def interleaved(
    actions: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, tuple[float, float]]:
    """The median and the least milliseconds of each, after one round that does not count."""
    spent: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(rounds + 1):
        for name, action in actions.items():
            taken = timed(action)
            if number:
                spent[name].append(taken)
    return {name: (statistics.median(each), min(each)) for name, each in spent.items()}


def compare_cuts(base: str, workers: int, rounds: int) -> None:
    """Print how long each stage takes with code lists cut to each size."""
    print("\nObservations  stage   codes  searches  requests  median ms  least ms")
    for size in hapi_charts.SIZES:
        patient = hapi_charts.patient_of(size, normal=False)
        for stage, groups in (("first", FIRST_STAGE), ("second", SECOND_STAGE)):
            queries = {name: queries_of(groups, patient, most) for name, most in CUTS.items()}
            clients = {name: BareClient(base, workers) for name in CUTS}
            spent = interleaved(
                {name: partial(clients[name].run, queries[name]) for name in CUTS}, rounds
            )
            for name, (median, least) in spent.items():
                asked = clients[name].requests // (rounds + 1)
                print(
                    f"{size:>12}  {stage:<6} {name:>6} {len(queries[name]):>9} {asked:>9}"
                    f" {median:>10.0f} {least:>9.0f}"
                )


def compare_calls(base: str, settings: Settings, rounds: int) -> None:
    """Print what whole calls take beside the same searches issued bare."""
    print(
        "\nObservations  patient   requests  call ms  bare ms  ratio  more ms  least call/bare"
        f"  goal {RATIO_GOAL} x + {EXTRA_GOAL_MS} ms"
    )
    service = create_app(settings, log_stream=StringIO()).test_client()
    for size in (hapi_charts.SIZES[0], hapi_charts.SIZES[-1]):
        for normal in (True, False):
            patient = hapi_charts.patient_of(size, normal=normal)
            bare = BareClient(base, settings.parallel_searches)
            stages = (FIRST_STAGE,) if normal else (FIRST_STAGE, SECOND_STAGE)
            queries = [queries_of(stage, patient, settings.codes_per_search) for stage in stages]
            actions = {
                "call": partial(call, service, base, patient, card=not normal),
                "bare": partial(_run_all, bare, queries),
            }
            spent = interleaved(actions, rounds)
            (mine, least), (yardstick, least_bare) = spent["call"], spent["bare"]
            met = mine <= RATIO_GOAL * yardstick + EXTRA_GOAL_MS
            print(
                f"{size:>12}  {'normal' if normal else 'abnormal':<8}"
                f" {bare.requests // (rounds + 1):>9} {mine:>8.0f} {yardstick:>8.0f}"
                f" {mine / yardstick:>6.2f} {mine - yardstick:>8.0f}"
                f" {least:>8.0f}/{least_bare:<6.0f}  {'met' if met else 'missed'}"
            )


def call(service: FlaskClient, base: str, patient: str, *, card: bool) -> None:
    """One hook call with nothing prefetched; ends the run unless it has (or lacks) a card."""
    body = samples.hook_call(samples.SEED, datetime.fromtimestamp(0, tz=UTC), fhir_server=base)
    body["context"]["patientId"] = patient
    answer = service.post("/cds-services/pancytopenia-patient-view", json=body)
    if answer.status_code != requests.codes.ok or bool((answer.json or {})["cards"]) is not card:
        raise SystemExit(f"hapi_searches: the call for {patient} gave {answer.status_code}")


def _run_all(bare: BareClient, stages: list[list[str]]) -> None:
    for queries in stages:
        bare.run(queries)


def main() -> None:
    """Load the charts, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.hapi_searches")
    parser.add_argument("base", help="the base URL of a FHIR server that may be written to")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--no-load", action="store_true", help="the charts are there already")
    parser.add_argument("--only", choices=("cuts", "calls"))
    given = parser.parse_args()
    base = given.base.rstrip("/")
    settings = Settings(call_deadline=DEADLINE, fhir_servers=(base,), database_url="")
    with ExitStack() as stack:
        session = stack.enter_context(requests.Session())
        session.trust_env = False
        if not given.no_load:
            hapi_charts.load(base, session, datetime.fromtimestamp(time.time(), tz=UTC))
        if given.only != "calls":
            compare_cuts(base, settings.parallel_searches, given.rounds)
        if given.only != "cuts":
            compare_calls(base, settings, given.rounds)


if __name__ == "__main__":
    main()
