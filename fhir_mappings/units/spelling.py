"""Cleaning of a unit spelling before it is read (clinical-definition 1.3, U2)."""

from __future__ import annotations

import html
import re
import unicodedata

from fhir_mappings.units.code_pages import restored
from fhir_mappings.units.words import OTHER_ALPHABETS

MAX_LENGTH = 80
"""No laboratory writes a longer unit; longer text is not looked at."""

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SUPERSCRIPT_RUN = re.compile(r"[*^]*([⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+)")

# Signs that look alike. The degree look-alikes must go before NFKC, which makes letters of them;
# "Â" is what remains of UTF-8 read as Latin-1; U+FFFD is a lost character, a micro sign or a
# superscript.
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
# What HL7 v2 writes behind a unit: its name and the system of its code.
_HL7_CODED = re.compile(r"\^[^^]*\^(?:UCUM|ISO\+?|ANSI\+?|L)$", re.IGNORECASE)
_REMARK = (
    r"auto(?:mated)?|manual|calc(?:ulated)?|est(?:imated)?|(?:whole\s)?blood|serum|plasma|fasting|IDMS"
    r"|iron|Fe|Hb|Hgb|hemoglobin|haemoglobin|B12"
)
_LAST_REMARK = re.compile(
    rf"\s*[\[(](?:{_REMARK})\.?[\])]$|[\s,;]+(?:{_REMARK})\.?$", re.IGNORECASE
)
_TEN_BLANK = re.compile(r"(?<![\d.])10\s+(?=(?:[2-9]|1[0-2])(?!\d))")
_THOUSANDS = re.compile(r"(?<![\d.,])1[.,](?=000(?!\d))")
_BLANK_BEFORE_INVERSE = re.compile(r"(?<=[A-Za-z])\s+(?=[A-Za-z]{1,3}\^?-1$)")
_SLASHES = re.compile(r"/{2,}")
_BRACKETS = str.maketrans("", "", "{}()[]")
_OTHER_ALPHABETS = re.compile(
    "|".join(sorted(OTHER_ALPHABETS, key=len, reverse=True)), re.IGNORECASE
)
_ANNOTATION = re.compile(r"\{[^{}]*\}|\([^()]*\)")
_TWICE = re.compile(r"([^()]+)\(([^()]+)\)")
# Annotations that change what is measured; any other annotation carries no meaning in UCUM.
_MEANINGFUL = re.compile(
    r"tetramer|creat|hpf|lpf|field|dry|titer|titre|feu|ddu|index|score|ratio|/|\d", re.IGNORECASE
)


def clean(text: str) -> str:
    """Return a spelling with one way of writing every sign, without blanks; letters keep case."""
    text = html.unescape(html.unescape(text))
    text = restored(_HL7_SUPERSCRIPT.sub("^", _HL7_CODED.sub("", text)))
    text = _TAG.sub("", _SUP_TAG.sub("^", text))
    text = _SUPERSCRIPT_RUN.sub(lambda run: "^" + run[1].translate(_SUPERSCRIPTS), text)
    text = unicodedata.normalize("NFKC", text.translate(_BEFORE_NFKC)).translate(_AFTER_NFKC)
    text = _LAST_REMARK.sub("", text.strip())
    text = _BLANK_BEFORE_INVERSE.sub(".", _TEN_BLANK.sub("10^", text))
    text = _SLASHES.sub("/", _THOUSANDS.sub("1", _BLANK.sub("", text)))
    text = text.strip(".,;:'\"").rstrip("/*")
    return text if text.isascii() else _in_latin(text)


def in_two_spellings(cleaned: str) -> tuple[str, str] | None:
    """Return both spellings of a unit that is written twice: `10^3/uL (K/uL)`."""
    found = _TWICE.fullmatch(cleaned)
    return (found[1], found[2]) if found else None


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
