"""A small FHIR server over loopback that holds one chart: read, search by patient and code, pages.

It answers searches as FHIR R4 describes and nothing else; it knows neither our prefetch keys nor
our mappings.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from werkzeug import Response

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

Resource = dict[str, Any]


class ChartServer:
    """Holds resources and answers searches; counts what it was asked."""

    def __init__(
        self, server: HTTPServer, page_size: int = 200, *, every_patient: bool = False
    ) -> None:
        self.base = server.url_for("/fhir")
        self.page_size = page_size
        self.resources: list[Resource] = []
        self.asked: list[str] = []
        self.refuse: set[str] = set()
        self.every_patient = every_patient
        self.read_as: Resource | None = None
        import re

        server.expect_request(re.compile("^/fhir/.*")).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        """Answer one read or search."""
        path = request.path.removeprefix("/fhir/")
        self.asked.append(f"{path}?{request.query_string.decode()}")
        kind, _, wanted = path.partition("/")
        if kind in self.refuse:
            return _json({"resourceType": "OperationOutcome"}, 500)
        if wanted:
            return self._read(kind, wanted)
        matches = [
            r for r in self.resources if r["resourceType"] == kind and self._fits(r, request)
        ]
        start = int(request.args.get("_offset", 0))
        size = min(int(request.args.get("_count", self.page_size)), self.page_size)
        bundle: Resource = {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(matches),
            "link": [{"relation": "self", "url": request.url}],
            "entry": [
                {"fullUrl": f"{self.base}/{kind}/{r['id']}", "resource": r}
                for r in matches[start : start + size]
            ],
        }
        if start + size < len(matches):
            query = urlencode({**request.args.to_dict(), "_offset": start + size})
            bundle["link"].append({"relation": "next", "url": f"{self.base}/{kind}?{query}"})
        return _json(bundle)

    def _read(self, kind: str, wanted: str) -> Response:
        if self.read_as is not None:
            return _json(self.read_as)
        for resource in self.resources:
            if resource["resourceType"] == kind and resource["id"] == wanted:
                return _json(resource)
        return _json({"resourceType": "OperationOutcome"}, 404)

    def _fits(self, resource: Resource, request: Request) -> bool:
        return _of_patient(resource, request, self.every_patient) and _of_codes(resource, request)


def _json(body: Resource, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/fhir+json")


def _of_patient(resource: Resource, request: Request, every_patient: bool) -> bool:
    patient = request.args.get("patient") or request.args.get("subject")
    return every_patient or not patient or _subject(resource) == patient.removeprefix("Patient/")


def _of_codes(resource: Resource, request: Request) -> bool:
    codes = request.args.get("code")
    if codes is None:
        return True
    wanted = {token.rpartition("|")[2] for token in codes.split(",")}
    carried = {c.get("code") for c in resource.get("code", {}).get("coding", [])}
    return bool(wanted & carried)


def _subject(resource: Resource) -> str:
    holder = resource.get("subject") or resource.get("patient")
    if holder is None:
        holder = next((p["actor"] for p in resource.get("participant", []) if "actor" in p), {})
    return str(holder.get("reference", "")).removeprefix("Patient/")
