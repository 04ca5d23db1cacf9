"""Whether searches by date may replace those without, where HEME_HOOKS_PREFETCH_DATES is on.

Only the CDS Client can show that it resolves `{{today()}}`; what the FHIR server does with the
date, and whether its results have one, is asked here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.cds_hooks.prefetch_dates import as_filled_on
from service.doctor.checks import Check, ok, warning, wrong
from service.doctor.fhir_server import CODES_PER_SEARCH
from service.fhir_client.failures import FetchFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from fhir_mappings.panel import DataGroup
    from service.cds_hooks.prefetch_template import Template
    from service.doctor.probe import Answer, Probe

DATES = "prefetch by date"
_OFF = "Switch HEME_HOOKS_PREFETCH_DATES off."


class _Observation(msgspec.Struct, gc=False):
    resourceType: str = ""
    effectiveDateTime: str = ""
    effectiveInstant: str = ""
    effectivePeriod: msgspec.Raw = msgspec.Raw(b"")


class _Entry(msgspec.Struct, gc=False):
    resource: _Observation | None = None


class _Page(msgspec.Struct):
    entry: list[_Entry] | None = None


_PAGE = msgspec.json.Decoder(_Page)


def check_dates(
    probe: Probe,
    templates: Mapping[DataGroup, Template],
    dated: frozenset[DataGroup],
    patient_id: str,
    today: date,
) -> Iterator[Check]:
    """Make the searches of the keys in `dated` as a CDS Client fills them today."""
    if not dated:
        return
    searches = as_filled_on(today, templates, dated)
    good: list[str] = []
    for group in (group for group in templates if group in dated):
        try:
            failure = _first(probe, searches[group], patient_id).failure
            whole = _first(probe, templates[group], patient_id)
        except FetchFailed as failed:
            failure = failed.failure
        if failure is not None:
            yield wrong(f"{DATES} {group.value}", failure.sentence, _OFF)
        elif whole.failure is None and (undated := _without_time(whole.body)):
            yield warning(
                f"{DATES} {group.value}",
                f"{undated} results have no effective time: a search by date does not find them",
                f"{_OFF[:-1]}, or have the laboratory interface send the time of the specimen.",
            )
        else:
            good.append(group.value)
    if good:
        yield ok(DATES, f"answered, every result has a time: {', '.join(good)}")
    yield warning(
        DATES,
        "whether the CDS Client resolves {{today() - N days}} cannot be seen from here",
        "Ask its vendor, and look at a call: a Bundle that is always empty was searched for as is.",
    )


def _first(probe: Probe, template: Template, patient_id: str) -> Answer:
    return probe.get(template.queries(patient_id, CODES_PER_SEARCH)[0])


def _without_time(body: bytes) -> int:
    try:
        entries = _PAGE.decode(body).entry or []
    except DECODE_ERRORS:
        return 0
    return sum(
        not (each.effectiveDateTime or each.effectiveInstant or each.effectivePeriod)
        for entry in entries
        if (each := entry.resource) is not None and each.resourceType == "Observation"
    )
