"""gunicorn's own log without what callers wrote: its warnings quote malformed requests."""

from __future__ import annotations

import sys
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

_QUOTES = "Invalid request from ip="


class DiscreetLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Says that a request was refused or failed, and nothing of what stood in it."""

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  as logging
        """Log a warning."""
        if str(msg).startswith(_QUOTES):
            super().warning("Invalid request refused")
        else:
            super().warning(msg, *args, **kwargs)

    def exception(self, msg: str, *_args: Any, **_kwargs: Any) -> None:  # noqa: ANN401
        """Log the type of the exception being handled; its text may hold a patient."""
        kind = sys.exc_info()[0]
        super().error("%s (%s)", str(msg).partition("%")[0].strip(), kind and kind.__name__)
