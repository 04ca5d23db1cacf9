"""OpenAPI 3.1 of this service, made from the wire types that the routes decode and encode."""

from __future__ import annotations

import json
from copy import deepcopy
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import msgspec

from service.cds_hooks import hook_request as request_parsing
from service.cds_hooks.discovery import Document
from service.cds_hooks.messages import CdsResponse
from service.feedback import request as feedback
from service.routes.operation_outcome import ERROR_SYSTEM

if TYPE_CHECKING:
    from service.cds_hooks.discovery import Catalogue
    from service.cds_hooks.messages import CdsService

Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/"
_NAMES = {
    request_parsing.Body: {"Body": "HookCall", "Context": "HookContext"},
    feedback.Body: {"Body": "Feedback", "Item": "FeedbackItem"},
    Document: {"Document": "Discovery"},
    CdsResponse: {},
}
"""Root types, and what their parts are called in the document."""

_ID: Schema = {"type": "string", "pattern": r"^[A-Za-z0-9.\-]{1,64}$"}
_USER: Schema = {
    "type": "string",
    "pattern": r"^(Practitioner|PractitionerRole|Patient|RelatedPerson)/[A-Za-z0-9.\-]{1,64}$",
}
_REQUIRED = {
    "patient-view": (),
    "order-select": ("selections", "draftOrders"),
    "order-sign": ("draftOrders",),
}
_ERRORS = {
    "400": "The request is malformed; `expression` names the field.",
    "401": "No, or no valid, JSON Web Token.",
    "403": "A known client asks for something that it is not allowed.",
    "412": "Clinical data that the advice needs is not available.",
    "413": "The body is too large, or holds too many entries.",
    "415": "The body is not application/json.",
    "503": "The database cannot be used.",
}


def openapi_document(catalogue: Catalogue, public_url: str = "") -> Schema:
    """Return the document as plain JSON types."""
    schemas = _schemas()
    paths: Schema = {"/cds-services": {"get": _discovery()}}
    for service in catalogue.services:
        path = f"/cds-services/{service.id}"
        name = "".join(word.title() for word in service.hook.split("-")) + "Call"
        schemas[name] = _call_schema(schemas["HookCall"], schemas["HookContext"], service)
        paths[path] = {"post": _call(service, name)}
        paths[f"{path}/feedback"] = {"post": _feedback(service)}
    del schemas["HookCall"], schemas["HookContext"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "heme-hooks",
            "summary": "CDS Hooks 2.0 service for pancytopenia, iron and vitamin B12",
            "version": _version(),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url or "/"}],
        "paths": paths | _operations(),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "clientToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "CDS Hooks 2.0, 'Trusting CDS Clients'; aud is the URL called.",
                }
            },
        },
    }


def _version() -> str:
    try:
        return version("heme-hooks")
    except PackageNotFoundError:  # run from the source, not installed
        return "0"


def _schemas() -> Schema:
    schemas: Schema = {"OperationOutcome": _OUTCOME}
    for root, names in _NAMES.items():
        _, parts = msgspec.json.schema_components((root,), ref_template="@{name}@")
        text = json.dumps(parts)
        for name in parts:
            plain = name.lstrip("_")
            text = text.replace(f'"@{name}@"', f'"{_REFERENCE}{names.get(plain, plain)}"')
        for name, schema in json.loads(text).items():
            plain = name.lstrip("_")
            schemas[names.get(plain, plain)] = schema | {"title": names.get(plain, plain)}
    return schemas


def _call_schema(call: Schema, context: Schema, service: CdsService) -> Schema:
    made, inside = deepcopy(call), deepcopy(context)
    required = _REQUIRED[service.hook]
    inside["required"] = sorted({*inside["required"], *required})
    inside["properties"] |= {
        "userId": _USER,
        "patientId": _ID,
        "encounterId": {"anyOf": [_ID, {"type": "null"}]},
        "draftOrders": {
            "type": "object",
            "properties": {"resourceType": {"const": "Bundle"}},
            "required": ["resourceType"],
        },
    }
    if "selections" in required:
        inside["properties"]["selections"] = {"type": "array", "items": {"type": "string"}}
    made["title"] = service.hook
    made["properties"] |= {
        "hook": {"const": service.hook},
        "hookInstance": {"type": "string", "format": "uuid"},
        "context": inside,
    }
    return made


_OUTCOME: Schema = {
    "title": "OperationOutcome",
    "type": "object",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["severity", "code", "details", "diagnostics"],
                "properties": {
                    "severity": {"const": "error"},
                    "code": {"type": "string"},
                    "diagnostics": {"type": "string"},
                    "expression": {"type": "array", "items": {"type": "string"}},
                    "details": {
                        "type": "object",
                        "required": ["coding", "text"],
                        "properties": {
                            "text": {"type": "string"},
                            "coding": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "required": ["system", "code"],
                                    "properties": {
                                        "system": {"const": ERROR_SYSTEM},
                                        "code": {"type": "string"},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def _discovery() -> Schema:
    return {
        "operationId": "discovery",
        "summary": "The CDS Services and their prefetch templates",
        "responses": {"200": _json("The services", "Discovery")},
    }


def _call(service: CdsService, name: str) -> Schema:
    return {
        "operationId": service.id,
        "summary": service.title or service.id,
        "description": service.description,
        "security": [{"clientToken": []}, {}],
        "requestBody": {"required": True, "content": _content(name)},
        "responses": {"200": _json("Cards; the list may be empty", "CdsResponse"), **_errors()},
    }


def _feedback(service: CdsService) -> Schema:
    return {
        "operationId": f"{service.id}-feedback",
        "summary": f"Outcomes of cards of {service.id}",
        "security": [{"clientToken": []}, {}],
        "requestBody": {"required": True, "content": _content("Feedback")},
        "responses": {
            "200": {
                "description": "Stored",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            **_errors(),
        },
    }


def _operations() -> Schema:
    def page(summary: str, media: str, *, may_fail: bool = False) -> Schema:
        answer: Schema = {"content": {media: {}}}
        responses: Schema = {"200": {"description": summary, **answer}}
        if may_fail:
            responses["503"] = {"description": "Not ready", **answer}
        return {"get": {"summary": summary, "responses": responses}}

    return {
        "/health/live": page("The service runs", "application/json"),
        "/health/ready": page("The service can answer", "application/json", may_fail=True),
        "/knowledge": page("The decision table", "text/html"),
        "/knowledge/source-attributes.json": page("Its source attributes", "application/json"),
        "/openapi.json": page("This document", "application/json"),
    }


def _errors() -> Schema:
    reference = {"$ref": f"{_REFERENCE}OperationOutcome"}
    content = {"application/fhir+json": {"schema": reference}}
    return {status: {"description": text, "content": content} for status, text in _ERRORS.items()}


def _json(description: str, name: str) -> Schema:
    return {"description": description, "content": _content(name)}


def _content(name: str) -> Schema:
    return {"application/json": {"schema": {"$ref": f"{_REFERENCE}{name}"}}}
