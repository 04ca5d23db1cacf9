"""`heme-hooks try`: one hook call as a CDS Client would make it, its answer for a person.

The call goes through HTTP to a running service, or through the same Flask application in this
process; either way nothing is interpreted here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import msgspec

from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.cds_client.refusals import refusal
from service.cds_hooks import bundle_prefetch
from service.cds_hooks.bundle_prefetch import BundleCall, BundleNotUsable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fhir_mappings.panel import DataGroup
    from service.cds_hooks.prefetch_template import Template

Json = dict[str, Any]

EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_DATA_UNAVAILABLE = 3
EXIT_UNREACHABLE = 4

_TIMEOUT = 60.0
_USER = "Practitioner/heme-hooks-try"


class TryFailed(Exception):
    """The call did not give cards: one sentence for a person, and an exit code.

    `answer` is what the service answered, where it did.
    """

    def __init__(self, message: str, exit_code: int, answer: bytes = b"") -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.answer = answer


class Transport(Protocol):
    """How the call reaches the service: over HTTP or within this process."""

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Send one JSON body; return the status and the answer. Raises TryFailed."""
        ...


@dataclass(frozen=True, slots=True)
class TryOptions:
    """What the person asked for. Either `fhir_server` with `patient_id`, or `bundle`."""

    hook: str = "patient-view"
    fhir_server: str | None = None
    patient_id: str | None = None
    token_file: Path | None = None
    bundle: Path | None = None
    drafts: Path | None = None
    user_id: str = _USER
    explain: bool = False


class HttpTransport:
    """A service that runs somewhere."""

    def __init__(self, service_url: str) -> None:
        self._base = service_url.rstrip("/").removesuffix("/cds-services")

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Send the call over HTTP."""
        import requests

        try:
            answer = requests.post(
                f"{self._base}{path}",
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=_TIMEOUT,
                allow_redirects=False,
            )
        except (requests.RequestException, ValueError) as error:
            raise TryFailed(
                f"No service answers at {self._base}: is it running (`heme-hooks serve`), and are "
                "host and port right?",
                EXIT_UNREACHABLE,
            ) from error
        return answer.status_code, answer.content


def run(
    options: TryOptions, transport: Transport, templates: Mapping[DataGroup, Template]
) -> bytes:
    """Make the call and return the raw response of status 200.

    Raises TryFailed with a sentence when there is nothing to call about or the service refuses.
    """
    body = bundle_prefetch.encode(hook_call(options, templates))
    status, answer = transport.post(f"/cds-services/pancytopenia-{options.hook}", body)
    check_answered(
        status, answer, server=options.fhir_server or "", patient=options.patient_id or ""
    )
    if not _is_card_response(answer):
        raise TryFailed("What answered gave no card response: is it a CDS service?", EXIT_REFUSED)
    return answer


def check_answered(status: int, answer: bytes, *, server: str = "", patient: str = "") -> None:
    """Raise TryFailed unless the service answered with 200."""
    if status != 200:
        code = EXIT_DATA_UNAVAILABLE if status == 412 else EXIT_REFUSED
        sentence = refusal(status, answer, server=server.rstrip("/"), patient=patient)
        raise TryFailed(sentence, code, answer)


def hook_call(options: TryOptions, templates: Mapping[DataGroup, Template]) -> Json:
    """Return the body of the call. Raises TryFailed when a file cannot be used."""
    chart = _bundle_call(options, templates)
    context: Json = {
        "userId": options.user_id,
        "patientId": chart.patient_id if chart else options.patient_id,
    }
    if options.hook != "patient-view":
        drafts = _drafts(options, chart)
        context["draftOrders"] = bundle_prefetch.searchset(drafts)
        if options.hook == "order-select":
            context["selections"] = [
                f"{draft['resourceType']}/{draft['id']}" for draft in drafts if draft.get("id")
            ]
    call: Json = {"hook": options.hook, "hookInstance": str(uuid4()), "context": context}
    if options.explain:
        call["extension"] = {"heme-hooks": {"explain": True}}
    if chart:
        call["prefetch"] = chart.prefetch
    if options.fhir_server:
        call["fhirServer"] = options.fhir_server
        call.update(_authorization(options))
    return call


def _is_card_response(answer: bytes) -> bool:
    try:
        response = msgspec.json.decode(answer)
    except DECODE_ERRORS:
        return False
    return isinstance(response, dict) and isinstance(response.get("cards"), list)


def moment(text: str) -> datetime:
    """Read --at: a date is the end of that day; without a zone it is the local one.

    Raises ValueError.
    """
    try:
        read = datetime.combine(date.fromisoformat(text), time.max)
    except ValueError:
        read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.astimezone()


def _bundle_call(options: TryOptions, templates: Mapping[DataGroup, Template]) -> BundleCall | None:
    if options.bundle is None:
        return None
    try:
        return bundle_prefetch.read_bundle(_read(options.bundle), templates, options.patient_id)
    except BundleNotUsable as error:
        raise TryFailed(f"{options.bundle.name}: {error}", EXIT_USAGE) from error


def _drafts(options: TryOptions, chart: BundleCall | None) -> list[Json]:
    drafts = list(chart.drafts) if chart else []
    if options.drafts:
        try:
            drafts += bundle_prefetch.resources_of(_read(options.drafts))
        except BundleNotUsable as error:
            raise TryFailed(f"{options.drafts.name}: {error}", EXIT_USAGE) from error
    if not drafts:
        raise TryFailed(
            f"{options.hook} is about drafted orders: name a file with --drafts. "
            "`heme-hooks samples show b12-order --drafts` prints one.",
            EXIT_USAGE,
        )
    return drafts


def _authorization(options: TryOptions) -> Json:
    if options.token_file is None:
        return {}
    token = _read(options.token_file).decode("utf-8", "replace").strip()
    if not token or not token.isprintable() or " " in token:
        raise TryFailed("The token file holds no bearer token.", EXIT_USAGE)
    return {
        "fhirAuthorization": {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.read",
            "subject": "heme-hooks-try",
            "patient": options.patient_id,
        }
    }


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TryFailed(
            f"The file {path.name} cannot be read: {error.strerror}.", EXIT_USAGE
        ) from error
