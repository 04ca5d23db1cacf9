"""Which record took the place of another: the ends of the chains of Patient.link `replaces`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def merged(replaced_by: Mapping[str, str]) -> dict[str, str]:
    """Return, for each replaced record, the one that stands today; a circle is left alone."""
    found: dict[str, str] = {}
    for name in replaced_by:
        seen = {name}
        at = name
        while at in replaced_by and replaced_by[at] not in seen:
            at = replaced_by[at]
            seen.add(at)
        if at != name and at not in replaced_by:
            found[name] = at
    return found
