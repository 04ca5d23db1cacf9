"""What each finding is called where physicians read about it."""

from __future__ import annotations

import re

from fhir_mappings.vocabulary.orders import ORDERS
from service.interpreter.rules import RULES

_STATES = re.compile(r"\b(LOW|HIGH|NORMAL|ELEVATED|MARKED|BORDERLINE|MISSING)\b")


_TITLES = {rule.id: rule.title for rule in RULES}


def title_of(finding: str) -> str:
    """Return the title of a finding; an unknown one is named by its words."""
    return _TITLES.get(finding) or finding.replace("-", " ").capitalize()


def readable(text: str) -> str:
    """Return a text of the table without ids and codes: what physicians read."""
    for name in _IDS:
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", name.replace("-", " "), text)
    return _STATES.sub(lambda match: match[1].lower(), text)


_IDS = sorted({each for each in (*_TITLES, *ORDERS) if "-" in each}, key=len, reverse=True)
