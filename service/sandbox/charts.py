"""A chart as a CDS Client would prefetch it: of a sample, of a Bundle, of a patient on a server.

Every prefetch key is there, so that the page can choose which of them the call sends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from fhir_mappings.panel import DataGroup
from fhir_mappings.r4.decoding import DECODE_ERRORS
from service import samples
from service.base_urls import BaseUrl, parse_base_url
from service.cds_hooks.bundle_prefetch import BundleNotUsable, encode, read_bundle, searchset
from service.error_codes import ErrorCode
from service.errors import ClientNotAllowed, InvalidHookCall
from service.fhir_client.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from service.cds_hooks.prefetch_template import Template
    from service.clinical_data.fetching import Fetcher
    from service.settings import Settings

Json = dict[str, Any]
Templates = "Mapping[DataGroup, Template]"


@dataclass(slots=True)
class ChartForPage:
    """One patient's chart. `unavailable` says per key why it was not available."""

    patient_id: str
    prefetch: dict[str, Any]
    hook: str = "patient-view"
    drafts: list[Json] = field(default_factory=list)
    unavailable: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """JSON with the digits of every number unchanged."""
        return encode(
            {
                "patientId": self.patient_id,
                "prefetch": self.prefetch,
                "hook": self.hook,
                "draftOrders": searchset(self.drafts) if self.drafts else None,
                "unavailable": self.unavailable,
            }
        )


def sample_chart(name: str, now: datetime, templates: Mapping[DataGroup, Template]) -> ChartForPage:
    """A sample patient's chart, dated back from `now`. Raises InvalidHookCall for no sample."""
    sample = samples.SAMPLES.get(name)
    if sample is None:
        raise _invalid("There is no sample patient of that name", "sample")
    bundle = msgspec.json.encode(samples.sample_bundle(name, now))
    call = read_bundle(bundle, templates)
    return ChartForPage(call.patient_id, call.prefetch, sample.hook, sample.draft_orders(now))


def bundle_chart(
    document: bytes, patient_id: str | None, templates: Mapping[DataGroup, Template]
) -> ChartForPage:
    """The chart in a Bundle of any type. Raises InvalidHookCall when it holds no one patient."""
    try:
        call = read_bundle(document, templates, patient_id)
    except BundleNotUsable as error:
        raise _invalid(str(error).replace("--patient ID", "its id"), "bundle") from None
    hook = "order-select" if call.drafts else "patient-view"
    return ChartForPage(call.patient_id, call.prefetch, hook, call.drafts)


def server_chart(fetcher: Fetcher, patient_id: str) -> ChartForPage:
    """A patient's chart from a FHIR server; a key whose search failed is left out."""
    chart = ChartForPage(patient_id, {})
    for group, fetched in fetcher.fetch(dict.fromkeys(DataGroup)).items():
        if isinstance(fetched.answer, Failure):
            chart.unavailable[group.value] = fetched.answer.sentence
        elif group is DataGroup.PATIENT:
            chart.prefetch[group.value] = msgspec.Raw(fetched.answer[0])
        else:
            chart.prefetch[group.value] = _joined(fetched.answer)
    return chart


def allowed_server(text: str, settings: Settings) -> BaseUrl:
    """The FHIR server that the page names. Raises InvalidHookCall or ClientNotAllowed."""
    try:
        base = parse_base_url(text)
    except ValueError as error:
        raise _invalid(f"The FHIR server's address {error}", "server") from None
    if not settings.allows_fhir_server(base):
        raise ClientNotAllowed(
            "This FHIR server is not among those that the service may use; list its base URL in "
            "HEME_HOOKS_FHIR_SERVERS",
            code=ErrorCode.FHIR_SERVER_NOT_ALLOWED,
            expression="server",
        )
    return base


class _Page(msgspec.Struct):
    entry: list[msgspec.Raw] | None = None


_PAGE = msgspec.json.Decoder(_Page)


def _joined(pages: tuple[bytes, ...]) -> Json:
    """The pages of one search as one Bundle without a next link, as after the client's paging."""
    entries: list[msgspec.Raw] = []
    for page in pages:
        try:
            entries += _PAGE.decode(page).entry or []
        except DECODE_ERRORS:
            continue
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(entries),
        "entry": entries,
    }


def _invalid(message: str, expression: str) -> InvalidHookCall:
    return InvalidHookCall(message, code=ErrorCode.INVALID_SANDBOX_REQUEST, expression=expression)
