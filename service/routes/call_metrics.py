"""The metrics of one answered call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.feedback.card_states import topic_of
from service.feedback.held_back import Why

if TYPE_CHECKING:
    from service.hook_call import Answer
    from service.interpreter.interpretation import Interpretation
    from service.observability.metrics import Metrics


def finding_ids(interpretation: Interpretation) -> list[str]:
    """Every finding of a call, the highest overlay first."""
    found = (
        interpretation.overlay,
        *interpretation.lower_overlays,
        interpretation.finding,
        *(finding for finding, _ in interpretation.order_findings),
        interpretation.data_quality,
    )
    return list(dict.fromkeys(finding.id for finding in found if finding is not None))


def count_answer(metrics: Metrics, answer: Answer) -> None:
    """Count findings, cards by disposition, and unreadable results by reason."""
    metrics.found(
        finding_ids(answer.interpretation),
        [str(item.reason) for item in answer.interpretation.set_aside],
    )
    for card in answer.outcome.shown:
        metrics.cards_shown.labels(topic_of(card), str(card.indicator)).inc()
    for held in answer.outcome.held:
        if held.why is Why.SHADOW:
            labels = (topic_of(held.card), str(held.card.indicator))
            metrics.cards_shadow.labels(*labels).inc()
        else:
            metrics.cards_held_back.labels(topic_of(held.card), held.why.value).inc()
