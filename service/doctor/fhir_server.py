"""The FHIR server: can it be reached, its CapabilityStatement, its clock, and each of our searches.

Every search of a hook call is made once as the call makes it, for a patient that a person names.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from fhir_mappings.panel import DataGroup
from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.doctor.checks import Check, ok, warning, wrong
from service.fhir_client.failures import Failure, FailureKind, FetchFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from service.base_urls import BaseUrl
    from service.cds_hooks.prefetch_template import Template
    from service.doctor.probe import Answer, Probe

ADDRESS, CAPABILITIES, CLOCK, SEARCH = "address", "capabilities", "clock", "search"

INDISPENSABLE = (DataGroup.PATIENT, DataGroup.BLOOD_COUNTS, DataGroup.DIFFERENTIAL)
"""Without them a call is answered with 412."""

LATE, TOO_LATE = timedelta(seconds=30), timedelta(minutes=5)
CODES_PER_SEARCH = 20

_COUNT = re.compile(r"[?&]_count=[0-9]+")
_REFUSED = frozenset({400, 404, 405, 406, 414, 422, 501})

_REACH = {
    FailureKind.TLS: "Name the certificate authority in HEME_HOOKS_FHIR_CA_FILE.",
    FailureKind.NAME: "Check the host name, and the DNS of this machine.",
    FailureKind.DEADLINE: "Check the firewall between this machine and the server.",
    FailureKind.REDIRECT: "Name the address that it redirects to: redirects are not followed.",
}
_REACH_OTHERWISE = "Check address, port and firewall, and that the server runs."


class _Named(msgspec.Struct):
    name: str = ""


class _Resource(msgspec.Struct):
    type: str = ""
    searchParam: list[_Named] = []


class _Rest(msgspec.Struct):
    resource: list[_Resource] = []


class _Capabilities(msgspec.Struct):
    resourceType: str = ""
    fhirVersion: str = ""
    rest: list[_Rest] = []


def check_address(base: BaseUrl, *, is_allowed: bool, setting: str) -> Iterator[Check]:
    """Whether the address is safe, and whether calls may name it."""
    if base.scheme != "https" and not base.is_loopback:
        yield warning(ADDRESS, "is not https", "Production refuses it: ask for the https address.")
    if is_allowed:
        yield ok(ADDRESS, f"calls may name {base}")
    else:
        yield wrong(ADDRESS, f"calls may not name {base}", f"Add it to {setting}.")


def check_capabilities(
    probe: Probe, templates: Mapping[DataGroup, Template], now: datetime
) -> Iterator[Check]:
    """Ask for the CapabilityStatement: reachability, TLS, clock, resources and parameters."""
    try:
        answer = probe.get("metadata")
    except FetchFailed as failed:
        kind = failed.failure.kind
        yield wrong(ADDRESS, failed.failure.sentence, _REACH.get(kind, _REACH_OTHERWISE))
        return
    yield from check_clock(answer.clock, now)
    if answer.failure is not None:
        remedy = _REACH.get(answer.failure.kind, "Is this the FHIR base address?")
        yield wrong(CAPABILITIES, f"/metadata: {answer.failure.sentence}", remedy)
        return
    yield from _statement(answer, templates)


def check_clock(clock: datetime | None, now: datetime) -> Iterator[Check]:
    """Compare the server's clock (header Date) with ours."""
    if clock is None:
        yield warning(CLOCK, "the server does not tell its time", "Compare the clocks by hand.")
        return
    off = clock - now
    seconds = round(abs(off.total_seconds()))
    side = "ahead of" if off > timedelta() else "behind"
    text = f"the FHIR server's clock is {seconds} s {side} ours"
    if abs(off) > TOO_LATE:
        yield wrong(
            CLOCK,
            text,
            "Set both clocks (NTP): tokens are refused, and results more than an hour in the "
            "future are not used.",
        )
    elif abs(off) > LATE:
        yield warning(CLOCK, text, "Set both clocks (NTP).")
    else:
        yield ok(CLOCK, "within 30 s of ours")


