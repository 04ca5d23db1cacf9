"""`Interpretation` to Cards (CDS Hooks 2.0, CDS Service Response).

patient-view: at most one Card about the patient. The order hooks: one Card for each finding about
the drafted orders, and nothing that patient-view says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from msgspec import UNSET

from fhir_mappings.panel import BLOOD_COUNTS, Analyte, Reason
from fhir_mappings.vocabulary.orders import NO_ORDERABLES
from service.cards import escaping
from service.cards.detail import Detail
from service.cards.explanation import EXTENSION_KEY
from service.cards.not_known import could_not_check, not_used
from service.cards.order_groups import OrderGroup
from service.cards.plain_words import REASON_WORDS
from service.cards.suggestions import SuggestionMaker
from service.cds_hooks.messages import (
    MAX_SUMMARY,
    Card,
    Coding,
    Indicator,
    Link,
    OverrideReason,
    Source,
)
from service.interpreter.interpretation import FindingIndicator, Overlay, Remark, RemarkRank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from fhir_mappings.context import MedicationDraft
    from fhir_mappings.panel import Unreadable
    from fhir_mappings.terminology import LocalCoding
    from service.cds_hooks.messages import CdsRequest, Suggestion
    from service.interpreter.interpretation import FiredFinding, Interpretation, ShownValue

CANONICAL = "https://heme-hooks.org/fhir"
FINDING_SYSTEM = f"{CANONICAL}/CodeSystem/finding"
OVERRIDE_SYSTEM = f"{CANONICAL}/CodeSystem/override-reason"
DEFAULT_PUBLIC_URL = "http://127.0.0.1:8000"
SOURCE_LABEL = "heme-hooks"
ABOUT_THIS_RULE = "About this rule"
EVIDENCE = "Evidence for this patient"
PATIENT_VIEW = "patient-view"

OVERRIDE_REASONS = tuple(
    OverrideReason(code=code, system=OVERRIDE_SYSTEM, display=display)
    for code, display in (
        ("already-known", "Already known to the treating team"),
        ("work-up-in-progress", "Work-up already in progress"),
        ("not-appropriate-for-patient", "Not appropriate for this patient"),
        ("result-wrong", "A result is wrong or not this patient's"),
        ("other", "Other"),
    )
)

_NOT_TO_BE_EXPLAINED_AWAY = frozenset({Overlay.NEUTROPENIC_FEVER})
"""Beside these the cause of the low counts is named, not what it makes likely."""

_RANK = {
    FindingIndicator.INFO: 0,
    FindingIndicator.WARNING: 1,
    FindingIndicator.CRITICAL: 2,
}


def build_cards(
    interpretation: Interpretation,
    call: CdsRequest,
    *,
    public_url: str,
    order_intent: str,
    new_id: Callable[[], object],
    orderables: Mapping[str, LocalCoding] = NO_ORDERABLES,
    grouped: bool = True,
    now: datetime | None = None,
) -> tuple[Card, ...]:
    """Return the Cards of one call.

    `public_url` is the service's own absolute address (empty: that of `heme-hooks serve` on this
    machine), `order_intent` ServiceRequest.intent, `new_id` makes uuids, `orderables` are the
    site's own order codes by order id, `grouped` whether a Suggestion may hold several orders,
    `now` the time of the call, which the link to the evidence app tells.
    Raises nothing of its own.
    """
    maker = SuggestionMaker(interpretation, call, order_intent, new_id, orderables, grouped)
    address = (public_url or DEFAULT_PUBLIC_URL).rstrip("/")
    asked = now if call.has_evidence_app else None
    builder = _Builder(interpretation, maker, address, new_id, asked)
    if call.hook != PATIENT_VIEW:
        return tuple(builder.order_cards())
    return builder.patient_card()


@dataclass(frozen=True, slots=True)
class _Builder:
    interpretation: Interpretation
    maker: SuggestionMaker
    public_url: str
    new_id: Callable[[], object]
    asked: datetime | None
    """When the call was made, where its client has the evidence app."""

    def patient_card(self) -> tuple[Card, ...]:
        """Return the one Card about the patient, or the one about data quality, or none."""
        given = self.interpretation
        both = (given.overlay, *given.lower_overlays, given.finding)
        found = [each for each in both if each and each.has_card]
        quality = given.data_quality
        if not found:
            alone = quality is not None and quality.has_card
            return (self._data_quality_card(quality),) if alone and quality else ()
        lead, *others = found
        detail = Detail(
            values=_values_of(found),
            before=given.states.before,
            meaning=lead.meaning,
            also=tuple(each.summary for each in others),
            also_may_explain=lead.id not in _NOT_TO_BE_EXPLAINED_AWAY,
            avoid=lead.avoid,
            remarks=given.remarks,
            not_checked=could_not_check(given.could_not_check),
            not_used=self._not_used(found),
        )
        names = [each.id for each in found]
        if quality is not None:
            names.append(quality.id)
        suggestions = self.maker.all_groups()
        return (self._card(lead, found, names, detail, suggestions),)

    def _data_quality_card(self, quality: FiredFinding) -> Card:
        detail = Detail(
            meaning=quality.meaning,
            avoid=quality.avoid,
            remarks=self.interpretation.remarks,
            not_used=self._not_used([quality]),
        )
        return self._card(quality, [quality], [quality.id], detail)

    def order_cards(self) -> Iterable[Card]:
        """Return one Card for each order finding, with all drafts that it is about."""
        drafts: dict[str, list[MedicationDraft]] = {}
        findings: dict[str, FiredFinding] = {}
        for finding, draft in self.interpretation.order_findings:
            findings.setdefault(finding.id, finding)
            drafts.setdefault(finding.id, []).append(draft)
        for place, finding in enumerate(findings.values()):
            concerned = drafts[finding.id]
            first_tests = self.maker.of_group(OrderGroup.FIRST_TESTS) if place == 0 else ()
            detail = Detail(
                values=finding.values,
                meaning=finding.meaning,
                avoid=finding.avoid,
                remarks=(_drafted(concerned),),
            )
            suggestions = (*self.maker.removals(concerned), *first_tests)
            yield self._card(finding, [finding], [finding.id], detail, suggestions)

    def _not_used(self, found: Sequence[FiredFinding]) -> str:
        """Name the results set aside that could change this Card, counts first."""
        values = {
            value.what: value
            for each in found
            for value in each.values
            if isinstance(value.what, Analyte)
        }
        bearing = (*BLOOD_COUNTS, *values)
        all_of_them = self.interpretation.data_quality is not None
        results = [
            each
            for each in self.interpretation.set_aside
            if all_of_them
            or each.analyte is None
            or (each.analyte in bearing and not _superseded(each, values.get(each.analyte)))
        ]
        return not_used(results, REASON_WORDS, bearing)

    def _card(
        self,
        lead: FiredFinding,
        found: Sequence[FiredFinding],
        names: Sequence[str],
        detail: Detail,
        suggestions: tuple[Suggestion, ...] = (),
    ) -> Card:
        page = f"{self.public_url}/knowledge"
        worst = max((each.indicator for each in found), key=_RANK.__getitem__)
        findings = list(dict.fromkeys(names))
        return Card(
            uuid=str(self.new_id()),
            summary=escaping.plain(lead.summary, MAX_SUMMARY),
            indicator=Indicator(worst),
            source=Source(
                label=SOURCE_LABEL,
                url=page,
                topic=Coding(
                    code=lead.id,
                    system=FINDING_SYSTEM,
                    display=lead.id.replace("-", " ").capitalize(),
                ),
            ),
            detail=detail.text(),
            suggestions=suggestions,
            selectionBehavior="any" if suggestions else UNSET,
            overrideReasons=OVERRIDE_REASONS,
            links=self._links(f"{page}#{lead.id}", findings),
            extension={EXTENSION_KEY: {"findings": findings}},
        )

    def _links(self, about: str, findings: list[str]) -> tuple[Link, ...]:
        rule = Link(label=ABOUT_THIS_RULE, url=about, type="absolute")
        if self.asked is None:
            return (rule,)
        # The context comes back with the launch, from outside: it names no patient and is not read.
        context = {"findings": findings, "time": self.asked.isoformat(timespec="seconds")}
        evidence = Link(
            label=EVIDENCE,
            url=f"{self.public_url}/app/launch",
            type="smart",
            appContext=json.dumps(context, separators=(",", ":")),
        )
        return (evidence, rule)


def _superseded(refused: Unreadable, shown: ShownValue | None) -> bool:
    """Whether a usable result stands on the Card that this one could not have changed.

    A later result governs; a number of the same time could be a CONFLICT, a word cannot.
    """
    if shown is None or shown.result is None or refused.taken is None:
        return False
    if refused.reason is Reason.VALUE:
        return shown.result.taken >= refused.taken
    return shown.result.taken > refused.taken


def _values_of(found: Sequence[FiredFinding]) -> tuple[ShownValue, ...]:
    """Return the values of the leading finding, then those of the others that it does not show."""
    shown = {value.what: value for value in found[0].values}
    for each in found[1:]:
        for value in each.values:
            shown.setdefault(value.what, replace(value, decides=False))
    return tuple(shown.values())


def _drafted(drafts: Sequence[MedicationDraft]) -> Remark:
    names = dict.fromkeys(escaping.plain(draft.name or draft.id, 50) for draft in drafts)
    shown = [name for name in names if name][:3]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return Remark("draft", RemarkRank.DRUG, f"Drafted: {', '.join(shown)}{more}.")
