"""`Interpretation` to Cards (clinical-knowledge 3.4; CDS Hooks 2.0, CDS Service Response).

At most four Cards: what was found, its cause when something urgent stands before it, the marrow,
the work-up. Order-hook Cards follow, data quality comes last.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from msgspec import UNSET

from fhir_mappings.vocabulary.orders import NO_ORDERABLES
from service.cards import detail as card_text
from service.cards import escaping as markdown
from service.cards import proposal_detail as proposal_text
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
from service.interpreter.interpretation import HEMATOLOGY_REFERRAL, MARROW_BIOPSY, FindingIndicator
from service.interpreter.rules import RULE_TABLE_VERSION, RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fhir_mappings.context import MedicationDraft
    from fhir_mappings.terminology import LocalCoding
    from service.cds_hooks.messages import CdsRequest, Suggestion
    from service.interpreter.interpretation import FiredFinding, Interpretation, ProposedOrder

CANONICAL = "https://heme-hooks.org/fhir"
FINDING_SYSTEM = f"{CANONICAL}/CodeSystem/finding"
OVERRIDE_SYSTEM = f"{CANONICAL}/CodeSystem/override-reason"
DEFAULT_PUBLIC_URL = "http://127.0.0.1:8000"
SOURCE_LABEL = "heme-hooks"

MARROW_TOPIC = "marrow-evaluation"
WORK_UP_TOPIC = "work-up"

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

_WANTING = {
    order: frozenset(rule.id for rule in RULES if any(each.order == order for each in rule.orders))
    for order in {each.order for rule in RULES for each in rule.orders}
}
"""The findings whose rule names an order."""

_RANK = {FindingIndicator.INFO: 0, FindingIndicator.WARNING: 1, FindingIndicator.CRITICAL: 2}


def build_cards(
    interpretation: Interpretation,
    call: CdsRequest,
    *,
    public_url: str,
    order_intent: str,
    new_id: Callable[[], object],
    orderables: Mapping[str, LocalCoding] = NO_ORDERABLES,
) -> tuple[Card, ...]:
    """Return the Cards of one call, in the order of clinical-knowledge 3.4.

    `public_url` is the service's own absolute address (empty: that of `heme-hooks serve` on this
    machine), `order_intent` ServiceRequest.intent, `new_id` makes uuids, `orderables` are the
    site's own order codes by order id. Raises nothing of its own.
    """
    maker = SuggestionMaker(interpretation, call, order_intent, new_id, orderables)
    address = (public_url or DEFAULT_PUBLIC_URL).rstrip("/")
    if not _speaks(interpretation):
        return ()
    evidence = card_text.evidence(interpretation)
    builder = _Builder(interpretation, evidence, maker, address, new_id)
    return tuple(
        chain(
            builder.finding_cards(),
            builder.marrow_card(),
            builder.work_up_card(),
            builder.order_cards(),
            builder.data_quality_card(),
        )
    )


def _speaks(interpretation: Interpretation) -> bool:
    """Whether there will be a Card at all: most charts have none, and no text is made for them."""
    findings = (interpretation.overlay, interpretation.finding, interpretation.data_quality)
    return bool(interpretation.order_findings) or any(f and f.has_card for f in findings)


@dataclass(frozen=True, slots=True)
class _Builder:
    interpretation: Interpretation
    evidence: card_text.EvidenceBlocks
    maker: SuggestionMaker
    public_url: str
    new_id: Callable[[], object]

    @property
    def findings(self) -> tuple[FiredFinding, ...]:
        """The overlay and the finding, as far as they have a Card."""
        both = (self.interpretation.overlay, self.interpretation.finding)
        return tuple(finding for finding in both if finding and finding.has_card)

    def finding_cards(self) -> Iterable[Card]:
        """Return Card 1 with the referral and, behind an overlay, Card 2."""
        for place, finding in enumerate(self.findings):
            first = place == 0
            orders = self._orders(lambda order: order.order == HEMATOLOGY_REFERRAL) if first else ()
            yield self._card(
                finding,
                summary=finding.summary,
                lead=[
                    *card_text.paragraphs(finding.paragraphs),
                    card_text.also_found(self.interpretation) if first else "",
                    card_text.avoid_list(finding),
                    card_text.withheld_list(self.interpretation) if first else "",
                ],
                suggestions=self.maker.all_of(orders),
            )

    def marrow_card(self) -> Iterable[Card]:
        """Return Card 3, only when a marrow is proposed."""
        orders = self._orders(lambda order: order.order == MARROW_BIOPSY)
        if not orders or not self.findings:
            return
        worst = max(self.findings, key=lambda finding: _RANK[finding.indicator])
        yield self._card(
            self._wanting(MARROW_BIOPSY),
            topic=MARROW_TOPIC,
            indicator=worst.indicator,
            summary=proposal_text.marrow_summary(orders[0]),
            lead=proposal_text.marrow_lead(orders[0], self.interpretation),
            suggestions=self.maker.all_of(orders),
        )

    def work_up_card(self) -> Iterable[Card]:
        """Return Card 4 with the remaining orders, at most a warning."""
        orders = self._orders(lambda order: order.order not in {HEMATOLOGY_REFERRAL, MARROW_BIOPSY})
        if not orders or not self.findings:
            return
        finding = self.findings[-1]
        suggestions = self.maker.all_of(orders)
        labels = [suggestion.label for suggestion in suggestions]
        yield self._card(
            finding,
            topic=WORK_UP_TOPIC,
            indicator=min(
                finding.indicator, FindingIndicator.WARNING, key=lambda severity: _RANK[severity]
            ),
            summary=proposal_text.work_up_summary(labels),
            lead=proposal_text.work_up_lead(orders, labels, self.interpretation),
            suggestions=suggestions,
        )

    def order_cards(self) -> Iterable[Card]:
        """Return one Card for each order-hook finding, naming every draft that it is about."""
        drafts: dict[str, list[MedicationDraft]] = {}
        findings: dict[str, FiredFinding] = {}
        for finding, draft in self.interpretation.order_findings:
            findings.setdefault(finding.id, finding)
            drafts.setdefault(finding.id, []).append(draft)
        for finding in findings.values():
            lead = [
                card_text.drafts_line(drafts[finding.id]),
                *card_text.paragraphs(finding.paragraphs),
                card_text.avoid_list(finding),
            ]
            yield self._card(finding, summary=finding.summary, lead=lead)

    def data_quality_card(self) -> Iterable[Card]:
        """Return the last Card, about results that could not be used."""
        finding = self.interpretation.data_quality
        if finding is not None and finding.has_card:
            lead = [*card_text.paragraphs(finding.paragraphs), card_text.avoid_list(finding)]
            yield self._card(finding, summary=finding.summary, lead=lead)

    def _wanting(self, order: str) -> FiredFinding:
        """Return the finding whose rule names the order: the cause, else the overlay before it."""
        wanting = _WANTING[order]
        named = [finding for finding in reversed(self.findings) if finding.id in wanting]
        return named[0] if named else self.findings[-1]

    def _orders(self, wanted: Callable[[ProposedOrder], bool]) -> tuple[ProposedOrder, ...]:
        return tuple(order for order in self.interpretation.orders if wanted(order))

    def _card(
        self,
        finding: FiredFinding,
        *,
        summary: str,
        lead: Iterable[str],
        topic: str = "",
        indicator: FindingIndicator | None = None,
        suggestions: tuple[Suggestion, ...] = (),
    ) -> Card:
        page = f"{self.public_url}/knowledge"
        rule_url = f"{page}#{finding.id}"
        code = topic or finding.id
        return Card(
            uuid=str(self.new_id()),
            summary=markdown.plain(summary, MAX_SUMMARY),
            indicator=Indicator(indicator or finding.indicator),
            source=Source(
                label=SOURCE_LABEL,
                url=page,
                topic=Coding(
                    code=code,
                    system=FINDING_SYSTEM,
                    display=code.replace("-", " ").capitalize(),
                ),
            ),
            detail=card_text.detail(
                self.evidence, finding, lead, version=RULE_TABLE_VERSION, rule_url=rule_url
            ),
            suggestions=suggestions,
            selectionBehavior="any" if suggestions else UNSET,
            overrideReasons=OVERRIDE_REASONS,
            links=(Link(label="What this rule says", url=rule_url, type="absolute"),),
        )
