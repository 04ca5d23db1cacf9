"""The one card that every application beside ours answers."""

from __future__ import annotations

CARD = {
    "uuid": "00000000-0000-4000-8000-000000000000",
    "summary": "A constant card",
    "indicator": "info",
    "source": {"label": "bench"},
}
