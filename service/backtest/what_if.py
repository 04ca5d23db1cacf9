"""The what-if file: named variants, and the limits that the committee set (TOML)."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from service.backtest.plan import BASE, Limit, Variant
from service.interpreter.rules import FINDINGS
from service.interpreter.thresholds import Thresholds

if TYPE_CHECKING:
    from pathlib import Path

MOST_VARIANTS = 8
_THRESHOLDS = frozenset(each.name for each in fields(Thresholds))
_LONGEST_NAME = 60
_KEYS = frozenset(
    {"name", "findings_off", "thresholds", "quiet_repeats", "repeat_days", "visible_after"}
)
_MEASURES = frozenset(
    {
        "cards_per_100_counts",
        "new_cards_per_100_counts",
        "cards_per_100_openings",
        "new_cards_per_100_openings",
        "cards_per_1000_patients_a_year_at_counts",
        "cards_per_1000_patients_a_year_at_openings",
        "cards_a_clinician_and_week_90th_percentile",
        "confirmed_share",
        "sensitivity",
        "open_loops",
        "missed",
        "missed_acute_leukemia",
        "missed_myeloid_neoplasm",
        "missed_plasma_cell_neoplasm",
        "missed_marrow_failure",
        "missed_other_blood_cancer",
    }
)


class WhatIfRefused(ValueError):
    """The file cannot be used; the message is for a person."""


def read_what_if(
    path: Path, findings_off: frozenset[str]
) -> tuple[tuple[Variant, ...], tuple[Limit, ...]]:
    """Return the variants, what runs today first, and the limits. Raises WhatIfRefused."""
    try:
        given = tomllib.loads(path.read_text("utf-8-sig"))
    except (ValueError, OSError) as error:
        raise WhatIfRefused(f"The what-if file is no TOML: {error}") from None
    if unknown := sorted(given.keys() - {"variant", "limits"}):
        raise WhatIfRefused(f"Unknown in the what-if file: {', '.join(unknown)}.")
    several = given.get("variant", [])
    if not isinstance(several, list) or len(several) > MOST_VARIANTS:
        raise WhatIfRefused(f"Write each variant as [[variant]], at most {MOST_VARIANTS} of them.")
    base = Variant(findings_off=tuple(sorted(findings_off)))
    variants = tuple(_variant(each, base) for each in several)
    names = [each.name for each in variants]
    if len(set(names)) < len(names):
        raise WhatIfRefused("Two variants have the same name.")
    return (base, *variants), _limits(given.get("limits", {}))


def _variant(given: Any, base: Variant) -> Variant:  # noqa: ANN401  TOML
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise WhatIfRefused("Each variant needs a name.")
    name = given["name"].strip()[:_LONGEST_NAME]
    if name == BASE:
        raise WhatIfRefused("Each variant needs a name.")
    if unknown := sorted(given.keys() - _KEYS):
        raise WhatIfRefused(f"{name}: unknown {', '.join(unknown)}.")
    off = given.get("findings_off", [])
    if not isinstance(off, list) or (unknown := sorted({str(each) for each in off} - {*FINDINGS})):
        raise WhatIfRefused(f"{name}: no such finding: {', '.join(map(str, off))}.")
    return Variant(
        name=name,
        findings_off=tuple(sorted({*base.findings_off, *off})),
        thresholds=_thresholds(name, given.get("thresholds", {})),
        quiet_repeats=given.get("quiet_repeats") is True,
        repeat_days=_number(name, given, "repeat_days", 30.0),
        visible_after=_number(name, given, "visible_after", None),
    )


def _thresholds(name: str, given: Any) -> dict[str, str]:  # noqa: ANN401  TOML
    if not isinstance(given, dict) or (unknown := sorted(given.keys() - _THRESHOLDS)):
        raise WhatIfRefused(f"{name}: no such limit: {', '.join(unknown)}.")
    found: dict[str, str] = {}
    for key, value in given.items():
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            raise WhatIfRefused(f"{name}: {key} is no number.") from None
        if isinstance(value, bool) or not number.is_finite() or number < 0:
            raise WhatIfRefused(f"{name}: {key} is no number.")
        found[key] = str(number)
    return found


def _number(name: str, given: dict[str, Any], key: str, default: Any) -> Any:  # noqa: ANN401
    value = given.get(key, default)
    if value is default:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e5:
        raise WhatIfRefused(f"{name}: {key} is no positive number.")
    return float(value)


def _limits(given: Any) -> tuple[Limit, ...]:  # noqa: ANN401  TOML
    """A number is the most that is allowed; `{ at_least = ... }` and `{ at_most = ... }` say so."""
    if not isinstance(given, dict):
        raise WhatIfRefused("[limits] is a table of measures.")
    if unknown := sorted(given.keys() - _MEASURES):
        raise WhatIfRefused(
            f"No such measure: {', '.join(unknown)}. There are: {', '.join(sorted(_MEASURES))}."
        )
    found = []
    for measure, value in given.items():
        bounds = value if isinstance(value, dict) else {"at_most": value}
        if bounds.keys() - {"at_most", "at_least"} or not all(
            isinstance(each, int | float) and not isinstance(each, bool) for each in bounds.values()
        ):
            raise WhatIfRefused(f"{measure}: write a number, or at_most and at_least.")
        found.append(Limit(measure=measure, **bounds))
    return tuple(found)