def _statement(answer: Answer, templates: Mapping[DataGroup, Template]) -> Iterator[Check]:
    try:
        stated = msgspec.json.decode(answer.body, type=_Capabilities)
    except DECODE_ERRORS:
        stated = _Capabilities()
    if stated.resourceType != "CapabilityStatement":
        yield wrong(
            CAPABILITIES, "/metadata is no CapabilityStatement", "Is this the FHIR base address?"
        )
        return
    if stated.fhirVersion.startswith("4.0"):
        yield ok(CAPABILITIES, f"FHIR {stated.fhirVersion}")
    else:
        yield wrong(
            CAPABILITIES,
            f"FHIR version {_short(stated.fhirVersion) or 'not told'}, not 4.0",
            "Ask for the address of the R4 endpoint.",
        )
    known = {
        each.type: {parameter.name for parameter in each.searchParam}
        for rest in stated.rest
        for each in rest.resource
    }
    missing = dict.fromkeys(
        template.resource_type
        for template in templates.values()
        if template.resource_type not in known
    )
    for kind in missing:
        keys = ", ".join(g.value for g, t in templates.items() if t.resource_type == kind)
        needed = any(templates[group].resource_type == kind for group in INDISPENSABLE)
        make = wrong if needed else warning
        yield make(CAPABILITIES, f"{kind} is not among the resources ({keys})", _without(kind))
    yield from _parameters(known, templates)


def _parameters(
    known: Mapping[str, set[str]], templates: Mapping[DataGroup, Template]
) -> Iterator[Check]:
    unsaid: dict[str, None] = {}
    for template in templates.values():
        names = {name for name, _ in template.parameters if not name.startswith("_")}
        for name in sorted(names - known.get(template.resource_type, names)):
            unsaid[f"{template.resource_type}.{name}"] = None
    if unsaid:
        yield warning(
            CAPABILITIES,
            f"search parameters not listed: {', '.join(unsaid)}",
            "Servers often list too little: --patient tries each search.",
        )


def check_searches(
    probe: Probe, templates: Mapping[DataGroup, Template], patient_id: str
) -> Iterator[Check]:
    """Make the first search of each prefetch key as a call would, and report the outcome."""
    good: list[str] = []
    for group, template in templates.items():
        query = (
            f"{template.resource_type}/{patient_id}"
            if template.is_read
            else template.queries(patient_id, CODES_PER_SEARCH)[0]
        )
        failure = _tried(probe, query)
        if failure is None:
            good.append(group.value)
        else:
            yield _search_failed(probe, group, template, query, failure)
            if failure.status == 401:
                return
    if good:
        yield ok(SEARCH, f"answered: {', '.join(good)}")


def _tried(probe: Probe, query: str) -> Failure | None:
    try:
        return probe.get(query).failure
    except FetchFailed as failed:
        return failed.failure


def _search_failed(
    probe: Probe, group: DataGroup, template: Template, query: str, failure: Failure
) -> Check:
    make = wrong if group in INDISPENSABLE else warning
    topic, kind = f"{SEARCH} {group.value}", template.resource_type
    if failure.status == 401:
        return wrong(
            topic,
            failure.sentence,
            "Is the token of --token-file expired, or of another server? Get a new one.",
        )
    if failure.status == 403:
        scope = f"patient/{kind}.{'r' if template.is_read else 's'}"
        return make(
            topic, failure.sentence, f"Ask for the scope {scope} (v1: patient/{kind}.read)."
        )
    refused = failure.kind is FailureKind.OUTCOME or failure.status in _REFUSED
    if refused and _COUNT.search(query) and _tried(probe, _COUNT.sub("", query)) is None:
        return warning(
            topic,
            "the server refuses _count",
            "Nothing to do: it is asked again without; the log says so once an hour.",
        )
    if refused and template.codes:
        by_category = template.query_by_category("x", "laboratory").partition("?")[0]
        return make(
            topic,
            f"{failure.sentence}: the search by code is refused",
            f"The service falls back to {by_category}?category=laboratory: check that it works.",
        )
    if group is DataGroup.FILM_REPORTS:
        return make(topic, failure.sentence, _WITHOUT_FILM_REPORTS)
    return make(topic, failure.sentence, _without(kind))


_WITHOUT_FILM_REPORTS = (
    "Films described in reports alone are read only where a card may follow; no call ends by it."
)

_OPTIONAL = {
    "MedicationStatement": "Medicines that are only stated, not prescribed here, are not seen",
    "Appointment": "Visits to hematology that are planned are not seen",
}
"""What many servers do not offer, and what is missed then."""


def _without(kind: str) -> str:
    if kind in _OPTIONAL:
        return f"{_OPTIONAL[kind]}: a card says so where it could change it, the log once an hour."
    if kind in {"Patient", "Observation"}:
        return "Without it calls are answered with 412."
    return "Cards say that it could not be checked: ask the vendor for it."


def _short(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z.-]", "", text)[:20]
