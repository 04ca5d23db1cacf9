"""What is written down about one patient: the rows that both engines give to the tables.

Nobody is named: `patient` and `clinician` are keyed hashes. Days and months are those of the site.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct


class Row(Struct, frozen=True, kw_only=True, tag_field="row"):
    """A row about one patient."""

    patient: str


class Place(Struct, frozen=True, kw_only=True):
    """Where the patient was at a moment: of the Encounter that was under way."""

    encounter_class: str = ""
    service: str = ""
    location: str = ""
    role: str = ""
    clinician: str = ""


class Person(Row, tag="person", frozen=True, kw_only=True):
    """One patient of the export. `judged`: with at least one moment in the period.

    `first_count`, `last_count`: days on which blood counts became known, in the period or not.
    """

    sex: str = "unknown"
    race: str = ""
    ethnicity: str = ""
    language: str = ""
    judged: bool = False
    first_day: str = ""
    last_day: str = ""
    first_count: str = ""
    last_count: str = ""
    counters: dict[str, int] = {}
    results: dict[str, int] = {}
    refused: dict[str, int] = {}


class Judged(Row, tag="judged", frozen=True, kw_only=True):
    """How many moments of one kind were judged in one month, place and age: the denominators."""

    variant: str
    kind: str
    month: str
    age: str
    place: Place
    number: int
    short_history: int = 0
    not_answered: int = 0


class Card(Row, tag="card", frozen=True, kw_only=True):
    """One moment with a card, or without an answer.

    `findings` has the leading one first; empty with `not_answered`, the reason. `news` tells
    whether the finding is new, changed or repeated beside the moment of the same kind before;
    `held_back` whether quiet repeats would have held it back from one and the same viewer.
    """

    variant: str
    kind: str
    at: str
    day: str
    month: str
    week: str
    age: str
    place: Place
    findings: tuple[str, ...] = ()
    indicator: str = ""
    orders: tuple[str, ...] = ()
    news: str = ""
    held_back: bool = False
    not_answered: str = ""


class Episode(Row, tag="episode", frozen=True, kw_only=True):
    """One finding from its first card until none has stood for 30 days, and what came of it.

    `finding` "any" is the episode of any card at all. `outcome` is the first of the hierarchy that
    holds; the other fields tell each outcome by itself. `full`: the record goes on for the whole
    follow-up. Days count from the first card.
    """

    variant: str
    finding: str
    first_day: str
    month: str
    age: str
    cards: int
    indicator: str
    outcome: str
    full: bool
    disease: str = ""
    disease_days: int | None = None
    marrow_days: int | None = None
    hematology_days: int | None = None
    deficiency: str = ""
    treated_days: int | None = None
    treated_despite_high_b12: bool = False
    recovered: bool = False
    died_days: int | None = None
    action_days: int | None = None
    open_loop: bool = False


class Disease(Row, tag="disease", frozen=True, kw_only=True):
    """One new marrow disease of the period: whether a card came before, and if none, why."""

    variant: str
    disease: str
    day: str
    age: str
    counted: bool
    carded: bool
    reason: str = ""


class Failure(Row, tag="failure", frozen=True, kw_only=True):
    """One patient that could not be judged: error and place, never a value."""

    error: str
    source_line: str


class Chart(Row, tag="chart", frozen=True, kw_only=True):
    """One chart for review, only when it was asked for: this one holds patient data.

    `draw` orders the charts of a finding at random, the same way in every run.
    """

    finding: str
    draw: str
    patient_id: str
    at: str
    values: str
    context: str


class Loop(Row, tag="loop", frozen=True, kw_only=True):
    """One open loop for the worklist, only when it was asked for: it names the patient."""

    patient_id: str
    finding: str
    first_day: str
    indicator: str
    last_day: str


AnyRow = Person | Judged | Card | Episode | Disease | Failure | Chart | Loop
_ENCODER = msgspec.json.Encoder()


def encode(row: AnyRow) -> bytes:
    """Return the row as one line of JSON."""
    return _ENCODER.encode(row)


def decode(line: bytes) -> Any:  # noqa: ANN401  one of AnyRow
    """Return the row of a line that `encode` made."""
    return _DECODER.decode(line)


_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyRow)
