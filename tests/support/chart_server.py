"""A small FHIR server over loopback that holds one chart: read, search by patient and code, pages.

It answers searches as FHIR R4 describes and nothing else; it knows neither our prefetch keys nor
our mappings. Its habits can be changed to those of other servers.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from werkzeug import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_httpserver import HTTPServer
    from werkzeug import Request

Resource = dict[str, Any]


class ChartServer:
    """Holds resources and answers searches; counts what it was asked.

    `habit` rewrites every page, `refuses` tells which searches get a 400, `overlap` rows of a page
    stand on the next one again, `read_as` is read in place of any resource.
    """

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
        self.habit: Callable[[Resource, Request], Resource] = lambda bundle, _: bundle
        self.refuses: Callable[[Request], bool] = lambda _: False
        self.overlap = 0
        self.starts_with_empty_page = False
        server.expect_request(re.compile("^/fhir(/.*)?$")).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        """Answer one read or search."""
        path = request.path.removeprefix("/fhir").removeprefix("/")
        self.asked.append(f"{path}?{request.query_string.decode()}")
        kind, _, wanted = (path or request.args.get("_getpages", "")).partition("/")
        if kind in self.refuse:
            return _json({"resourceType": "OperationOutcome"}, 500)
        if wanted:
            return self._read(kind, wanted)
        if self.refuses(request):
            return _json({"resourceType": "OperationOutcome"}, 400)
        of_kind = (each for each in self.resources if each["resourceType"] == kind)
        matches = [each for each in of_kind if self._fits(each, request)]
        return _json(self.habit(self._page(kind, matches, request), request))

    def _page(self, kind: str, matches: list[Resource], request: Request) -> Resource:
        asked = request.args.get("_offset")
        start = int(asked or 0)
        size = min(int(request.args.get("_count", self.page_size)), self.page_size)
        if self.starts_with_empty_page and asked is None:
            size = 0
        rows = [
            {"fullUrl": f"{self.base}/{kind}/{r['id']}", "resource": r}
            for r in matches[start : start + size]
        ]
        bundle: Resource = {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(matches),
            "link": [{"relation": "self", "url": request.url}],
            "entry": rows,
        }
        following = start + size
        if following < len(matches):
            more = max(following - self.overlap, start + 1 if size else 0)
            query = urlencode({**request.args.to_dict(), "_offset": more})
            bundle["link"].append({"relation": "next", "url": f"{self.base}/{kind}?{query}"})
        return bundle

    def _read(self, kind: str, wanted: str) -> Response:
        if self.read_as is not None:
            return _json(self.read_as)
        for resource in self.resources:
            if resource["resourceType"] == kind and resource["id"] == wanted:
                return _json(resource)
        return _json({"resourceType": "OperationOutcome"}, 404)

    def _fits(self, resource: Resource, request: Request) -> bool:
        return _of_patient(resource, request, self.every_patient) and _matches(resource, request)


def _json(body: Resource, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/fhir+json")


def _of_patient(resource: Resource, request: Request, every_patient: bool) -> bool:
    patient = request.args.get("patient") or request.args.get("subject")
    return every_patient or not patient or _subject(resource) == patient.removeprefix("Patient/")


def _matches(resource: Resource, request: Request) -> bool:
    """Whether the resource has one of the codes and one of the categories asked for."""
    return all(
        wanted is None or bool(_tokens(wanted) & carried)
        for wanted, carried in (
            (request.args.get("code"), _carried([resource.get("code", {})])),
            (request.args.get("category"), _carried(resource.get("category", []))),
        )
    )


def _tokens(wanted: str) -> set[str]:
    return {token.rpartition("|")[2] for token in wanted.split(",")}


def _carried(concepts: list[Resource]) -> set[str]:
    return {coding.get("code", "") for each in concepts for coding in each.get("coding", [])}


def _subject(resource: Resource) -> str:
    holder = resource.get("subject") or resource.get("patient")
    if holder is None:
        holder = next((p["actor"] for p in resource.get("participant", []) if "actor" in p), {})
    return str(holder.get("reference", "")).removeprefix("Patient/")
