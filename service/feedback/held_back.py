"""What is shown of a call's cards and what is not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.cds_hooks.messages import Card


class Why(StrEnum):
    """Why a card was not shown; stable, for metrics."""

    ANSWERED = "answered"
    KNOWN = "known"
    SHOWN_BEFORE = "shown-before"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a card is held back: for metrics, and in plain words."""

    why: Why
    text: str


@dataclass(frozen=True, slots=True)
class Held:
    """One card that was not shown, with the reason in plain words."""

    card: Card
    why: Why
    reason: str


@dataclass(frozen=True, slots=True)
class ShownAndHeld:
    """What is shown and what is held back."""

    shown: tuple[Card, ...]
    held: tuple[Held, ...] = ()
