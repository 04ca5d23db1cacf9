"""Card detail (GitHub Flavored Markdown) as plain lines for a terminal.

Reads the part of Markdown that cards use; anything else stays as it was written. Control
characters never pass: the text may come from a service somewhere else.

Not a library: a parser (markdown-it-py) leaves tables and wrapping, the larger half, to us, and a
renderer (rich, with Pygments) would add 13 MB to every installation for two commands.
"""

from __future__ import annotations

import html
import re
import textwrap

from service.cards.escaping import WORD_JOINER, plain

_INLINE = re.compile(
    r"(?P<fence>`+)(?!`)(?P<code>.+?)(?<!`)(?P=fence)(?!`)"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|\[(?P<label>[^\]]*)\]\(<?(?P<url>[^)>\s]*)>?\)"
    r"|(?P<strong>\*{1,2})(?=\S)"
    r"|(?P<close>(?<=\S)\*{1,2})"
)
_MIN_WIDTH = 30


def inline(text: str) -> str:
    """Return one line of Markdown as the text that a reader sees."""
    return plain(html.unescape(_INLINE.sub(_shown, text)).replace(WORD_JOINER, ""), 10_000)


def _shown(match: re.Match[str]) -> str:
    if match["code"] is not None:
        code = match["code"]
        stripped = code[1:-1] if code[:1] == code[-1:] == " " and code.strip() else code
        # Entities are literal in a code span; protect them from the unescape that follows.
        return stripped.replace("&", "&amp;")
    if match["escaped"] is not None:
        return match["escaped"].replace("&", "&amp;")
    if match["label"] is not None:
        return f"{match['label']}: {match['url']}"
    return ""


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """Wrap one paragraph to `width` columns; words that are too long are not broken."""
    return textwrap.wrap(
        text,
        max(width, _MIN_WIDTH),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _is_heading(line: str) -> bool:
    return re.fullmatch(r"\*\*[^\n]+\*\*", line) is not None


def to_lines(markdown: str, width: int) -> list[str]:
    """Return the lines of a whole detail, wrapped to `width` columns."""
    lines: list[str] = []
    for block in re.split(r"\n\s*\n", markdown.strip()):
        if lines:
            lines.append("")
        lines.extend(_block(block.split("\n"), width))
    return lines


def _block(source: list[str], width: int) -> list[str]:
    if all(line.startswith("|") for line in source) and len(source) > 1:
        return _table(source, width)
    lines: list[str] = []
    for line in source:
        bullet = re.match(r"\s*[-*+]\s+", line)
        if bullet:
            lines.extend(wrapped(inline(line[bullet.end() :]), width, "- ", "  "))
        elif _is_heading(line):
            lines.append(inline(line).upper())
        else:
            lines.extend(wrapped(inline(re.sub(r"^#{1,6}\s+", "", line)), width))
    return lines


def _table(source: list[str], width: int) -> list[str]:
    rows = [[inline(cell) for cell in _cells(line)] for line in source if not _is_ruler(line)]
    columns = max(len(row) for row in rows)
    rows = [row + [""] * (columns - len(row)) for row in rows]
    widths = [max(len(row[place]) for row in rows) for place in range(columns)]
    fixed = sum(widths[:-1]) + 2 * (columns - 1)
    # The last column wraps under itself when it has room left to be read; else a list is clearer.
    if width - fixed >= min(widths[-1], _MIN_WIDTH):
        return _aligned(rows, widths, fixed, width)
    lines: list[str] = []
    for row in rows[1:]:
        text = f"{row[0]}: " + "; ".join(cell for cell in row[1:] if cell)
        lines.extend(wrapped(text, width, "- ", "  "))
    return lines


def _aligned(rows: list[list[str]], widths: list[int], fixed: int, width: int) -> list[str]:
    lines: list[str] = []
    for row in rows:
        start = "".join(
            cell.ljust(size + 2) for cell, size in zip(row[:-1], widths[:-1], strict=True)
        )
        last = wrapped(row[-1], width - fixed) or [""]
        lines.append(f"{start}{last[0]}".rstrip())
        lines.extend(" " * fixed + line for line in last[1:])
    return lines


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def _is_ruler(line: str) -> bool:
    return bool(re.fullmatch(r"[|\s:-]+", line))
