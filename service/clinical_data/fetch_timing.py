"""How long each read and search of a FHIR server took, and how it ended, for the metrics."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from fhir_mappings.panel import DataGroup
from service.fhir_client.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from service.clinical_data.parallel import Pages

_KINDS = {"Medication": "medication"}

Key = TypeVar("Key", bound="Hashable")


def ignore(_data_group: str, _outcome: str, _seconds: float) -> None:
    """Observe nothing."""


def run_timed(
    tasks: Mapping[Key, Callable[[], Pages]],
    run: Callable[[Mapping[Key, Callable[[], Pages]]], dict[Key, Pages | Failure]],
    observe: Callable[[str, str, float], None],
) -> dict[Key, Pages | Failure]:
    """Run tasks and observe each: data group, outcome, seconds. One cut off took until then."""
    took: dict[Key, float] = {}
    begun = time.monotonic()
    answers = run({key: partial(_time, took, key, task) for key, task in tasks.items()})
    elapsed = time.monotonic() - begun
    for key, answer in answers.items():
        outcome = answer.kind.value if isinstance(answer, Failure) else "ok"
        observe(_data_group(key), outcome, took.get(key, elapsed))
    return answers


def _time(took: dict[Key, float], key: Key, task: Callable[[], Pages]) -> Pages:
    begun = time.monotonic()
    try:
        return task()
    finally:
        took[key] = time.monotonic() - begun


def _data_group(key: object) -> str:
    """The key of a search by code; others are by category, or reads of a Medication or member."""
    if isinstance(key, tuple) and key and isinstance(key[0], DataGroup):
        return key[0].value
    kind, slash, _ = str(key).partition("/")
    return _KINDS.get(kind, "member") if slash else "category"
