"""Cleaning of a unit spelling before it is read (clinical-knowledge 1.3, U2)."""

from __future__ import annotations

import html
import re
import unicodedata

from fhir_mappings.units.words import OTHER_ALPHABETS

MAX_LENGTH = 80
"""No laboratory writes a longer unit; longer text is not looked at."""

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SUPERSCRIPT_RUN = re.compile(r"[*^]*([⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+)")

# Signs that look alike. The degree look-alikes must go before NFKC, which makes letters of them;
# "Â" is what remains of UTF-8 read as Latin-1; U+FFFD is a lost character, which before a unit
# of volume, mass or substance can only have been the micro sign.
_BEFORE_NFKC = str.maketrans({"º": "°", "˚": "°", "Â": None})
_AFTER_NFKC = str.maketrans(
    {
        **dict.fromkeys("µμ\ufffd", "u"),
        **dict.fromkeys("×✕✖╳⨯хХ", "x"),
        **dict.fromkeys("·⋅∙•‧・", "."),
        **dict.fromkeys("∗⁎＊⋆", "*"),
        **dict.fromkeys("∕⁄÷\\|", "/"),
        **dict.fromkeys("−–—‐‑‒", "-"),
        **dict.fromkeys("ˆ＾~", "^"),
        **dict.fromkeys("′’‘`´", "'"),
    }
)
_HL7_SUPERSCRIPT = re.compile(r"\\+S\\+")
_SUP_TAG = re.compile(r"<sup>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z]{1,4}/?>", re.IGNORECASE)
# White space, underscores, and characters that cannot be seen.
_BLANK = re.compile(r"[\s_\u00ad\u200b-\u200f\u2060\ufeff]+")
_BRACKETS = str.maketrans("", "", "{}()[]")
_OTHER_ALPHABETS = re.compile(
    "|".join(sorted(OTHER_ALPHABETS, key=len, reverse=True)), re.IGNORECASE
)
_ANNOTATION = re.compile(r"\{[^{}]*\}|\([^()]*\)")
# Annotations that change what is measured; any other annotation carries no meaning in UCUM.
_MEANINGFUL = re.compile(
    r"tetramer|creat|hpf|lpf|field|dry|titer|titre|feu|ddu|index|score|ratio|/|\d", re.IGNORECASE
)


def clean(text: str) -> str:
    """Return a spelling with one way of writing every sign, without blanks; letters keep case."""
    text = _HL7_SUPERSCRIPT.sub("^", html.unescape(text))
    text = _TAG.sub("", _SUP_TAG.sub("^", text))
    text = _SUPERSCRIPT_RUN.sub(lambda run: "^" + run[1].translate(_SUPERSCRIPTS), text)
    text = unicodedata.normalize("NFKC", text.translate(_BEFORE_NFKC)).translate(_AFTER_NFKC)
    text = _BLANK.sub("", text).strip(".,;:'\"")
    return text if text.isascii() else _in_latin(text)


def _in_latin(text: str) -> str:
    """Replace words of other alphabets, the longest first."""
    return _OTHER_ALPHABETS.sub(lambda word: OTHER_ALPHABETS[word[0].lower()], text)


def without_brackets(text: str) -> str:
    """Return cleaned text with what stood in brackets as plain words: `{cells}/uL`, `10(3)/uL`."""
    return text.translate(_BRACKETS)


def without_annotations(text: str) -> str | None:
    """Return cleaned text without its annotations; None if there are none or one has a meaning."""
    annotations = _ANNOTATION.findall(text)
    if not annotations or any(_MEANINGFUL.search(item) for item in annotations):
        return None
    return without_brackets(_ANNOTATION.sub("", text))
