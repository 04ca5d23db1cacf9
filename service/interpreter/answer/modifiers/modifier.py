"""What a modifier is, and how names of the patient's record stand in a sentence.

Names come from the chart; their number and length are bounded (clinical-definition 3.4, 3.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.interpreter.formatting import listed
from service.interpreter.interpretation import RemarkRank
from service.interpreter.rules.rule import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fhir_mappings.context import Condition, ValueSetName
    from service.interpreter.assessment.situation import Situation
    from service.interpreter.rules.criteria.criterion import Case
    from service.interpreter.rules.rule import Rule, WantedOrder

    Says = Callable[[Case, Rule | None], str]

ACTIONABLE_STEPS = frozenset({Step.PANCYTOPENIA, Step.BICYTOPENIA, Step.THIRD_LINE_UNKNOWN})
_PATTERN_STEPS = ACTIONABLE_STEPS | {Step.PREGNANCY}

MOST_NAMES = 3
_MOST_WORDS = 6
_LONGEST = 60


def always_says(text: str) -> Says:
    """Return what says the same of every patient."""
    return lambda _case, _rule: text


def _says_nothing(_case: Case, _rule: Rule | None) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modifier:
    """Something in the patient that changes an answer.

    `when` and `then` are its trigger and effect in words, for people who read the table. `trigger`
    names what triggers it in this patient and is empty when it does not act; `effect` is what it
    does then. `says` is its text in the evidence, `remark` its one sentence on the card, sorted by
    `rank`. The `orders` it adds are asked for whenever the counts were read as a pattern.
    `conditions` are the entries of the problem list that can trigger it. `everywhere`: it acts on
    any card, not only where the counts were read as a pattern.
    """

    id: str
    when: str
    then: str
    trigger: Says
    effect: Says
    says: Says = _says_nothing
    remark: Says = _says_nothing
    rank: RemarkRank = RemarkRank.OTHER
    orders: Callable[[Situation], tuple[WantedOrder, ...]] = lambda _situation: ()
    conditions: Callable[[Situation], Iterable[object]] = lambda _situation: ()
    everywhere: bool = False


def is_pattern(rule: Rule | None) -> bool:
    """Whether the adult rules judged the counts as a pattern (or only an overlay fired)."""
    return rule is None or rule.step in _PATTERN_STEPS


def active_conditions(situation: Situation, *sets: ValueSetName) -> Iterator[Condition]:
    """Yield the active entries of the problem list that are in one of these value sets."""
    wanted = frozenset(sets)
    for condition in situation.facts.context.conditions:
        if condition.active and condition.sets & wanted:
            yield condition


def brief(name: str) -> str:
    """Return the name of a record, cut at six words or 60 characters."""
    words = name.split()
    text = " ".join(words[:_MOST_WORDS])[:_LONGEST].rstrip(" ,;(")
    return text if len(words) <= _MOST_WORDS and len(name) <= _LONGEST else f"{text}…"


def names_of(names: Iterable[str], most: int = MOST_NAMES) -> str:
    """List names in brief, once each, at most `most`, then how many more there are."""
    return at_most((brief(name) for name in names if name), most)


def at_most(texts: Iterable[str], most: int = MOST_NAMES) -> str:
    """List texts once each, at most `most`, then how many more there are."""
    unique = list(dict.fromkeys(texts))
    if len(unique) > most:
        return f"{', '.join(unique[:most])} and {len(unique) - most} more"
    return listed(unique)
