"""How much of a text is read. Each reader states the limit that fits its purpose.

A chart may hold texts of any length, and a pattern that looks ahead and back on one of them delays
every other call of the worker.
"""

from __future__ import annotations


def single_blanks(text: str, limit: int) -> str | None:
    """Return the text with single blanks; None when it is too long to mean anything here."""
    plain = " ".join(text.split())
    return plain if len(plain) <= limit else None


def beginning(text: str, limit: int) -> tuple[str, bool]:
    """Return the text up to the last word that ends within the limit, and whether that is all."""
    if len(text) <= limit:
        return text, True
    end = limit
    while end > 0 and not text[end].isspace():
        end -= 1
    return text[: end or limit], False
