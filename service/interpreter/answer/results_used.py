"""Which results a card rests on, which were set aside, and what could not be looked at."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, DataGroup
from service.interpreter.answer.modifiers.modifier import is_pattern
from service.interpreter.interpretation import HEMATOLOGY_REFERRAL

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from fhir_mappings.panel import LabResult, Unreadable
    from service.interpreter.assessment.situation import Opening, Situation
    from service.interpreter.rules.rule import Rule

MOST_LEFT_OUT = 50

_RECENT = timedelta(days=90)
_SHOWN = tuple(
    analyte
    for analyte in Analyte
    if analyte not in {Analyte.NEUTROPHIL_PERCENT, Analyte.HEMATOCRIT}
)
_CONTEXT_OF_STOPS = frozenset(
    {
        DataGroup.CONDITIONS,
        DataGroup.PROCEDURES,
        DataGroup.MEDICATION_ADMINISTRATIONS,
        DataGroup.MEDICATION_REQUESTS,
        DataGroup.MEDICATION_STATEMENTS,
        DataGroup.SERVICE_REQUESTS,
        DataGroup.SMEAR,
        DataGroup.FILM_REPORTS,
        DataGroup.TEMPERATURE,
    }
)


def used_results(situation: Situation) -> tuple[LabResult, ...]:
    """Return every result that states, overlays and texts rest on, once each."""
    selected = [situation.selected[analyte] for analyte in _SHOWN if analyte in situation.selected]
    lines = [fact.result for fact in situation.states.lines.values() if fact.result]
    more = [
        *lines,
        *situation.states.used,
        *situation.severe.results,
        *situation.blasts.number,
        *situation.red_flags.nucleated_red_cells,
        *([situation.fever.highest] if situation.fever.highest else []),
    ]
    return tuple(dict.fromkeys([*selected, *more]))


def set_aside(situation: Opening) -> tuple[Unreadable, ...]:
    """Return the refused results of the windows that the cards look at, each once.

    A result of which not even the analyte could be told may be any of them.
    """
    known = [item for items in situation.unreadable.values() for item in items]
    nameless = [
        item
        for item in situation.facts.panel.unreadable
        if item.analyte is None and (item.taken is None or situation.now - item.taken <= _RECENT)
    ]
    return tuple(dict.fromkeys([*known, *nameless]))


def left_out(situation: Opening, aside: Iterable[Unreadable]) -> tuple[Unreadable, ...]:
    """Return the newest of what was sent and neither used nor set aside, for who asks why."""
    named = set(aside)
    others = (
        item
        for item in situation.facts.panel.unreadable
        if item not in named and (item.taken is None or situation.now - item.taken <= _RECENT)
    )
    return tuple(islice(others, MOST_LEFT_OUT))


def counts_not_had(situation: Situation) -> tuple[str, ...]:
    """Return in plain words which counts were not available."""
    wanted = (DataGroup.BLOOD_COUNTS, DataGroup.DIFFERENTIAL)
    return tuple(group.words for group in wanted if group in situation.unavailable)


def _idle(finding: Rule | None, proposed: Container[str], *, urgent: bool) -> Iterator[DataGroup]:
    """Yield what would change nothing, whatever stood in it."""
    # A visit to come only makes the referral needless (M5).
    if HEMATOLOGY_REFERRAL not in proposed:
        yield DataGroup.APPOINTMENTS
    # A medicine bears on how counts are read, and on every urgent finding.
    if not urgent and not is_pattern(finding):
        yield DataGroup.MEDICATION_STATEMENTS


def could_not_check(
    situation: Situation,
    finding: Rule | None,
    proposed: Container[str] = (HEMATOLOGY_REFERRAL,),
    *,
    urgent: bool = False,
) -> tuple[str, ...]:
    """Return in plain words what was not available and bears on the cards.

    `proposed` are the orders of the card, `urgent` tells whether an urgent finding leads it. Many
    servers hold neither visits to come nor medicines by statement: that is said only where it
    could change the card.
    """
    idle = frozenset(_idle(finding, proposed, urgent=urgent))
    matters = frozenset(DataGroup)
    if finding is not None and finding.replaces_overlay_orders:
        matters = _CONTEXT_OF_STOPS
    missing = [
        group.words
        for group in DataGroup
        if group in situation.unavailable and group in matters and group not in idle
    ]
    broken = Counter(situation.facts.context.unreadable)
    entries = [
        f"{count} {kind or 'unknown'} {'entry' if count == 1 else 'entries'} that could not be read"
        for kind, count in sorted(broken.items())
    ]
    nobody = Counter(situation.facts.context.of_nobody)
    entries += [
        f"{count} {kind} {'entry' if count == 1 else 'entries'} that do not say whose they are"
        for kind, count in sorted(nobody.items())
    ]
    return (*missing, *entries)
