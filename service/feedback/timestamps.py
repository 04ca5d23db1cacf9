"""RFC 3339 date-times."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_RFC_3339 = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[Tt](?P<minute>\d\d:\d\d):(?P<second>\d\d)(?P<fraction>\.\d{1,64})?"
    r"(?P<offset>[Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)


def parse_timestamp(text: str) -> datetime | None:
    """Read an RFC 3339 date-time with its offset, to the microsecond; None when it is none.

    A leap second is read as the second after it: Python has no 60th second.
    """
    match = _RFC_3339.fullmatch(text)
    if match is None:
        return None
    day, minute, second, fraction, offset = match.groups()
    leap = second == "60"
    plain = f"{day}T{minute}:{'59' if leap else second}{(fraction or '')[:7]}{offset.upper()}"
    try:
        moment = datetime.fromisoformat(plain) + timedelta(seconds=leap)
        moment.utctimetuple()
    except (ValueError, OverflowError):
        return None
    return moment
