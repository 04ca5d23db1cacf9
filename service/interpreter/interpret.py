"""From facts to an interpretation: the rules, evaluated in the order of clinical-definition 3.1."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from service.interpreter.answer import remarks as texts
from service.interpreter.answer.card_remarks import data_quality_remarks, remarks_for_card
from service.interpreter.answer.card_values import values_of
from service.interpreter.answer.explanation import explain, nobody
from service.interpreter.answer.indicators import indicator_of
from service.interpreter.answer.modifiers import table as modifiers
from service.interpreter.answer.modifiers.marrow_and_referral import escalation
from service.interpreter.answer.modifiers.medicines import by_danger
from service.interpreter.answer.modifiers.modifier import is_pattern
from service.interpreter.answer.orders import orders_due
from service.interpreter.answer.read_from_words import read_from_words, words_remark
from service.interpreter.answer.results_used import (
    could_not_check,
    counts_not_had,
    left_out,
    set_aside,
    used_results,
)
from service.interpreter.answer.summaries import fill, meaning_of, summary_of
from service.interpreter.assessment.assess import assess, assess_opening
from service.interpreter.assessment.unusable import withheld_counts
from service.interpreter.evaluation import Evaluation, evaluate_rules
from service.interpreter.interpretation import (
    NOT_JUDGED,
    UNEXPLAINED,
    FiredFinding,
    Interpretation,
)
from service.interpreter.rules.criteria.criterion import Case
from service.interpreter.rules.data_quality import (
    AGE_UNKNOWN_SUMMARY,
    age_meaning,
    data_quality_due,
    judged_at_unknown_age,
)
from service.interpreter.rules.order_hooks import DATA_QUALITY
from service.interpreter.rules.rule import Step
from service.interpreter.stated_limits import stated

if TYPE_CHECKING:
    from datetime import datetime

    from service.interpreter.assessment.situation import Opening, Situation
    from service.interpreter.interpretation import (
        AppliedModifier,
        Facts,
        ProposedOrder,
        Remark,
        States,
    )
    from service.interpreter.rules.rule import Rule
    from service.interpreter.thresholds import Thresholds


def interpret(
    facts: Facts,
    now: datetime,
    findings_off: frozenset[str] = frozenset(),
    *,
    explained: bool = True,
    about_orders: bool = False,
    limits: Thresholds | None = None,
) -> Interpretation:
    """Interpret one patient at `now` (timezone-aware). Raises nothing for any facts.

    `findings_off` are findings that a safety officer has switched off: they give no card, and no
    other row applies to their patient instead. Without `explained`, the explanation is left empty;
    with `about_orders` it is that of an order hook, which is only about drafted orders. `limits`
    are those of `assess`.
    """
    situation = assess(facts, now, limits)
    if reason := nobody(facts):
        return Interpretation(
            _states(situation), explanation=explain(situation, Evaluation(), reason)
        )
    walk = evaluate_rules(situation, findings_off)
    case = Case(situation, walk.overlay_indicators)
    finding = _fired(walk.finding, case) if walk.finding else None
    if finding is not None and walk.silenced:
        finding = replace(finding, has_card=False)
    shown = walk.shown_finding
    overlays = tuple(_overlay(rule, case, alone=shown is None) for rule in walk.overlays)
    orders = orders_due(case, None if walk.silenced else walk.finding, walk.overlays)
    any_card = bool(overlays) or shown is not None
    aside = set_aside(situation)
    applied = modifiers.applied(case, walk.finding) if any_card or walk.silenced else ()
    acting = tuple(each.id for each in applied)
    return Interpretation(
        states=_states(situation),
        overlay=overlays[0] if overlays else None,
        lower_overlays=overlays[1:],
        finding=finding,
        order_findings=tuple(
            (_plain(rule, replace(case, draft=draft)), draft) for rule, draft in walk.order_findings
        ),
        data_quality=_data_quality(walk, case),
        orders=orders.proposed if any_card else (),
        withheld=orders.withheld if any_card else (),
        set_aside=aside,
        withheld_counts=None
        if any_card or walk.stopped is Step.HOSPICE
        else withheld_counts(situation),
        modifiers=applied,
        remarks=_remarks(walk, case, acting, any_card=any_card),
        read_from_words=read_from_words(situation, walk, acting),
        named_drugs=_named_drugs(applied, situation) if any_card else (),
        could_not_check=_not_checked(situation, walk, orders.proposed, any_card=any_card),
        undecided_groups=walk.undecided_groups(case),
        undecided_order_groups=walk.undecided_order_groups(case),
        explanation=explain(
            situation,
            walk,
            "",
            applied,
            left_out(situation, aside),
            about_orders=about_orders,
        )
        if explained
        else UNEXPLAINED,
    )


def interpret_closed(opening: Opening) -> Interpretation:
    """Interpret a patient for whom `is_open` is False: no rule fires or is left undecided.

    What no card will show is not worked out: the states are empty, and nothing is explained.
    """
    if nobody(opening.facts):
        return Interpretation(NOT_JUDGED)
    withheld = None if opening.hospice else withheld_counts(opening)
    return Interpretation(NOT_JUDGED, set_aside=set_aside(opening), withheld_counts=withheld)


def may_still_fire(facts: Facts, now: datetime, findings_off: frozenset[str] = frozenset()) -> bool:
    """Return whether any rule could fire once everything still unavailable is known.

    Sound, not exact: True may end without a card, False never hides one. Fewer than two low lines
    (with pregnancy limits where a pregnancy is not excluded), no neutrophils below 0.5, no blasts,
    no schistocytes beside low platelets and no refused count leave every rule false whatever the
    second stage brings.
    """
    return is_open(assess_opening(facts, now), findings_off)


def is_open(opening: Opening, findings_off: frozenset[str] = frozenset()) -> bool:
    """Return what `may_still_fire` does of a patient whose counts are assessed already."""
    if nobody(opening.facts) or opening.hospice:
        return False
    return (
        opening.counts.low_lines_at_most >= 2
        or len(opening.counts.pediatric_low) >= 2
        or opening.counts.neutrophils_below_half_with_age is not False
        or opening.blasts.present is not False
        or opening.schistocytes_with_low_platelets is not False
        or (DATA_QUALITY.id not in findings_off and _data_quality_may_be_due(opening))
    )


def _data_quality_may_be_due(opening: Opening) -> bool:
    """Without an age one low line is enough, and a pregnancy not found yet may make it low."""
    unknown_age = opening.age is None and opening.counts.low_lines_at_most > 0
    return unknown_age or data_quality_due(opening)


def _remarks(
    walk: Evaluation, case: Case, acting: tuple[str, ...], *, any_card: bool
) -> tuple[Remark, ...]:
    """A card about data quality alone says only what the refused values may hide."""
    doubts = data_quality_remarks(case) if walk.data_quality else ()
    if not any_card:
        return doubts
    said = [*remarks_for_card(case, None if walk.silenced else walk.finding)]
    if words := words_remark(case.situation, walk, acting):
        said.append(words)
    return (*doubts, *sorted(said, key=lambda remark: remark.rank))


def _not_checked(
    situation: Situation, walk: Evaluation, orders: tuple[ProposedOrder, ...], *, any_card: bool
) -> tuple[str, ...]:
    """A card about data quality alone is about counts, and says only which could not be had."""
    if any_card:
        proposed = {each.order for each in orders}
        urgent = bool(walk.overlays)
        return could_not_check(situation, walk.finding, proposed, urgent=urgent)
    return counts_not_had(situation) if walk.data_quality else ()


def _states(situation: Situation) -> States:
    notes = (
        ("Methylmalonic acid is raised, but kidney function is poor or not known (MMA_RENAL).",)
        if situation.chemistry.mma_renal
        else ()
    )
    return replace(situation.states, used=used_results(situation), notes=notes)


def _named_drugs(applied: tuple[AppliedModifier, ...], situation: Situation) -> tuple[str, ...]:
    """Return the drugs that M9 names, the most dangerous first."""
    if not any(each.id == "M9" for each in applied):
        return ()
    return tuple(dict.fromkeys(each.name for each in by_danger(situation)))


def _paragraphs(rule: Rule, case: Case) -> tuple[str, ...]:
    limits, windows = case.situation.limits, case.situation.windows
    own = (
        stated(each, limits, windows) if isinstance(each, str) else each(case)
        for each in rule.detail
    )
    return tuple(text for text in own if text)


def _made(rule: Rule, case: Case, paragraphs: tuple[str, ...], summary: str = "") -> FiredFinding:
    return FiredFinding(
        id=rule.id,
        indicator=indicator_of(rule, case),
        certainty=rule.certainty,
        summary=summary or summary_of(rule, case),
        paragraphs=tuple(dict.fromkeys(paragraphs)),
        meaning=meaning_of(rule, case),
        avoid=fill(rule.avoid, case),
        values=values_of(rule, case),
        cautions=rule.cautions,
        citation=rule.citation,
        seed_steps=rule.seed_steps,
        has_card=rule.has_card,
    )


def _goals_first(
    sentences: tuple[str, ...], rest: tuple[str, ...], situation: Situation
) -> tuple[str, ...]:
    """Palliative care comes in the first line (M7), the rest after the finding's own text."""
    if not situation.history.palliative:
        return (*rest, *sentences)
    return (*sentences[:1], *rest, *sentences[1:])


