"""One hook call, from checked request to cards."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from fhir_mappings.laboratory.members import MOST_MEMBERS
from fhir_mappings.panel import BLOOD_COUNTS, DataGroup, Reason
from service.cards.build import PATIENT_VIEW, build_cards
from service.clinical_data.facts_reader import FactsReader
from service.errors import ClinicalDataUnavailable
from service.fhir_client.failures import Failure, FailureKind
from service.interpreter.assessment.assess import assess_opening
from service.interpreter.assessment.earlier_counts import wants_older_counts
from service.interpreter.assessment.unusable import due_results
from service.interpreter.interpret import interpret, interpret_closed, is_open
from service.observability.logging import Event, log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from fhir_mappings.terminology import Terminology
    from service.cds_hooks.messages import Card, CdsRequest
    from service.clinical_data.gathered import ClinicalData
    from service.clinical_data.gathering import ClinicalDataSource
    from service.feedback.held_back import ShownAndHeld
    from service.interpreter.interpretation import Facts, Interpretation

_INDISPENSABLE = (DataGroup.PATIENT, DataGroup.BLOOD_COUNTS, DataGroup.DIFFERENTIAL)

_WITHHELD = {
    Reason.SUBJECT: "the counts do not say whose they are in a way that can be matched",
    Reason.OTHER_PATIENT: "the only counts are of another patient",
    Reason.NOT_DELIVERED: "a panel names its counts, but they were not sent and could not be read",
}


class Repeats(Protocol):
    """Knows what this viewer was shown before."""

    def hold_back(
        self,
        cards: tuple[Card, ...],
        interpretation: Interpretation,
        call: CdsRequest,
        now: datetime,
    ) -> ShownAndHeld:
        """Split the cards into shown and held back."""
        ...


@dataclass(frozen=True, slots=True)
class SiteKnowledge:
    """The vocabulary and settings of a site; the same for every call."""

    terminology: Terminology
    findings_off: frozenset[str] = frozenset()
    order_intent: str = "proposal"
    public_url: str = ""
    grouped_suggestions: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """The cards of one call, shown and held back, with what they were made from."""

    outcome: ShownAndHeld
    interpretation: Interpretation
    data: ClinicalData
    second_stage: bool
    facts: Facts

    @property
    def cards(self) -> tuple[Card, ...]:
        """The cards that are shown."""
        return self.outcome.shown


def respond(
    call: CdsRequest,
    source: ClinicalDataSource,
    knowledge: SiteKnowledge,
    repeats: Repeats,
    now: datetime,
    new_id: Callable[[], object],
) -> Answer:
    """Answer one hook call (CDS Hooks 2.0, Calling a CDS Service).

    Raises ClinicalDataUnavailable when data that decides the answer is not available.
    """
    about_orders = call.hook != PATIENT_VIEW
    reader = FactsReader(call, now, knowledge.terminology)
    data, facts = _first_stage(source, reader)
    opening = assess_opening(facts, now)
    # A count that was sent and cannot be used is named, with or without a differential.
    _require(_failures(data, facts), () if due_results(opening) else _INDISPENSABLE)
    second_stage = is_open(opening, knowledge.findings_off)
    if second_stage:
        data = source.second_stage(data)
        facts = reader.read(data)
        if missing := (*facts.panel.not_delivered, *facts.panel.also_not_delivered):
            data = source.with_members(data, missing[:MOST_MEMBERS])
            facts = reader.read(data)
    _log_others(facts)
    # Most charts end here: the rest is worked out only for a call that asks why.
    if second_stage or call.wants_explanation:
        judge = partial(
            interpret,
            now=now,
            findings_off=knowledge.findings_off,
            explained=call.wants_explanation,
            about_orders=call.hook != PATIENT_VIEW,
        )
        facts, interpretation = _interpreted(reader, data, facts, judge)
        if second_stage and wants_older_counts(interpretation.states):
            before, data = data, source.with_older_counts(data)
            if data is not before:
                facts, interpretation = _interpreted(reader, data, reader.read(data), judge)
    else:
        interpretation = interpret_closed(opening)
    cards = build_cards(
        interpretation,
        call,
        public_url=knowledge.public_url,
        order_intent=knowledge.order_intent,
        new_id=new_id,
        orderables=knowledge.terminology.orderables,
        grouped=knowledge.grouped_suggestions,
        now=now,
    )
    if not cards:
        undecided = (
            interpretation.undecided_order_groups
            if about_orders
            else interpretation.undecided_groups
        )
        _require(_failures(data, facts), {*_INDISPENSABLE, *undecided})
    if interpretation.withheld_counts is not None and (not about_orders or _asks(facts)):
        raise _withheld(interpretation.withheld_counts)
    outcome = repeats.hold_back(cards, interpretation, call, now)
    return Answer(outcome, interpretation, data, second_stage, facts)


def _interpreted(
    reader: FactsReader,
    data: ClinicalData,
    facts: Facts,
    judge: Callable[[Facts], Interpretation],
) -> tuple[Facts, Interpretation]:
    """Interpret what was read, and more of the old counts where nothing shows since when."""
    interpretation = judge(facts)
    if interpretation.states.always_low and reader.older_counts_unread:
        facts = reader.read_course(data)
        interpretation = judge(facts)
    return facts, interpretation


def _first_stage(source: ClinicalDataSource, reader: FactsReader) -> tuple[ClinicalData, Facts]:
    """Everything of the first stage, with what reports and panels hold or name."""
    data = source.first_stage()
    _require_counts(data.failures)
    facts = reader.read(data)
    _require_counts(_failures(data, facts))
    if not any(facts.panel.results.get(analyte) for analyte in BLOOD_COUNTS):
        data = source.with_reports(data)
        facts = reader.read(data)
    if facts.panel.not_delivered:
        data = source.with_members(data, facts.panel.not_delivered)
        facts = reader.read(data)
    return data, facts


def _asks(facts: Facts) -> bool:
    """Whether a drafted medicine is one that an order finding is about."""
    return any(draft.sets for draft in facts.context.drafts)


def _withheld(reason: Reason) -> ClinicalDataUnavailable:
    """Counts were sent and none can be judged: an empty answer would read as normal counts."""
    return ClinicalDataUnavailable(
        "Blood counts were sent, but none that can be used for this patient",
        details=((DataGroup.BLOOD_COUNTS.value, _WITHHELD[reason]),),
    )


def _log_others(facts: Facts) -> None:
    """A server or client that sends another patient's resources must be fixed: log it."""
    reasons = Counter(each.reason for each in facts.panel.unreadable)
    if count := reasons[Reason.OTHER_PATIENT] + facts.context.of_others:
        log.warning(Event.OTHER_PATIENT, items=count)
    if count := reasons[Reason.SUBJECT] + len(facts.context.of_nobody):
        log.warning(Event.PATIENT_NOT_NAMED, items=count)


def _failures(data: ClinicalData, facts: Facts) -> dict[DataGroup, Failure]:
    """Return why keys are not available: not retrieved, or unreadable."""
    unreadable = facts.unavailable - data.unavailable
    return data.failures | dict.fromkeys(unreadable, Failure(FailureKind.UNREADABLE))


def _require_counts(failures: Mapping[DataGroup, Failure]) -> None:
    """Where only the differential failed, counts that cannot be used may still be named."""
    if DataGroup.PATIENT in failures or DataGroup.BLOOD_COUNTS in failures:
        _require(failures, _INDISPENSABLE)


def _require(failures: Mapping[DataGroup, Failure], groups: Iterable[DataGroup]) -> None:
    """Raises ClinicalDataUnavailable, naming each of the keys that failed, and why."""
    if not failures:
        return
    wanted = frozenset(groups)
    missing = [group for group in DataGroup if group in wanted and group in failures]
    if missing:
        raise ClinicalDataUnavailable(
            "Clinical data that the advice needs is not available",
            details=tuple((group.value, failures[group].sentence) for group in missing),
            retry_after=max(failures[group].retry_after for group in missing),
        )
