"""Evaluates the rules in order (clinical-definition 3.1) and records the result of each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from fhir_mappings.panel import OBSERVATION_GROUPS, DataGroup
from service.interpreter.interpretation import Overlay, RuleOutcome
from service.interpreter.logic import all_of
from service.interpreter.rules import RULES
from service.interpreter.rules.criteria.criterion import Case, answers, judge, undecided_conditions
from service.interpreter.rules.criteria.patient import (
    CHILD,
    HOSPICE,
    KNOWN_DISORDER,
    MARROW_AND_REFERRAL_EXIST,
    PREGNANT,
    RECENT_CHEMOTHERAPY,
    STALE,
)
from service.interpreter.rules.order_hooks import DATA_QUALITY, ORDER_HOOKS
from service.interpreter.rules.rule import Step
from service.interpreter.rules.urgent_findings import OVERLAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fhir_mappings.context import MedicationDraft
    from service.interpreter.assessment.situation import Situation
    from service.interpreter.interpretation import FindingIndicator
    from service.interpreter.logic import Truth
    from service.interpreter.rules.criteria.criterion import Criterion
    from service.interpreter.rules.rule import Rule

STOPS: dict[Step, Criterion] = {
    Step.HOSPICE: HOSPICE,
    Step.CHILD: CHILD,
    Step.KNOWN_DISORDER: KNOWN_DISORDER,
    Step.CHEMOTHERAPY: RECENT_CHEMOTHERAPY,
    Step.STALE: STALE,
    Step.PREGNANCY: PREGNANT,
}
"""Patients who are not judged by any later step, whether or not a row of this step fired."""

_NO_ORDER_CARDS_AFTER = frozenset(
    {Step.HOSPICE, Step.CHILD, Step.KNOWN_DISORDER, Step.CHEMOTHERAPY, Step.STALE}
)
_CAUSES = frozenset({Step.PANCYTOPENIA, Step.BICYTOPENIA, Step.THIRD_LINE_UNKNOWN})
_OVERLAY_STEPS = frozenset({Step.OVERLAY, Step.SEVERE})
_OUTCOMES = {True: RuleOutcome.FIRED, False: RuleOutcome.FALSE, None: RuleOutcome.UNDECIDED}

_DECIDING_GROUPS = frozenset(OBSERVATION_GROUPS) - {DataGroup.SMEAR}
"""What can make a call end with 412: not the smear."""


class RuleResult(NamedTuple):
    """A row that was tried: its result, and the answers of its conditions for which case."""

    rule: Rule
    outcome: RuleOutcome
    case: Case
    truths: Sequence[Truth] = ()


@dataclass(slots=True)
class Evaluation:
    """The result of the rows. `stopped` is the step after which nothing more was tried.

    `silenced`: marrow and referral exist already, so that the finding has no card (M6).
    """

    overlays: tuple[Rule, ...] = ()
    overlay_indicators: dict[str, FindingIndicator] = field(default_factory=dict)
    finding: Rule | None = None
    silenced: bool = False
    order_findings: tuple[tuple[Rule, MedicationDraft], ...] = ()
    data_quality: bool = False
    stopped: Step | None = None
    tried: tuple[RuleResult, ...] = ()
    open_rules: tuple[Rule, ...] = ()

    @property
    def shown_finding(self) -> Rule | None:
        """The finding, when it has a card."""
        if self.finding is None or self.silenced or not self.finding.has_card:
            return None
        return self.finding

    @property
    def has_card(self) -> bool:
        """Whether there is any card."""
        shown = self.shown_finding or self.overlays or self.order_findings
        return bool(shown or self.data_quality)

    def undecided_groups(self, case: Case) -> frozenset[DataGroup]:
        """Return the unavailable laboratory groups that leave a row open, when no card fires."""
        return frozenset() if self.has_card else _deciding(self.open_rules, case)

    def undecided_order_groups(self, case: Case) -> frozenset[DataGroup]:
        """Return the same for the order hooks, which show no card but those about drafts."""
        if self.order_findings:
            return frozenset()
        return _deciding([rule for rule in self.open_rules if rule in ORDER_HOOKS], case)


def _deciding(rules: Iterable[Rule], case: Case) -> frozenset[DataGroup]:
    """Return the unavailable laboratory groups that could decide these open rules."""
    missing = case.situation.unavailable & _DECIDING_GROUPS
    groups: frozenset[DataGroup] = frozenset()
    for rule in rules:
        decided_by_groups = [
            c.settling(case, missing) for c in undecided_conditions(rule.when, case)
        ]
        if decided_by_groups and all(decided_by_groups):
            groups = groups.union(*decided_by_groups)
    return groups


@dataclass(slots=True)
class _Walker:
    situation: Situation
    off: frozenset[str]
    walk: Evaluation = field(default_factory=Evaluation)
    tried: list[RuleResult] = field(default_factory=list)
    open_rules: list[Rule] = field(default_factory=list)
    settled: bool = False
    case: Case = field(init=False)
    at_step: Step | None = None

    def __post_init__(self) -> None:
        self.case = Case(self.situation, self.walk.overlay_indicators)

    def run(self) -> Evaluation:
        for rule in RULES:
            if rule.step is Step.DATA_AND_ORDERS:
                break
            self._leave_step(rule.step)
            self._try(rule)
        self._leave_step(Step.DATA_AND_ORDERS)
        self._order_hooks()
        self._data_quality()
        self._keep_overlays()
        self.walk.silenced = self._nothing_left_to_do()
        self.walk.tried = tuple(self.tried)
        self.walk.open_rules = tuple(self.open_rules)
        return self.walk

    def _leave_step(self, step: Step) -> None:
        """Stop before `step` when a step before it ends the evaluation for this patient."""
        # Whether to stop is asked once for each step, not for each row.
        if self.walk.stopped is not None or step is self.at_step:
            return
        self.at_step = step
        for at, condition in STOPS.items():
            if at < step and condition.test(self.case) is True:
                self.walk.stopped = at
                return

    def _try(self, rule: Rule) -> None:
        taken = self.settled and rule.step not in _OVERLAY_STEPS
        if self.walk.stopped is not None or taken:
            self._pass_by(rule)
            return
        if self._judge(rule, self.case) is RuleOutcome.FIRED:
            self._fire(rule)

    def _pass_by(self, rule: Rule) -> None:
        self.tried.append(RuleResult(rule, RuleOutcome.NOT_REACHED, self.case))

    def _judge(self, rule: Rule, case: Case) -> RuleOutcome:
        truths = answers(rule.when, case)
        truth = all_of(*truths)
        outcome = _OUTCOMES[truth]
        if truth and rule.id in self.off and rule.has_card:
            outcome = RuleOutcome.SWITCHED_OFF
            self.settled = self.settled or rule.step not in _OVERLAY_STEPS
        if truth is None:
            self.open_rules.append(rule)
        self.tried.append(RuleResult(rule, outcome, case, truths))
        return outcome

    def _fire(self, rule: Rule) -> None:
        if rule.step in _OVERLAY_STEPS:
            found = {*(each.id for each in self.walk.overlays), rule.id}
            self.walk.overlays = tuple(each for each in OVERLAYS if each.id in found)
            case = self.case
            self.walk.overlay_indicators = {
                each.id: each.indicator.of(case) for each in self.walk.overlays
            }
            self.case = Case(self.situation, self.walk.overlay_indicators)
            return
        self.walk.finding = rule
        self.settled = True

    def _order_hooks(self) -> None:
        silent = self.walk.stopped in _NO_ORDER_CARDS_AFTER
        found = []
        for rule in ORDER_HOOKS:
            if silent:
                self._pass_by(rule)
                continue
            found += self._order_hook(rule)
        self.walk.order_findings = tuple(found)

    def _order_hook(self, rule: Rule) -> list[tuple[Rule, MedicationDraft]]:
        finding = self.walk.finding.id if self.walk.finding else ""
        case = replace(self.case, finding=finding)
        drafts = concerned_drafts(self.situation)
        truths = {draft: judge(rule.when, replace(case, draft=draft)) for draft in drafts}
        matching = [(rule, draft) for draft in drafts if truths[draft] is True]
        undecided = [draft for draft in drafts if truths[draft] is None]
        # A harmless draft must not hide another that could not be judged.
        shown = next(iter([*(draft for _rule, draft in matching), *undecided, *drafts]), None)
        outcome = self._judge(rule, replace(case, draft=shown))
        return matching if outcome is RuleOutcome.FIRED else []

    def _data_quality(self) -> None:
        if self.walk.stopped is Step.HOSPICE:
            self._pass_by(DATA_QUALITY)
            return
        self.walk.data_quality = self._judge(DATA_QUALITY, self.case) is RuleOutcome.FIRED

    def _nothing_left_to_do(self) -> bool:
        """Whether marrow and referral exist without a red flag, for steps 9 to 11 (M6)."""
        finding = self.walk.finding
        if finding is None or finding.step not in _CAUSES:
            return False
        return MARROW_AND_REFERRAL_EXIST.test(self.case) is True

    def _keep_overlays(self) -> None:
        """A known disorder keeps only neutropenic fever (3.1, step 4)."""
        if self.walk.stopped is not Step.KNOWN_DISORDER:
            return
        kept = tuple(each for each in self.walk.overlays if each.id == Overlay.NEUTROPENIC_FEVER)
        self.walk.overlays = kept
        self.walk.overlay_indicators = {
            each.id: self.walk.overlay_indicators[each.id] for each in kept
        }


def concerned_drafts(situation: Situation) -> tuple[MedicationDraft, ...]:
    """Return the drafts an order hook asks about: the selected ones, or all when none is (3.3)."""
    drafts = situation.facts.context.drafts
    selected = tuple(draft for draft in drafts if draft.selected)
    if selected or situation.facts.context.only_selected:
        return selected
    return drafts


def evaluate_rules(situation: Situation, findings_off: frozenset[str] = frozenset()) -> Evaluation:
    """Try every row for an assessed patient."""
    return _Walker(situation, findings_off).run()
