"""Hand-made interpretations for the tests of cards: the seed's patient and variations of it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import count
from uuid import UUID

from fhir_mappings.panel import Analyte, LabResult, ReferenceInterval
from service.cds_hooks.messages import CdsRequest
from service.interpreter.interpretation import (
    B12State,
    CellLine,
    CellLineFact,
    CellLineState,
    Deviation,
    FindingIndicator,
    FiredFinding,
    FunctionState,
    Grade,
    Interpretation,
    IronState,
    Pattern,
    Priority,
    ProposedOrder,
    ShownValue,
    States,
)
from tests.support.changing import replace

TAKEN = datetime(2026, 6, 14, 9, 30, tzinfo=timezone(timedelta(hours=2)))
NOW = datetime(2026, 6, 15, 12, 0, tzinfo=timezone(timedelta(0)))
PUBLIC_URL = "https://hooks.hospital.example"

INDEX_ORDERS = (
    "hematology-referral",
    "marrow-biopsy",
    "peripheral-smear",
    "reticulocytes",
    "ldh",
    "vitamin-b12",
    "methylmalonic-acid",
    "homocysteine",
    "hiv-screen",
)


def result(analyte: Analyte, value: str, unit: str, **changes) -> LabResult:
    """One accepted result."""
    fields = {
        "analyte": analyte,
        "value": Decimal(value),
        "taken": TAKEN,
        "unit": unit,
        "reported_value": value,
        "reported_unit": unit,
        "source": f"Observation/{analyte.value.lower()}-1",
    }
    return LabResult(**(fields | changes))


HEMOGLOBIN = result(Analyte.HEMOGLOBIN, "8.9", "g/dL", interval=ReferenceInterval(Decimal("12.0")))
NEUTROPHILS = result(Analyte.NEUTROPHILS, "1.1", "10*9/L", reported_unit="10*3/uL")
PLATELETS = result(Analyte.PLATELETS, "84", "10*9/L", reported_unit="10*3/uL")
B12 = result(
    Analyte.VITAMIN_B12,
    "1490.907",
    "pg/mL",
    reported_value="1100",
    reported_unit="pmol/L",
    status="preliminary",
)


def states(**changes) -> States:
    """The states of the seed's patient."""
    fields = {
        "lines": {
            CellLine.HEMOGLOBIN: CellLineFact(
                CellLine.HEMOGLOBIN,
                CellLineState.LOW,
                Grade.MODERATE,
                HEMOGLOBIN,
                Decimal("12.0"),
                True,
            ),
            CellLine.WHITE: CellLineFact(
                CellLine.WHITE, CellLineState.LOW, Grade.MILD, NEUTROPHILS, Decimal("1.8")
            ),
            CellLine.PLATELETS: CellLineFact(
                CellLine.PLATELETS, CellLineState.LOW, Grade.MILD, PLATELETS, Decimal("150")
            ),
        },
        "pattern": Pattern.PANCYTOPENIA,
        "b12": B12State.MARKED,
        "iron": IronState.INDEX,
        "function": FunctionState.UNKNOWN,
        "used": (HEMOGLOBIN, NEUTROPHILS, PLATELETS, B12),
    }
    return States(**(fields | changes))


def finding(
    name: str = "index-pattern", indicator: FindingIndicator = FindingIndicator.WARNING, **changes
):
    """One finding with texts that tell where they stand."""
    fields = {
        "id": name,
        "indicator": indicator,
        "certainty": "raises concern for",
        "summary": f"Summary of {name}.",
        "paragraphs": (f"First paragraph of {name}.", "Second paragraph."),
        "meaning": f"Meaning of {name}.",
        "values": tuple(
            ShownValue(each.analyte, each, deviation)
            for each, deviation in (
                (HEMOGLOBIN, Deviation.LOW),
                (NEUTROPHILS, Deviation.LOW),
                (PLATELETS, Deviation.LOW),
                (B12, Deviation.VERY_HIGH),
            )
        ),
        "avoid": "calling the high B12 benign.",
        "cautions": ("Do not call high B12 benign.",),
        "citation": ("R1",),
        "seed_steps": ("step 3", "step 4"),
    }
    return FiredFinding(**(fields | changes))


def orders(*names: str, priority: Priority = Priority.URGENT) -> tuple[ProposedOrder, ...]:
    """Proposed orders of one priority."""
    return tuple(ProposedOrder(name, priority) for name in names)


def interpretation(**changes) -> Interpretation:
    """The interpretation of the seed's patient, with these fields changed."""
    base = Interpretation(states=states(), finding=finding(), orders=orders(*INDEX_ORDERS))
    return replace(base, **changes)


def call(**changes) -> CdsRequest:
    """A patient-view call with nothing prefetched."""
    fields = {
        "hook": "patient-view",
        "hook_instance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "user_id": "Practitioner/1",
        "patient_id": "pat-1",
    }
    return CdsRequest(**(fields | changes))


def ids():
    """Return a maker of distinct uuids, the same in each run."""
    numbers = count(1)
    return lambda: UUID(int=next(numbers))


def cards_of(given: Interpretation, hook: str = "patient-view", **changes):
    """Build the cards of an interpretation."""
    from service.cards.build import build_cards

    options = {
        "public_url": PUBLIC_URL,
        "order_intent": "proposal",
        "new_id": ids(),
    }
    return build_cards(given, call(hook=hook), **(options | changes))
