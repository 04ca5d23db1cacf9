"""The rows of a site's ConceptMaps, each with its place, so that a person finds it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fhir.resources.R4B.conceptmap import ConceptMap
from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Row:
    """One target of one element. `place` names file, ConceptMap, group, row and code."""

    place: str
    source: str
    code: str
    display: str
    target_system: str
    target: str
    target_display: str
    equivalence: str


def mapping_files(paths: Iterable[str | Path], problems: list[str]) -> Iterator[Path]:
    """Return the files behind files and folders."""
    for name in paths:
        path = Path(name)
        if path.is_dir():
            found = sorted(path.glob("*.json"))
            if not found:
                problems.append(f"{path}: the folder has no .json file")
            yield from found
        elif path.is_file():
            yield path
        else:
            problems.append(f"{path}: there is no such file or folder")


def mapping_rows(path: Path, problems: list[str]) -> Iterator[Row]:
    """Return the rows of one file; what is wrong with its structure goes into `problems`."""
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{path.name}: not readable as JSON ({error})")
        return
    resources = list(_resources(document))
    if not resources:
        problems.append(f"{path.name}: holds no ConceptMap")
    for resource in resources:
        yield from _rows_of(path.name, resource, problems)


def _resources(document: object) -> Iterator[dict[str, Any]]:
    if not isinstance(document, dict):
        return
    if document.get("resourceType") == "ConceptMap":
        yield document
    elif document.get("resourceType") == "Bundle":
        for entry in document.get("entry") or ():
            if isinstance(entry, dict):
                yield from _resources(entry.get("resource"))


def _rows_of(file: str, resource: dict[str, Any], problems: list[str]) -> Iterator[Row]:
    try:
        concept_map = ConceptMap.model_validate(resource)
    except ValidationError as error:
        problems.extend(_validation_problems(file, resource, error))
        return
    except KeyError as error:  # a contained resource of a type that FHIR does not know
        problems.append(f"{file}: unknown resource type {error}")
        return
    name = concept_map.name or concept_map.id or concept_map.url or "ConceptMap"
    for group_number, group in enumerate(concept_map.group or (), 1):
        for row_number, element in enumerate(group.element, 1):
            place = f"{file}, {name}, group {group_number}, row {row_number}, code {element.code!r}"
            if not group.source or not element.code:
                problems.append(f"{place}: group.source and the code are needed")
            elif not element.target:
                problems.append(f"{place}: has no target; say unmatched if it must not be read")
            else:
                yield from _rows_of_element(place, group, element)


def _validation_problems(
    file: str, resource: dict[str, Any], error: ValidationError
) -> Iterator[str]:
    for problem in error.errors():
        location = [part for part in problem["loc"] if isinstance(part, int | str)]
        row = "".join(f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in location)
        code = _code_at(resource, location)
        yield f"{file}, ConceptMap{row}{code}: {problem['msg']}"


def _code_at(resource: object, location: list[int | str]) -> str:
    """The code of the row with a problem of structure, if known."""
    code = ""
    for part in location:
        try:
            resource = resource[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(resource, dict) and isinstance(resource.get("code"), str):
            code = code or f", code {resource['code']!r}"
    return code


def _rows_of_element(place: str, group: Any, element: Any) -> Iterator[Row]:  # noqa: ANN401
    for target in element.target or ():
        yield Row(
            place=place,
            source=str(group.source).strip(),
            code=str(element.code).strip(),
            display=str(element.display or ""),
            target_system=str(group.target or "").strip(),
            target=str(target.code or "").strip(),
            target_display=str(target.display or ""),
            equivalence=str(target.equivalence),
        )
