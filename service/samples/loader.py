"""Writes the sample patients to a FHIR server, and removes them again.

Ids are chosen here and are not numeric, as HAPI's public sandbox asks: writing again replaces, so
that repeating renews the dates and duplicates nothing. Every resource is tagged; only what carries
both our tag and our id is ever deleted.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from time import monotonic as clock
from time import sleep as wait
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests

from service.samples.catalog import NAMES, sample_bundle
from service.samples.chart import ID_PREFIX, TAG_CODE, TAG_SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

TYPES = (
    "Observation",
    "DiagnosticReport",
    "Condition",
    "Procedure",
    "MedicationRequest",
    "MedicationAdministration",
    "MedicationStatement",
    "ServiceRequest",
    "Encounter",
    "AllergyIntolerance",
    "Patient",
)
"""The resource types of all samples, the Patient last: it goes last, when nothing refers to it.
"""

TIMEOUT = (10, 120)
PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds between tries: HAPI answers 409 when two writers collide."""
PAUSE_OF_START = 2.0
CONFLICT = 409
GONE = {404, 410}
MOST_PAGES = 500
FHIR_JSON = "application/fhir+json"


class SamplesNotWritten(Exception):
    """The FHIR server did not do what was asked; the message is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Removed:
    """How many resources were deleted, and which were kept because others refer to them."""

    count: int
    kept: tuple[str, ...] = ()


def wait_for(
    base_url: str,
    session: requests.Session,
    seconds: float,
    *,
    sleep: Callable[[float], object] = wait,
    monotonic: Callable[[], float] = clock,
) -> None:
    """Return once the server answers /metadata with 200, at the latest after that many seconds.

    A server that starts refuses connections, or answers with an error, for a minute and more.
    """
    end = monotonic() + seconds
    while monotonic() < end:
        try:
            if session.get(f"{base_url.rstrip('/')}/metadata", timeout=TIMEOUT).ok:
                return
        except requests.RequestException:
            pass
        sleep(PAUSE_OF_START)


def load(
    base_url: str,
    session: requests.Session,
    now: datetime,
    names: Sequence[str] = NAMES,
    *,
    sleep: Callable[[float], object] = wait,
) -> tuple[str, ...]:
    """Write the samples, one transaction each, and return the Patient ids.

    What an earlier load left of these samples and is no longer part of them is deleted in the same
    transaction. Raises SamplesNotWritten; KeyError for an unknown name.
    """
    bundles = {name: sample_bundle(name, now) for name in names}
    server = _Server(base_url, session, sleep)
    earlier = server.loaded()
    for name, bundle in bundles.items():
        wanted = {entry["request"]["url"] for entry in bundle["entry"]}
        stale = [_delete(reference) for reference in sorted(earlier.get(name, set()) - wanted)]
        server.transaction({**bundle, "entry": [*bundle["entry"], *stale]}, f"sample {name}")
    return tuple(ID_PREFIX + name for name in names)


def remove(
    base_url: str,
    session: requests.Session,
    names: Iterable[str] | None = None,
    *,
    sleep: Callable[[float], object] = wait,
) -> Removed:
    """Delete what `load` wrote: the named samples, or all of any version. Raises SamplesNotWritten.

    A sample that resources of others refer to is deleted as far as the server allows.
    """
    server = _Server(base_url, session, sleep)
    chosen = None if names is None else set(names)
    count = 0
    kept: list[str] = []
    for name, references in server.loaded().items():
        if chosen is None or name in chosen:
            left = server.delete_all(sorted(references, key=_dependants_first), name)
            count += len(references) - len(left)
            kept += left
    return Removed(count, tuple(kept))


def _dependants_first(reference: str) -> tuple[int, str]:
    kind = reference.partition("/")[0]
    return {"DiagnosticReport": 0, "Patient": 2}.get(kind, 1), reference


def _delete(reference: str) -> dict[str, Any]:
    return {"request": {"method": "DELETE", "url": reference}}


class _Server:
    """One FHIR server, as far as the loader needs it."""

    def __init__(
        self, base_url: str, session: requests.Session, sleep: Callable[[float], object]
    ) -> None:
        self.base = base_url.rstrip("/")
        self.session = session
        self.sleep = sleep

    def loaded(self) -> dict[str, set[str]]:
        """The references of everything an earlier load left, by the name of the sample."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for kind in TYPES:
            for resource in self._search(kind):
                reference = f"{kind}/{resource.get('id', '')}"
                name = _name_of(resource)
                if name and resource.get("resourceType") == kind:
                    found[name].add(reference)
        return dict(found)

    def transaction(self, bundle: dict[str, Any], what: str) -> None:
        """Post one transaction; again when another writer is in the way."""
        status = self._post(bundle)
        if status >= requests.codes.bad_request:
            raise SamplesNotWritten(
                f"The FHIR server at {self.base} refused {what} with HTTP status {status}."
            )

    def delete_all(self, references: list[str], name: str) -> list[str]:
        """Delete in one transaction; if others' resources hold some, one by one. What stays."""
        entries = [_delete(reference) for reference in references]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        status = self._post(bundle)
        if status < requests.codes.bad_request:
            return []
        if status != CONFLICT:
            raise SamplesNotWritten(
                f"The FHIR server at {self.base} refused to remove sample {name} "
                f"with HTTP status {status}."
            )
        left, before = references, len(references) + 1
        while left and len(left) < before:  # a panel goes before its members, whatever the order
            before = len(left)
            left = [one for one in left if not self._deleted(one)]
        return left

    def _deleted(self, reference: str) -> bool:
        answer = self._request("DELETE", f"{self.base}/{reference}")
        status = answer.status_code
        return status < requests.codes.bad_request or status in GONE

    def _post(self, bundle: dict[str, Any]) -> int:
        """The HTTP status, after retries for conflicts."""
        data = json.dumps(bundle).encode()
        for pause in (*PAUSES, None):
            status = self._request("POST", self.base, data=data).status_code
            if status != CONFLICT or pause is None:
                break
            self.sleep(pause)
        return status

    def _search(self, kind: str) -> Iterator[dict[str, Any]]:
        url = f"{self.base}/{kind}"
        query: dict[str, str] | None = {"_tag": f"{TAG_SYSTEM}|{TAG_CODE}", "_count": "200"}
        for _ in range(MOST_PAGES):
            answer = self._request("GET", url, params=query)
            if answer.status_code != requests.codes.ok:
                raise SamplesNotWritten(
                    f"The FHIR server at {self.base} answered a search for samples "
                    f"with HTTP status {answer.status_code}."
                )
            bundle = _json(answer)
            yield from (entry.get("resource") or {} for entry in bundle.get("entry") or ())
            following, query = self._next(bundle), None
            if following is None:
                return
            url = following

    def _next(self, bundle: dict[str, Any]) -> str | None:
        links = (link for link in bundle.get("link") or () if link.get("relation") == "next")
        url = next((urljoin(self.base + "/", link.get("url", "")) for link in links), None)
        if url is not None and urlsplit(url)[:2] != urlsplit(self.base)[:2]:
            raise SamplesNotWritten(
                f"The FHIR server at {self.base} sends its next page to another server."
            )
        return url

    def _request(
        self,
        method: str,
        url: str,
        *,
        params: dict[str, str] | None = None,
        data: bytes | None = None,
    ) -> requests.Response:
        # HAPI answers a repeated search from its cache for a minute, unless told otherwise.
        headers = {"Accept": FHIR_JSON, "Cache-Control": "no-cache"}
        if data is not None:
            headers["Content-Type"] = FHIR_JSON
        try:
            return self.session.request(
                method,
                url,
                params=params,
                data=data,
                headers=headers,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise SamplesNotWritten(f"No FHIR server answers at {self.base}.") from error


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or body.get("resourceType") != "Bundle":
        raise SamplesNotWritten(
            f"What answers at {answer.url.partition('?')[0]} is no FHIR server."
        )
    return body


def _name_of(resource: dict[str, Any]) -> str:
    """The sample a resource belongs to, empty when it is not ours."""
    tags = (resource.get("meta") or {}).get("tag") or ()
    ours = {tag.get("code", "") for tag in tags if tag.get("system") == TAG_SYSTEM}
    names = sorted(ours - {TAG_CODE})
    if TAG_CODE not in ours or not names:
        return ""
    return next((n for n in names if _belongs(resource.get("id", ""), n)), "")


def _belongs(identity: str, name: str) -> bool:
    own = ID_PREFIX + name
    return identity == own or identity.startswith(own + "-")
