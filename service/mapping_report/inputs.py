"""Charts for the mapping report: from Bundles, from Bulk Data exports, from a FHIR server.

Every source yields one patient's documents at a time, so that results are judged as in a hook
call, with their specimens, reports and the patient's age.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.r4.decoding import BYTE_ORDER_MARK, DECODE_ERRORS
from fhir_mappings.r4.json_position import json_fault
from fhir_mappings.r4.references import patient_id_of, without_version
from service.backtest.duckdb_connection import connect
from service.backtest.export import find_files, pieces
from service.backtest.local_engine import part, part_names, patients_of
from service.backtest.scratch import Scratch
from service.backtest.sift import Sifter
from service.backtest.workers import sift_into
from service.cds_hooks.prefetch_template import PATIENT_TOKEN, Template
from service.clinical_data.refused_searches import is_refusal, without_count
from service.fhir_client.failures import FetchFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from fhir_mappings.terminology import Terminology
    from service.fhir_client.server import FhirServer

_RESULTS = frozenset({"Observation", "DiagnosticReport"})
CONTEXT_TYPES = (
    "Condition",
    "MedicationRequest",
    "MedicationStatement",
    "MedicationAdministration",
    "Procedure",
    "Encounter",
)
_COUNTED = _RESULTS | set(CONTEXT_TYPES)
_READ_TYPES = _COUNTED | {"Specimen", "Patient", "Medication"}
_MEMORY = "512MB"
"""How much memory the engine that sorts lines by patient may use."""

_DEEPEST_BUNDLE = 3
_SEARCH = Template("Observation", (("patient", PATIENT_TOKEN), ("_count", "200")))
_CONTEXT_SEARCHES = {
    kind: Template(kind, (("patient", PATIENT_TOKEN), ("_count", "200"))) for kind in CONTEXT_TYPES
}
_CATEGORIES = ("laboratory", "vital-signs")


@dataclass(slots=True)
class Trouble:
    """What could not be read at all: lines and entries; patients of a server, by failure.

    `files` says for each Bundle without content why. `searches` counts by resource type the
    searches for context that failed; results are counted without them.
    """

    unreadable: int = 0
    files: list[str] = field(default_factory=list)
    patients: dict[str, int] = field(default_factory=dict)
    searches: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChartDocuments:
    """What one patient's chart holds. `patient_id` is empty for results that name nobody."""

    patient_id: str
    documents: tuple[bytes, ...]


class _Peek(Struct, frozen=True):
    """The part of a resource that says whose it is."""

    resourceType: Any = ""
    id: Any = ""
    subject: Any = None


class _Entry(Struct, frozen=True):
    resource: Raw = Raw(b"null")
    fullUrl: Any = None


class _Entries(Struct, frozen=True):
    entry: list[_Entry] | None = None


class _Bundle(Struct, frozen=True, tag="Bundle", tag_field="resourceType"):
    entry: list[_Entry]


@dataclass(frozen=True, slots=True)
class Found:
    """One resource with the fullUrl of its entry."""

    raw: bytes
    full_url: str
    resource_type: str
    resource_id: str
    subject: str


def bundle_charts(document: bytes, trouble: Trouble, name: str) -> Iterator[ChartDocuments]:
    """Split a Bundle of any type, or a single resource, by patient; `name` is that of its file."""
    text = document.removeprefix(BYTE_ORDER_MARK)
    try:
        kind = msgspec.json.decode(text, type=_Peek).resourceType
    except msgspec.ValidationError:
        kind = ""
    except DECODE_ERRORS as error:
        trouble.files.append(f"{name} is not JSON ({json_fault(text, error)}).")
        return
    if not kind:
        trouble.files.append(f"{name} holds no FHIR resource.")
        return
    yield from _charts(list(resources_of(document, trouble)))


def ndjson_charts(
    folder: Path, terminology: Terminology, trouble: Trouble, progress: Callable[[str], None]
) -> Iterator[ChartDocuments]:
    """Read a Bulk Data export, compressed files too, with the reader and the engine of a backtest.

    What matters is sorted by patient in a temporary folder, so that the memory needed stays the
    same however large the export is. Raises ExportNotUsable when there is no NDJSON file, or when
    the export's own manifest says that it is incomplete.
    """
    files = find_files([folder])
    with tempfile.TemporaryDirectory(prefix="heme-hooks-mapping-") as made:
        scratch = Scratch(Path(made) / "scratch")
        scratch.open("mapping report", resume=False)
        for number, piece in enumerate(pieces(files)):
            progress(f"reading {piece.file.path.name}")
            sifter = Sifter(terminology, every_code=True)
            sift_into(sifter, piece, scratch.sifted, f"{number:06}")
            trouble.unreadable += sifter.counts.unreadable.total()
        part(scratch, _MEMORY, 1)
        names = part_names(scratch)
        with connect(_MEMORY, 1, scratch.temporary) as engine:
            for place, name in enumerate(names, 1):
                progress(f"judging part {place} of {len(names)}")
                for patient, lines in patients_of(engine, scratch.parts / name):
                    found = (each for line in lines for each in resources_of(line, trouble))
                    yield from _chart_of(patient.removeprefix("Patient/"), list(found))


