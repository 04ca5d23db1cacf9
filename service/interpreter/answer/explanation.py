"""Why there are these cards, or none, in a clinician's sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.interpreter.assessment.cell_lines import NOTHING_SENT
from service.interpreter.assessment.situation import Freshness
from service.interpreter.formatting import (
    LINE_NAMES,
    day,
    listed,
    sentence,
    shown,
    unit_words,
)
from service.interpreter.interpretation import (
    CellLine,
    CellLineState,
    Explanation,
    Pattern,
    RuleOutcome,
    TriedRule,
)
from service.interpreter.rules.criteria.criterion import Case, decisive
from service.interpreter.rules.order_hooks import ORDER_HOOKS
from service.interpreter.rules.rule import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence

    from fhir_mappings.panel import Unreadable
    from service.interpreter.assessment.situation import Situation
    from service.interpreter.evaluation import Evaluation, RuleResult
    from service.interpreter.interpretation import AppliedModifier, CellLineFact, Facts
    from service.interpreter.logic import Truth
    from service.interpreter.rules.rule import Rule


def nobody(facts: Facts) -> str:
    """Return why this call gets no card at all (3.1, step 0); empty when it is not."""
    if facts.patient.deceased:
        return "the patient is recorded as deceased"
    if facts.patient.replaced:
        return "the patient's record was replaced by another"
    if facts.user_is_patient:
        return "the card is for clinicians and the user is the patient or a related person"
    return ""


def explain(
    situation: Situation,
    walk: Evaluation,
    nobody_reason: str = "",
    modifiers: tuple[AppliedModifier, ...] = (),
    left_out: tuple[Unreadable, ...] = (),
    *,
    about_orders: bool = False,
) -> Explanation:
    """Return the explanation of one call; `about_orders`: of an order hook."""
    if nobody_reason:
        return Explanation(f"No card: {nobody_reason}.")
    if about_orders:
        text = _about_orders(situation, walk)
        return Explanation(text, _tried_rules(walk.tried), modifiers, left_out)
    shown_ids = [each.id for each in walk.overlays]
    if walk.shown_finding is not None:
        shown_ids.append(walk.shown_finding.id)
    shown_ids += [rule.id for rule, _draft in walk.order_findings]
    if walk.data_quality:
        shown_ids.append("data-quality")
    if shown_ids:
        shown_ids = list(dict.fromkeys(shown_ids))
        text = (
            f"Card{'' if len(shown_ids) == 1 else 's'}: {listed(shown_ids)}. {_counts(situation)}"
        )
    else:
        text = f"No card: {_silence(situation, walk)}."
    return Explanation(_tidy(text), _tried_rules(walk.tried), modifiers, left_out)


def _about_orders(situation: Situation, walk: Evaluation) -> str:
    found = list(dict.fromkeys(rule.id for rule, _draft in walk.order_findings))
    if found:
        return _tidy(f"Card{'' if len(found) == 1 else 's'}: {listed(found)}. {_counts(situation)}")
    words = listed(
        word
        for each in walk.tried
        if each.rule in ORDER_HOOKS and each.outcome is RuleOutcome.UNDECIDED
        for word in _decided_by(each.rule, each.truths)
    )
    text = "No card: no finding is about the drafted orders"
    return f"{text}; not settled without {words}." if words else f"{text}."


def _tried_rules(results: Iterable[RuleResult]) -> tuple[TriedRule, ...]:
    """What was seen is said once, however many rows fail because of it."""
    seen: dict[tuple[int, Callable[[Case], str]], str] = {}
    tried = []
    for rule, outcome, case, truths in results:
        condition = decisive(rule.when, truths)
        phrase = ""
        if condition is not None:
            key = id(case), condition.seen
            if key not in seen:
                seen[key] = condition.seen(case)
            phrase = condition.phrase_with(seen[key], case)
        open_parts = _decided_by(rule, truths) if outcome is RuleOutcome.UNDECIDED else ()
        fired = outcome is RuleOutcome.FIRED
        conditions = tuple(each.phrase(case) for each in rule.when) if fired else ()
        tried.append(TriedRule(rule.id, outcome, phrase, open_parts, conditions))
    return tuple(tried)


def _decided_by(rule: Rule, truths: Sequence[Truth]) -> tuple[str, ...]:
    undecided = (each for each, truth in zip(rule.when, truths, strict=True) if truth is None)
    return tuple(dict.fromkeys(word for each in undecided for word in each.decided_by))


def _tidy(text: str) -> str:
    return text.strip().replace("..", ".")


def _silence(situation: Situation, walk: Evaluation) -> str:
    off = [each.rule.id for each in walk.tried if each.outcome is RuleOutcome.SWITCHED_OFF]
    if off:
        return f"{listed(off)} would fire but {'is' if len(off) == 1 else 'are'} switched off here"
    reason = _stopped(situation, walk) or _by_counts(situation)
    words = listed(
        word
        for each in walk.tried
        if each.outcome is RuleOutcome.UNDECIDED
        for word in _decided_by(each.rule, each.truths)
    )
    if words and walk.undecided_groups(Case(situation, walk.overlay_indicators)):
        return f"{reason}; not settled without {words}"
    return reason


def _stopped(situation: Situation, walk: Evaluation) -> str:
    if walk.silenced and walk.finding is not None:
        return (
            f"{walk.finding.id} holds, but a marrow and a hematology referral exist already and no "
            "red flag stands"
        )
    if walk.stopped is Step.HOSPICE:
        return f"the patient is in hospice care ({listed(situation.hospice)})"
    if walk.stopped is Step.CHILD:
        return (
            "the patient is under 18, fewer than two lines are low by the laboratory's flags, "
            "ranges or the floors for children, and there are no blasts"
        )
    if walk.stopped is Step.KNOWN_DISORDER:
        names = listed(each.display for each in situation.history.known_disorder)
        return f"a hematologic disorder is known ({names}) and nothing is new"
    if walk.stopped is Step.CHEMOTHERAPY:
        return f"chemotherapy was given recently and {_by_counts(situation)}"
    if walk.stopped is Step.STALE:
        return (
            f"the newest blood count is {situation.anchor_age_days} days old and "
            f"{_by_counts(situation)}"
        )
    if walk.stopped is Step.PREGNANCY:
        return f"by the limits of pregnancy {_by_counts(situation)}"
    return ""


def _by_counts(situation: Situation) -> str:
    if situation.freshness is Freshness.NONE:
        return _no_count(situation)
    low = _named(situation, CellLineState.LOW)
    fine = _named(situation, CellLineState.NORMAL, CellLineState.MASKED)
    unknown = _unknown(situation)
    if situation.states.pattern is Pattern.BICYTOPENIA:
        return (
            f"{listed(low)} are low but {listed(fine)} {_verb(fine)} not, and nothing adds to it "
            "(no low or high vitamin B12, no urgent finding, platelets and MCV within the limits "
            "for a card)"
        )
    parts = []
    if fine:
        parts.append(f"{listed(fine)} {_verb(fine)} not low")
    if low:
        parts.append(
            f"{listed(low)} {'is' if len(low) == 1 else 'are'} low, which alone is no card"
        )
    if unknown:
        parts.append(unknown)
    return "; ".join(parts) or "no blood count was found"


def _verb(names: list[str]) -> str:
    plural = len(names) > 1 or any(
        name.split()[0] in {"neutrophils", "platelets", "leukocytes"} for name in names
    )
    return "are" if plural else "is"


def _no_count(situation: Situation) -> str:
    if situation.anchor is None:
        reasons = _unknown(situation, NOTHING_SENT)
        return "no usable blood count was found" + (f": {reasons}" if reasons else "")
    days = situation.windows.stale.days
    return f"the newest blood count ({day(situation.anchor)}) is older than {days} days"


def _value(fact: CellLineFact) -> str:
    if fact.result is None:
        return LINE_NAMES[fact.line]
    name = fact.result.analyte.words
    unit = f" {unit_words(fact.result.unit)}" if fact.line is CellLine.HEMOGLOBIN else ""
    return f"{name} {shown(fact.result)}{unit}"


def _named(situation: Situation, *states: CellLineState) -> list[str]:
    lines = situation.states.lines
    return [
        _value(lines[line]) for line in CellLine if line in lines and lines[line].state in states
    ]


def _unknown(situation: Situation, unless: Container[str] = ()) -> str:
    facts = situation.states.lines
    reasons = [
        f"{LINE_NAMES[line]} not known ({facts[line].why or 'no reason recorded'})"
        for line in CellLine
        if line in facts
        and facts[line].state is CellLineState.UNKNOWN
        and facts[line].why not in unless
    ]
    return listed(reasons)


def _counts(situation: Situation) -> str:
    if situation.freshness is Freshness.NONE:
        return sentence(_no_count(situation)) + "."
    low, fine = _named(situation, CellLineState.LOW), _named(situation, CellLineState.NORMAL)
    parts = [f"low: {listed(low)}"] if low else []
    parts += [f"not low: {listed(fine)}"] if fine else []
    masked = _named(situation, CellLineState.MASKED)
    parts += [f"masked by a transfusion: {listed(masked)}"] if masked else []
    parts += [_unknown(situation)] if _unknown(situation) else []
    return sentence("; ".join(parts)) + "." if parts else ""
