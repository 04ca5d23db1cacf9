"""Discovery and the hook call over HTTP (CDS Hooks 2.0)."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import msgspec
from flask import Blueprint, Response

from fhir_mappings.panel import DataGroup
from service.cards.explanation import EXTENSION_KEY
from service.cds_hooks.discovery import CORE_KEYS
from service.cds_hooks.hook_request import parse_hook_call
from service.cds_hooks.messages import CdsResponse
from service.clinical_data.search_log import SearchLog
from service.evidence_app.evidence import explained
from service.fhir_client.deadline import Deadline
from service.hook_call import respond
from service.interpreter.rules import RULE_TABLE_VERSION
from service.observability.logging import Event, log
from service.routes.call_metrics import count_answer, finding_ids
from service.routes.request_bodies import json_body
from service.routes.request_context import audit_entry, serves

if TYPE_CHECKING:
    from datetime import datetime

    from service.cds_hooks.messages import CdsService
    from service.hook_call import Answer
    from service.routes.application import Application
    from service.security.audit import AuditEntry
    from service.security.trusted_clients import CdsClient


def cds_hooks_routes(product: Application) -> Blueprint:
    """Return the routes. `//` is taken too: clients join the discovery URL and the id with `/`."""
    routes = Blueprint("cds_hooks", __name__)
    keys = frozenset(DataGroup if product.settings.serves_every_key else CORE_KEYS)
    discovery = product.catalogue.discovery(keys, product.dated_keys)

    @routes.get("/cds-services")
    @routes.get("/cds-services/")
    def discover() -> Response:
        return Response(discovery, mimetype="application/json")

    @routes.post("/cds-services/<service_id>")
    @routes.post("/cds-services//<service_id>")
    def call(service_id: str) -> Response:
        service = product.catalogue.service(service_id)
        serves(service)
        return _call(product, service)

    return routes


def _call(product: Application, service: CdsService) -> Response:
    started = time.monotonic()
    deadline = Deadline(product.settings.call_deadline)
    audit = audit_entry()
    audit.service, audit.hook = service.id, service.hook
    client = product.client()
    audit.client = client.name
    now = product.clock()
    hook_call = parse_hook_call(json_body(), service, product.settings, client)
    key = product.settings.hash_key.get_secret_value()
    audit.about(key, client, hook_call.user_id, hook_call.patient_id)
    searches = SearchLog(observe=product.metrics.fetched)
    memory = product.memory(client, service)
    with closing(product.data_source(hook_call, deadline, searches, now)) as source:
        knowledge = product.knowledge_for(client)
        answer = respond(hook_call, source, knowledge, memory, now, product.new_id)
    shown = searches if hook_call.wants_explanation else None
    response = _response(answer, now, shown, product.knowledge.findings_off)
    memory.remember(answer.outcome, answer.interpretation, hook_call, now)
    count_answer(product.metrics, answer)
    _audit_answer(audit, answer)
    _log_answer(answer, service, client, started)
    return response


def _audit_answer(audit: AuditEntry, answer: Answer) -> None:
    audit.findings = tuple(finding_ids(answer.interpretation))
    audit.cards, audit.held_back = len(answer.cards), len(answer.outcome.held)
    audit.sources = answer.data.sources


def _response(
    answer: Answer, now: datetime, searches: SearchLog | None, findings_off: frozenset[str]
) -> Response:
    """`searches` is present when the call asks for its evidence."""
    response = CdsResponse(cards=answer.cards)
    if searches is not None:
        explanation = explained(answer, now, findings_off)
        if answer.outcome.held:
            explanation["heldBack"] = [
                {"summary": held.card.summary, "reason": held.reason}
                for held in answer.outcome.held
            ]
        explanation["searches"] = searches.described()
        response = msgspec.structs.replace(response, extension={EXTENSION_KEY: explanation})
    return Response(msgspec.json.encode(response), mimetype="application/json")


def _log_answer(answer: Answer, service: CdsService, client: CdsClient, started: float) -> None:
    interpretation = answer.interpretation
    log.info(
        Event.CALL_ANSWERED,
        hook=service.hook,
        status=200,
        client=client.name,
        cards=len(answer.cards),
        held_back=len(answer.outcome.held),
        duration_ms=round((time.monotonic() - started) * 1000, 1),
        findings=finding_ids(interpretation),
        second_stage=answer.second_stage,
        sources=[f"{group}={source}" for group, source in answer.data.sources.items()],
        unreadable=len(interpretation.set_aside),
        rule_table=RULE_TABLE_VERSION,
    )