def _fired(rule: Rule, case: Case) -> FiredFinding:
    pattern = is_pattern(rule)
    own = _paragraphs(rule, case)
    said = modifiers.sentences(case, rule)
    after = (*texts.urgent_texts(case), *(texts.pattern_texts(case) if pattern else ()))
    return _made(rule, case, (*_goals_first(said, own, case.situation), *after))


def _overlay(rule: Rule, case: Case, *, alone: bool) -> FiredFinding:
    own = _paragraphs(rule, case)
    said = modifiers.sentences(case, None, everywhere_only=not alone)
    if not alone and case.situation.history.referral_exists:
        said = (*said, escalation(case))
    after = (*texts.urgent_texts(case), *(texts.pattern_texts(case) if alone else ()))
    return _made(rule, case, (*_goals_first(said, own, case.situation), *after))


def _plain(rule: Rule, case: Case) -> FiredFinding:
    return _made(rule, case, (*_paragraphs(rule, case), *texts.urgent_texts(case)))


def _data_quality(walk: Evaluation, case: Case) -> FiredFinding | None:
    if not walk.data_quality:
        return None
    summary = AGE_UNKNOWN_SUMMARY if judged_at_unknown_age(case.situation) else ""
    fired = _made(DATA_QUALITY, case, _paragraphs(DATA_QUALITY, case), summary)
    if summary:
        fired = replace(fired, meaning=age_meaning(case.situation))
    return replace(fired, indicator=DATA_QUALITY.indicator.of(case))
