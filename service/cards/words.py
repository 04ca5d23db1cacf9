"""Counting and cutting words: a word is what stands between spaces and has a letter or a digit."""

from __future__ import annotations


def is_word(token: str) -> bool:
    """Whether a token has a letter or a digit."""
    return token.isalnum() or any(map(str.isalnum, token))


def words(text: str) -> int:
    """Return the number of words."""
    return sum(1 for token in text.split() if is_word(token))


def cut_words(text: str, most: int) -> str:
    """Return the text with at most `most` words; what was cut ends with an ellipsis."""
    if words(text) <= most:
        return text
    kept: list[str] = []
    left = most
    for token in text.split():
        left -= is_word(token)
        if left < 0:
            break
        kept.append(token)
    return " ".join(kept).rstrip(" ,;:(") + "…"
