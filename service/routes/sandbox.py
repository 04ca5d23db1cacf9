"""`/sandbox`: the page for CDS developers, and the few things that only the page needs.

The hook call and the feedback go to the service's own addresses, like any CDS Client's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import msgspec
from flask import Blueprint, Response, render_template, request

from fhir_mappings.panel import DataGroup
from fhir_mappings.r4.decoding import DECODE_ERRORS
from service import samples
from service.cards.plain_words import NOTE_WORDS
from service.cds_hooks.discovery import CORE_KEYS
from service.cds_hooks.hook_request import is_fhir_id
from service.clinical_data.fetching import Fetcher
from service.error_codes import ErrorCode
from service.errors import ClientNotAllowed, InvalidHookCall
from service.fhir_client.deadline import Deadline
from service.fhir_client.server import FetchLimits, FhirServer
from service.interpreter.rules import RULE_TABLE_VERSION
from service.own_command import own_command
from service.routes.request_bodies import json_body
from service.routes.static_files import static_file
from service.sandbox.charts import allowed_server, bundle_chart, sample_chart, server_chart
from service.sandbox.drafts import offered_drafts
from service.sandbox.patients import find_patients
from service.sandbox.unit_bench import Sample, read_sample
from service.settings import PUBLIC_HAPI

if TYPE_CHECKING:
    from service.base_urls import BaseUrl
    from service.routes.application import Application

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types dompurify"
)
_OWN_PAGE = frozenset({"same-origin", "none"})

T = TypeVar("T")


class _PatientOnServer(msgspec.Struct, frozen=True):
    server: str
    patient: str
    token: str = ""


class _PatientWanted(msgspec.Struct, frozen=True):
    server: str
    text: str = ""
    token: str = ""


_SAMPLE = msgspec.json.Decoder(Sample)
_PATIENT_ON_SERVER = msgspec.json.Decoder(_PatientOnServer)
_PATIENT_WANTED = msgspec.json.Decoder(_PatientWanted)


def sandbox_routes(product: Application) -> Blueprint:
    """Return the page, its files and its data; registered only where the settings allow it."""
    routes = Blueprint("sandbox", __name__, template_folder="pages", url_prefix="/sandbox")
    _add_page(routes)
    _add_data(routes, product)
    _add_fhir_server(routes, product)
    return routes


def _add_page(routes: Blueprint) -> None:
    @routes.get("")
    def page() -> Response:
        text = render_template("sandbox.html", version=RULE_TABLE_VERSION)
        return _guarded(Response(text, mimetype="text/html"))

    @routes.get("/static/<path:name>")
    def file(name: str) -> Response:
        return _guarded(static_file(name))


def _add_data(routes: Blueprint, product: Application) -> None:
    templates = product.templates_of_clients

    @routes.before_request
    def own_page_only() -> None:
        # CORS is open in development; another site's script must not read charts through this one.
        is_data = request.path.startswith("/sandbox/data/")
        if is_data and request.headers.get("Sec-Fetch-Site", "none") not in _OWN_PAGE:
            raise ClientNotAllowed("Only the sandbox page itself may ask for this")

    @routes.get("/data/setup")
    def setup() -> Response:
        return _json(_setup(product))

    @routes.get("/data/samples/<name>")
    def sample(name: str) -> Response:
        return _encoded(sample_chart(name, product.clock(), templates()).encoded())

    @routes.post("/data/bundle")
    def bundle() -> Response:
        patient = request.args.get("patient") or None
        return _encoded(bundle_chart(json_body(), patient, templates()).encoded())

    @routes.post("/data/unit")
    def unit() -> Response:
        terminology = product.knowledge.terminology
        return _json(read_sample(_read(_SAMPLE), product.clock(), terminology))


def _add_fhir_server(routes: Blueprint, product: Application) -> None:
    settings = product.settings

    @routes.post("/data/chart")
    def chart() -> Response:
        wanted = _read(_PATIENT_ON_SERVER)
        if not is_fhir_id(wanted.patient):
            raise InvalidHookCall(
                "The patient's id is not a FHIR id",
                code=ErrorCode.INVALID_SANDBOX_REQUEST,
                expression="patient",
            )
        deadline = Deadline(settings.call_deadline)
        base = allowed_server(wanted.server, settings)
        server = _server(product, base, deadline, wanted.token)
        plan = replace(product.plan, templates=product.templates_of_clients())
        fetcher = Fetcher(server, wanted.patient, deadline, plan)
        return _encoded(server_chart(fetcher, wanted.patient).encoded())

    @routes.post("/data/patients")
    def patients() -> Response:
        wanted = _read(_PATIENT_WANTED)
        deadline = Deadline(settings.call_deadline)
        base = allowed_server(wanted.server, settings)
        server = _server(product, base, deadline, wanted.token)
        return _json({"patients": find_patients(server, deadline, wanted.text)})


def _setup(product: Application) -> dict[str, object]:
    """What the page offers: samples, services, prefetch keys, FHIR servers."""
    settings = product.settings
    servers = [url for url in settings.fhir_servers if url not in PUBLIC_HAPI]
    return {
        "samples": [
            {
                "name": name,
                "group": group,
                "person": sample.person.in_words,
                "story": sample.story,
                "findings": list(sample.findings),
                "hook": sample.hook,
            }
            for group, names in samples.GROUPS.items()
            for name in names
            for sample in (samples.SAMPLES[name],)
        ],
        "seed": samples.SEED,
        "services": [
            {"id": service.id, "hook": service.hook, "title": service.title or service.id}
            for service in product.catalogue.services
        ],
        "keys": [key.value for key in DataGroup],
        "coreKeys": [key.value for key in DataGroup if key in CORE_KEYS],
        "noteWords": {note.value: words for note, words in NOTE_WORDS.items()},
        "drafts": offered_drafts(),
        "servers": [*servers, PUBLIC_HAPI[0]],
        "command": own_command(anywhere=True),
    }


def _server(product: Application, base: BaseUrl, deadline: Deadline, token: str) -> FhirServer:
    settings = product.settings
    limits = FetchLimits(settings.max_search_bytes, settings.max_pages, settings.max_call_bytes)
    return FhirServer(base, product.session, deadline, access_token=token or None, limits=limits)


def _read(decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(json_body())
    except DECODE_ERRORS:
        raise InvalidHookCall(
            "The page's request cannot be read", code=ErrorCode.INVALID_SANDBOX_REQUEST
        ) from None


def _json(value: object) -> Response:
    return _encoded(msgspec.json.encode(value))


def _encoded(body: bytes) -> Response:
    return _guarded(Response(body, mimetype="application/json"))


def _guarded(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response
