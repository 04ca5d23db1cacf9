"""What can be ordered: ActivityDefinitions in, draft ServiceRequests out (clinical-definition 4).

Every order is one R4 ActivityDefinition in `orders.json`. Codes: LOINC first, SNOMED CT second,
then the text. Two elements that ActivityDefinition has no room for are `dynamicValue`s with a
FHIRPath string literal (`orderDetail.text`, `note.text`); codes that count as the same order stand
in the extension `also-satisfied-by`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fhir.resources.R4B.activitydefinition import ActivityDefinition
from fhir.resources.R4B.bundle import Bundle

from fhir_mappings.r4.code_systems import ICD_10_CM, LOINC, SNOMED_CT, normal_code, normal_system
from fhir_mappings.r4.decoding import Coding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_mappings.terminology import LocalCoding

CANONICAL_BASE = "https://heme-hooks.org/fhir"
ALSO_SATISFIED_BY = f"{CANONICAL_BASE}/StructureDefinition/also-satisfied-by"

_PANCYTOPENIA = (
    Coding(SNOMED_CT, "127034005", "Pancytopenia"),
    Coding(ICD_10_CM, "D61.818", "Other pancytopenia"),
)
_REASON_NAMES = {
    "pan": "pancytopenia",
    "bi": "bicytopenia",
    "biinc": "two low cell lines, third line not known",
}


NO_ORDERABLES: Mapping[str, LocalCoding] = MappingProxyType({})
"""A site that names no order codes of its own."""


@dataclass(frozen=True, slots=True)
class OrderDefinition:
    """One thing that can be ordered.

    `codings` are the codes to send, LOINC first; `accepted` are further codes that count as the
    same order when they are found in the chart. `order_detail` and `note` are texts for the draft.
    """

    id: str
    name: str
    codings: tuple[Coding, ...]
    category: Coding
    accepted: tuple[Coding, ...] = ()
    order_detail: str = ""
    note: str = ""

    @property
    def loinc(self) -> str:
        """The LOINC code, empty when the order has none."""
        return self._code(LOINC)

    @property
    def snomed(self) -> str:
        """The SNOMED CT code, empty when the order has none."""
        return self._code(SNOMED_CT)

    def _code(self, system: str) -> str:
        return next((coding.code for coding in self.codings if coding.system == system), "")


def draft_order(
    order: str,
    *,
    patient_id: str,
    encounter_id: str | None = None,
    priority: str = "routine",
    intent: str = "proposal",
    reason: str = "",
    supporting: Iterable[str] = (),
    note: str = "",
    resource_id: str | None = None,
    site_coding: LocalCoding | None = None,
) -> dict[str, Any]:
    """Return an R4 ServiceRequest, status draft, as plain JSON types (clinical-definition 4.1).

    `reason` is "pancytopenia" (which brings its codes), "bicytopenia" or any other short text;
    `supporting` are relative references to the Observations used; `site_coding` is a site's own
    orderable and comes first. Raises KeyError when there is no order of that id.
    """
    about = about_drafts(patient_id, encounter_id, reason, supporting)
    return draft_about(
        order,
        about,
        priority=priority,
        intent=intent,
        note=note,
        resource_id=resource_id,
        site_coding=site_coding,
    )


def about_drafts(
    patient_id: str, encounter_id: str | None, reason: str, supporting: Iterable[str]
) -> dict[str, Any]:
    """Return what all drafts of one call have in common; made once, shared by all of them."""
    return {
        "subject": {"reference": f"Patient/{patient_id}"},
        "encounter": {"reference": f"Encounter/{encounter_id}"} if encounter_id else None,
        "reasonCode": _reason_code(reason),
        "supportingInfo": [{"reference": each} for each in dict.fromkeys(supporting)],
    }


def draft_about(
    order: str,
    about: Mapping[str, Any],
    *,
    priority: str,
    intent: str,
    note: str,
    resource_id: str | None = None,
    site_coding: LocalCoding | None = None,
) -> dict[str, Any]:
    """Return one draft with what `about_drafts` made. Raises KeyError as `draft_order` does."""
    definition = ORDERS[order]
    fixed = _fixed_parts(order)
    details: dict[str, Any] = {
        "id": resource_id,
        "status": "draft",
        "intent": intent,
        "category": fixed["category"],
        "priority": priority,
        "code": _code(definition, site_coding) if site_coding else dict(fixed["code"]),
        "orderDetail": fixed["orderDetail"],
        **about,
        "note": _texts(note, definition.note) if note else fixed["note"],
    }
    return {"resourceType": "ServiceRequest"} | {k: v for k, v in details.items() if v}


@cache
def _fixed_parts(order: str) -> Mapping[str, Any]:
    """What every draft of an order has; shared by all of them, so nobody may change it."""
    definition = ORDERS[order]
    return {
        "category": [{"coding": [_plain(definition.category)]}],
        "code": _code(definition, None),
        "orderDetail": _texts(definition.order_detail),
        "note": _texts(definition.note),
    }


def order_ids_for(
    codings: Iterable[Coding], orderables: Mapping[str, LocalCoding] = NO_ORDERABLES
) -> frozenset[str]:
    """Return the orders whose LOINC or SNOMED CT code, or an accepted other code, is among these.

    Each spelling of a system is understood. `orderables` are the site's own codes, by order id.
    """
    index = _orders_by_code()
    codings = tuple(codings)
    known = {
        order
        for coding in codings
        for order in index.get((normal_system(coding.system), normal_code(coding.code)), ())
    }
    local = {(coding.system, coding.code) for coding in codings}
    ordered = {order for order, own in orderables.items() if (own.system, own.code) in local}
    return frozenset(known | ordered)


def order_of_draft(draft: Mapping[str, Any]) -> str:
    """Return the order that a draft made here is for; empty for any other resource."""
    code = draft.get("code", {})
    codes = [(each["system"], each["code"]) for each in code.get("coding", ())]
    known = _orders_by_draft()
    # A site's own code stands first.
    for key in (frozenset(codes), frozenset(codes[1:]), code.get("text", "")):
        if key in known:
            return known[key]
    return ""


@cache
def _orders_by_draft() -> Mapping[frozenset[tuple[str, str]] | str, str]:
    """Return the orders by their codes, those without a code by their names."""
    return {
        frozenset((each.system, each.code) for each in order.codings) or order.name: order.id
        for order in ORDERS.values()
    }


def _code(definition: OrderDefinition, site_coding: LocalCoding | None) -> dict[str, Any]:
    own = (
        (Coding(site_coding.system, site_coding.code, site_coding.display),) if site_coding else ()
    )
    codings = (*own, *definition.codings)
    code: dict[str, Any] = {"text": definition.name}
    if codings:
        code = {"coding": [_plain(coding) for coding in codings]} | code
    return code


def _reason_code(reason: str) -> list[dict[str, Any]]:
    text = _REASON_NAMES.get(reason.strip().lower(), reason.strip())
    if not text:
        return []
    if text.lower() == "pancytopenia":
        return [{"coding": [_plain(coding) for coding in _PANCYTOPENIA], "text": text}]
    return [{"text": text}]


def _texts(*texts: str) -> list[dict[str, str]]:
    if not any(texts):
        return []
    return [{"text": text} for text in dict.fromkeys(t.strip() for t in texts) if text]


def _plain(coding: Coding) -> dict[str, str]:
    parts = {"system": coding.system, "code": coding.code, "display": coding.display}
    if coding.system and coding.code and coding.display:
        return parts
    return {key: value for key, value in parts.items() if value}


@cache
def load_orders() -> dict[str, OrderDefinition]:
    """Read and validate `orders.json`, once. Raises pydantic.ValidationError on bad FHIR."""
    text = resources.files("fhir_mappings").joinpath("orders.json").read_text("utf-8")
    bundle = Bundle.model_validate_json(text)
    found = (entry.resource for entry in bundle.entry or ())
    definitions = (_definition(each) for each in found if isinstance(each, ActivityDefinition))
    return {definition.id: definition for definition in definitions}


def _definition(activity: ActivityDefinition) -> OrderDefinition:
    code, topic = activity.code, activity.topic
    if not (activity.id and activity.title and code and topic and topic[0].coding):
        raise ValueError(f"ActivityDefinition {activity.id} lacks id, title, code or topic")
    return OrderDefinition(
        id=activity.id,
        name=activity.title,
        codings=tuple(_coding(coding) for coding in code.coding or ()),
        category=_coding(topic[0].coding[0]),
        accepted=tuple(
            _coding(extension.valueCoding)
            for extension in activity.extension or ()
            if extension.url == ALSO_SATISFIED_BY
        ),
        order_detail=_literal(activity, "orderDetail.text"),
        note=_literal(activity, "note.text"),
    )


def _literal(activity: ActivityDefinition, path: str) -> str:
    for dynamic in activity.dynamicValue or ():
        if dynamic.path == path:
            return str(dynamic.expression.expression).strip("'")
    return ""


def _coding(coding: Any) -> Coding:  # noqa: ANN401  fhir.resources' types are not exported
    return Coding(system=coding.system, code=coding.code, display=coding.display or "")


@cache
def _orders_by_code() -> dict[tuple[str, str], frozenset[str]]:
    index: dict[tuple[str, str], frozenset[str]] = {}
    for definition in load_orders().values():
        for coding in (*definition.codings, *definition.accepted):
            key = (coding.system, coding.code)
            index[key] = index.get(key, frozenset()) | {definition.id}
    return index


class _Orders(Mapping[str, OrderDefinition]):
    """The orders by id, read from the file on first use, not at import."""

    def __getitem__(self, order: str) -> OrderDefinition:
        return load_orders()[order]

    def __iter__(self) -> Iterator[str]:
        return iter(load_orders())

    def __len__(self) -> int:
        return len(load_orders())


ORDERS: Mapping[str, OrderDefinition] = _Orders()
"""Every order of clinical-definition 4, by its id."""
