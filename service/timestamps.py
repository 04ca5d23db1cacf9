"""RFC 3339 date-times."""

from __future__ import annotations

import re
from datetime import datetime

_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?P<fraction>\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def parse_timestamp(text: str) -> datetime | None:
    """Read an RFC 3339 date-time with its offset, to the microsecond; None when it is none."""
    match = _RFC_3339.fullmatch(text)
    if match is None:
        return None
    fraction = match["fraction"]
    if fraction:
        text = text.replace(fraction, fraction[:7], 1)
    try:
        moment = datetime.fromisoformat(text.upper())
        moment.utctimetuple()
    except (ValueError, OverflowError):
        return None
    return moment