def _chart_of(patient_id: str, found: Sequence[Found]) -> Iterator[ChartDocuments]:
    if any(each.resource_type in _COUNTED for each in found):
        yield ChartDocuments(patient_id, (_bundled(found),))


def server_charts(
    patient_ids: Iterable[str],
    connect: Callable[[], FhirServer],
    trouble: Trouble,
    progress: Callable[[str], None],
) -> Iterator[ChartDocuments]:
    """Search each patient's results, vital signs and context, all pages.

    A patient whose results cannot be read completely is counted as trouble and left out.
    """
    named = (line.strip().removeprefix("Patient/") for line in patient_ids)
    wanted = list(dict.fromkeys(filter(None, named)))
    for place, patient_id in enumerate(wanted, 1):
        progress(f"patient {place} of {len(wanted)}")
        try:
            pages = _fetched(connect(), patient_id, trouble)
        except FetchFailed as failed:
            what = failed.failure.sentence
            trouble.patients[what] = trouble.patients.get(what, 0) + 1
        else:
            yield ChartDocuments(patient_id, pages)


def resources_of(document: bytes, trouble: Trouble | None = None) -> Iterator[Found]:
    """Yield every resource that is read of a document, Bundles within Bundles too."""
    yield from _opened(bytes(document).removeprefix(BYTE_ORDER_MARK), "", trouble or Trouble(), 0)


def _opened(raw: bytes, url: str, trouble: Trouble, depth: int) -> Iterator[Found]:
    try:
        peek = msgspec.json.decode(raw, type=_Peek)
        entries = _entries(raw) if peek.resourceType == "Bundle" else []
    except DECODE_ERRORS:
        trouble.unreadable += 1
        return
    if peek.resourceType in _READ_TYPES:
        yield Found(raw, url, peek.resourceType, _text(peek.id), _reference(peek.subject))
    for entry in entries:
        if bytes(entry.resource) != b"null" and depth < _DEEPEST_BUNDLE:
            yield from _opened(bytes(entry.resource), _text(entry.fullUrl), trouble, depth + 1)


def _entries(raw: bytes) -> list[_Entry]:
    return msgspec.json.decode(raw, type=_Entries).entry or []


def _charts(found: Sequence[Found]) -> Iterator[ChartDocuments]:
    """Split resources by patient; specimens that name nobody may be anybody's."""
    urls = {
        without_version(each.full_url): each.resource_id or each.full_url.rpartition(":")[2]
        for each in found
        if each.resource_type == "Patient" and each.full_url
    }
    by_patient: dict[str, list[Found]] = {}
    shared: list[Found] = []
    for each in found:
        whose = _patient_of(each, urls)
        if each.resource_type in {"Specimen", "Medication"} and not whose:
            shared.append(each)
        else:
            by_patient.setdefault(whose, []).append(each)
    for patient_id, resources in by_patient.items():
        if any(each.resource_type in _COUNTED for each in resources):
            yield ChartDocuments(patient_id, (_bundled([*resources, *shared]),))


def _patient_of(found: Found, urls: Mapping[str, str]) -> str:
    if found.resource_type == "Patient":
        return found.resource_id or urls.get(without_version(found.full_url), "")
    return patient_id_of(found.subject, urls) or ""


def _bundled(resources: Iterable[Found]) -> bytes:
    entries = [_Entry(Raw(each.raw), each.full_url) for each in resources]
    return msgspec.json.encode(_Bundle(entries))


def _fetched(server: FhirServer, patient_id: str, trouble: Trouble) -> tuple[bytes, ...]:
    pages = [server.read("Patient", patient_id)]
    for category in _CATEGORIES:
        pages += _searched(server, _SEARCH.query_by_category(patient_id, category))
    for kind, search in _CONTEXT_SEARCHES.items():
        try:
            pages += _searched(server, search.queries(patient_id, 1)[0])
        except FetchFailed:
            trouble.searches[kind] = trouble.searches.get(kind, 0) + 1
    return tuple(pages)


def _reference(subject: object) -> str:
    return _text(subject.get("reference")) if isinstance(subject, dict) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _searched(server: FhirServer, query: str) -> tuple[bytes, ...]:
    """Search as a hook call does: where a page size is refused, again without one."""
    try:
        return server.search(query)
    except FetchFailed as failed:
        plain = without_count(query)
        if plain == query or not is_refusal(failed.failure):
            raise
    return server.search(plain)
