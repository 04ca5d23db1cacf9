"""Conditions that were matched by their words, without a code, and that change the answer.

Such a match is a suspicion: it is followed, and said, so that a reader can check the entry
(clinical-definition 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import Condition, ValueSetName
from service.interpreter.answer.modifiers.marrow_and_referral import M1, M7
from service.interpreter.answer.modifiers.modifier import active_conditions, names_of
from service.interpreter.answer.modifiers.table import MODIFIERS
from service.interpreter.assessment.history import DISORDERS
from service.interpreter.interpretation import Remark, RemarkRank
from service.interpreter.rules.rule import Step

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from service.interpreter.assessment.situation import Situation
    from service.interpreter.evaluation import Evaluation

_V = ValueSetName

_STOPS = {
    Step.HOSPICE: (_V.HOSPICE_CARE,),
    Step.KNOWN_DISORDER: DISORDERS,
    Step.CHEMOTHERAPY: (_V.CHEMOTHERAPY_CONDITIONS, _V.CHEMOTHERAPY_PROCEDURES),
}
"""What ends the table, by the value sets that do it; only what is certain enough counts."""

_BY_RULE = {
    "pregnancy": (_V.PREGNANCY_STATE,),
    "treated-b12-deficiency": (_V.B12_DEFICIENCY,),
    "neutropenic-fever": (_V.FEBRILE_NEUTROPENIA,),
    "possible-hlh": (_V.FEVER, _V.FEBRILE_NEUTROPENIA),
}

_SUPPRESSING_MODIFIERS = (M7, M1)


def read_from_words(
    situation: Situation, walk: Evaluation, modifiers: Collection[str]
) -> tuple[Condition, ...]:
    """Return what was matched by its words and changes the answer, what suppresses first.

    `modifiers` are the ids of those that act.
    """
    found = [*_suppressing(situation, walk, modifiers)]
    for rule in (*walk.overlays, *((walk.finding,) if walk.finding else ())):
        found += active_conditions(situation, *_BY_RULE.get(rule.id, ()))
    for modifier in (each for each in MODIFIERS if each.id in modifiers):
        found += _conditions(modifier.conditions(situation))
    return tuple(dict.fromkeys(each for each in found if each.in_words))


def words_remark(
    situation: Situation, walk: Evaluation, modifiers: Collection[str]
) -> Remark | None:
    """Return the sentence for the card; it ranks as a deferral where a match suppresses.

    What M1 names is marked there.
    """
    said = set(M1.conditions(situation)) if M1.id in modifiers else set()
    matched = [each for each in read_from_words(situation, walk, modifiers) if each not in said]
    if not matched:
        return None
    holds_back = not set(matched).isdisjoint(_suppressing(situation, walk, modifiers))
    rank = RemarkRank.DEFERRAL if holds_back else RemarkRank.OTHER
    names = names_of((each.display for each in matched), 2)
    return Remark("words", rank, f"Read from words, not from a code: {names}; check the entry.")


def _suppressing(
    situation: Situation, walk: Evaluation, modifiers: Collection[str]
) -> Iterator[Condition]:
    sets = _STOPS.get(walk.stopped, ()) if walk.stopped is not None else ()
    if walk.finding is not None:
        sets += _STOPS.get(walk.finding.step, ())
    yield from (each for each in active_conditions(situation, *sets) if each.may_suppress)
    for modifier in (each for each in _SUPPRESSING_MODIFIERS if each.id in modifiers):
        yield from _conditions(modifier.conditions(situation))


def _conditions(found: Iterable[object]) -> Iterator[Condition]:
    yield from (each for each in found if isinstance(each, Condition))
