"""What is counted for operators (Prometheus). No label ever takes a text from outside.

Under several gunicorn workers each process writes its counts to files of one folder
(PROMETHEUS_MULTIPROC_DIR, see gunicorn_config), and the worker that answers `/metrics` adds them
up.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.error_codes import ErrorCode

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_CALL_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_FETCH_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


class Metrics:
    """The counters of one application. The public attributes are what other modules count on."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.calls = self._counter(
            "calls", "Hook calls answered, errors included.", "service", "status"
        )
        self.call_seconds = Histogram(
            "heme_hooks_call_seconds",
            "Duration of hook calls.",
            ["service"],
            buckets=_CALL_SECONDS,
            registry=self._registry,
        )
        self.findings = self._counter("findings", "Findings, shown as cards or not.", "finding")
        self.cards_shown = self._counter("cards_shown", "Cards shown.", "topic", "indicator")
        self.cards_held_back = self._counter(
            "cards_held_back", "Cards held back as no news.", "topic", "reason"
        )
        self.cards_shadow = self._counter(
            "cards_shadow", "Cards that shadow mode did not show.", "topic", "indicator"
        )
        self.fetch_seconds = Histogram(
            "heme_hooks_fetch_seconds",
            "Duration of reads and searches on FHIR servers, all pages.",
            ["data_group", "outcome"],
            buckets=_FETCH_SECONDS,
            registry=self._registry,
        )
        self.unreadable = self._counter(
            "unreadable_results", "Reported results that could not be used.", "reason"
        )
        self.feedback_requests = self._counter(
            "feedback_requests", "Feedback requests answered, errors included.", "service", "status"
        )
        self.feedback = self._counter(
            "feedback", "Outcomes of cards stored, repeats apart.", "outcome", "reason"
        )
        self.evidence_app = self._counter(
            "evidence_app",
            "Requests of the evidence app answered, errors included.",
            "step",
            "status",
        )
        self.store_failures = self._counter(
            "store_failures", "Failed uses of the store.", "failure"
        )

        self.calls_waiting = self._gauge(
            "calls_waiting", "Calls that use or wait for something slow now.", "thing"
        )
        self.fhir_calls_refused = self._counter(
            "fhir_calls_refused", "Calls that were not let through to a FHIR server.", "reason"
        )
        self.fhir_circuits_open = self._gauge(
            "fhir_circuits_open", "FHIR servers left alone now, each worker's own added up."
        )
        self.fhir_circuits_opened = self._counter(
            "fhir_circuits_opened", "How often a FHIR server was left alone."
        )

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(
            f"heme_hooks_{name}",
            text,
            labels,
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"heme_hooks_{name}", text, labels, registry=self._registry)

    def text(self) -> bytes:
        """Every count in Prometheus' text format: of all workers where there are several."""
        if not os.environ.get(FOLDER):
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def fetched(self, data_group: str, outcome: str, seconds: float) -> None:
        """Count one read or search on a FHIR server."""
        self.fetch_seconds.labels(data_group, outcome).observe(seconds)

    def store_failed(self, code: ErrorCode) -> None:
        """Count a failed use of the store."""
        self.store_failures.labels(code.removeprefix("storage-")).inc()

    def found(self, findings: Sequence[str], unreadable: Sequence[str]) -> None:
        """Count the findings of a call and the reasons of its unreadable results."""
        for finding in findings:
            self.findings.labels(finding).inc()
        for reason in unreadable:
            self.unreadable.labels(reason).inc()
