"""GitHub Flavored Markdown that cannot be injected into (CDS Hooks 2.0, Card.detail).

Text from outside (units, values, drug and condition names) is put in code spans, where neither
HTML, links nor emphasis exist; our own sentences may hold such names too, so they are escaped as
prose.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WORD_JOINER = "\u2060"
_SPECIAL = re.compile(r"([\\`*_\[\]|~])")
_BLOCK_START = re.compile(r"^(\s*)(#{1,6}|[-+=]|\d{1,9}[.)])(?=\s|$|[-+=])")
_AUTOLINK = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*:(?=//)|\bmailto:|\bxmpp:|\bwww(?=\.)|(?=@))")
# Whatever the patterns above could match, and a little more, found in one pass: most texts have
# none of it.
_NEEDS_CARE = re.compile(r"[\\`*_\[\]|~&<>@]|:(?=//)|[opOP]:|[wW]\.|^[\d#+=-]")
_BACKTICKS = re.compile(r"`+")


def plain(text: str, limit: int = 400) -> str:
    """Return one line without control, formatting or bidirectional override characters.

    Longer text is cut at `limit` characters and ends with an ellipsis.
    """
    if not text.isprintable():
        text = "".join(map(_printable, text))
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    return " " if unicodedata.category(char) in {"Cc", "Zs", "Zl", "Zp"} else ""


def prose(text: str) -> str:
    """Return a sentence that shows exactly `text` and nothing else, whatever it holds."""
    line = plain(text, limit=4000)
    if not _NEEDS_CARE.search(line):
        return line
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _SPECIAL.sub(r"\\\1", line)
    line = _AUTOLINK.sub(lambda match: match[0] + WORD_JOINER, line)
    return _BLOCK_START.sub(_escaped_block_start, line)


def _escaped_block_start(match: re.Match[str]) -> str:
    marker = match[2]
    return f"{match[1]}{marker[:-1]}\\{marker[-1]}" if marker[0].isdigit() else f"\\{marker}"


def code(text: str, limit: int = 100) -> str:
    """Return a code span that shows `text` verbatim; an empty text gives an empty string.

    A pipe becomes a broken bar: in a table some renderers end the cell at it, even escaped.
    """
    line = plain(text, limit).replace("|", "¦")
    if not line:
        return ""
    longest = max((len(run) for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{padding}{line}{padding}{fence}"


def heading(text: str) -> str:
    """Return a bold line of its own; cards are too small for real headings."""
    return f"**{prose(text)}**"


def bullets(items: Iterable[str]) -> str:
    """Return a list; the items are Markdown already."""
    return "\n".join(f"- {item}" for item in items)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a GFM table; cells are Markdown already, made by the functions above."""
    lines = [_row(header), _row(["---"] * len(header))]
    return "\n".join(lines + [_row(row) for row in rows])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def link(label: str, url: str) -> str:
    """Return a link; `url` is ours, never from a patient's record."""
    return f"[{prose(label)}](<{url}>)"


def join(blocks: Iterable[str]) -> str:
    """Return blocks separated by an empty line, empty ones left out."""
    return "\n\n".join(block for block in blocks if block)
