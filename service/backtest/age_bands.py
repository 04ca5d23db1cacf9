"""Ages as the report groups them."""

from __future__ import annotations

_BANDS = ((18, "0-17"), (40, "18-39"), (65, "40-64"), (80, "65-79"))


def age_band(years: int | None) -> str:
    """Return the band of an age in whole years."""
    if years is None:
        return "unknown"
    return next((band for below, band in _BANDS if years < below), "80+")
