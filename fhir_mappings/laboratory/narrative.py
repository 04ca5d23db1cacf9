"""Words about a blood film: which findings they name and whether they deny them.

The algorithm of clinical-knowledge 1.5. Wider than its word list where the narrow reading would
turn a finding round: lineage names of blasts (myeloblasts) and promonocytes, Auer rods when
present, a zero count before the term ("0 % blasts"), "cannot be excluded" written with "not", and
platelet clumps in any order of the two words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fhir_mappings.panel import SmearSet

_SENTENCE_END = re.compile(r"(?<!\d)\.|\.(?!\d)|[;\n\r]+")
_TOKEN = re.compile(r"r/o|\d+(?:[.,]\d+)?(?:\s?[-–]\s?\d+(?:[.,]\d+)?)?|[a-z']+|[,<>≤%]")
_CLUMPS = "plateletclumps"
_TERMS = (
    (re.compile(r"(?:myelo|lympho|mono)?blasts?|promonocytes?"), SmearSet.BLASTS),
    (re.compile(_CLUMPS), SmearSet.PLATELET_CLUMP),
    (re.compile(r"pelger(?:oid)?|hypogranul\w*|hyposegment\w*|dysplas\w*"), SmearSet.DYSPLASIA),
    (re.compile(r"tear-?drops?|dacrocytes?|dacryocytes?"), SmearSet.TEARDROP),
)
_AUER = "auer"
_PRE_NEGATORS = frozenset({"no", "not", "without", "r/o"})
_TWO_WORD_NEGATORS = frozenset(
    {("negative", "for"), ("absence", "of"), ("free", "of"), ("rule", "out")}
)
_CUES = re.compile(
    r"present|seen|identified|noted|observed|show(?:s|n|ed|ing)?|contain(?:s|ed|ing)?|increased"
    r"|with|but|however|reveal(?:s|ed|ing)?|\d.*"
)
_EXCLUDING = frozenset({"exclude", "excluded", "excludes", "r/o"})
_AFTER_WORDS = frozenset({"none", "absent", "negative"})
_AFTER_NOT = frozenset({"seen", "identified", "present", "detected", "observed"})
_AFTER = 4
_ZERO = re.compile(r"0+(?:[.,]0+)?")
_BEFORE_TERM = frozenset({"%", "percent", "circulating", "peripheral", "of"})
_PLATELET = r"(?:platelets?|plts?|thrombocytes?)"
_CLUMPED = r"(?:clump(?:s|ed|ing)?|satellit(?:es|ism|osis|ing)|aggregat(?:es?|ed|ion))"
_JOINED = (
    (re.compile(r"\btear[ -]drop"), "teardrop"),
    (re.compile(r"\bcan\s?not\b"), "cannot"),
    (
        re.compile(rf"\b{_PLATELET}[ :-]{{1,3}}(?:(?:are|were|is|was|appear) )?{_CLUMPED}\b"),
        _CLUMPS,
    ),
    (re.compile(rf"\b{_CLUMPED}[ -](?:of )?(?:the )?{_PLATELET}\b"), _CLUMPS),
)
_CLUMPED_ALONE = re.compile(rf"(?<!platelet){_CLUMPED}\b")
_LONGEST = 50_000
"""Characters of one text that are read; no report on a blood film is as long."""


@dataclass(frozen=True, slots=True)
class Mention:
    """One finding named in a text; `sentence` as written. `present` None: `<1 %` and the like."""

    finding: SmearSet
    present: bool | None
    sentence: str


def findings_in(text: str, *, about_platelets: bool = False) -> tuple[Mention, ...]:
    """Return one mention per finding named: present if any sentence says so, absent if all deny.

    `about_platelets`: the text stands beside a platelet count, so that clumps are platelet clumps.
    """
    found: dict[SmearSet, Mention] = {}
    for sentence in _SENTENCE_END.split(text[:_LONGEST]):
        for mention in _mentions(sentence.strip(), about_platelets=about_platelets):
            before = found.get(mention.finding)
            if before is None or _weight(mention.present) > _weight(before.present):
                found[mention.finding] = mention
    return tuple(found[finding] for finding in sorted(found))


def _weight(present: bool | None) -> int:  # noqa: FBT001  a truth value, not an option
    return {True: 2, None: 1, False: 0}[present]


def _mentions(sentence: str, *, about_platelets: bool) -> list[Mention]:
    plain = " ".join(sentence.lower().split())
    for pattern, word in _JOINED:
        plain = pattern.sub(word, plain)
    if about_platelets:
        plain = _CLUMPED_ALONE.sub(_CLUMPS, plain)
    tokens = _TOKEN.findall(plain)
    found = []
    for position, token in enumerate(tokens):
        for pattern, finding in _TERMS:
            if pattern.fullmatch(token):
                present = _present(tokens, position)
                found.append(Mention(finding, present, sentence))
        # Films without Auer rods may still hold blasts: only their presence says something.
        if token == _AUER and _present(tokens, position):
            found.append(Mention(SmearSet.BLASTS, True, sentence))  # noqa: FBT003
    return found


def _present(tokens: list[str], position: int) -> bool | None:
    after = _until_comma(tokens[position + 1 : position + 1 + 2 * _AFTER])
    if _denied_before(tokens[:position]) or _denied_after(after):
        return False
    return None if {"<", "≤"} & set(after[:2]) else True


def _denied_before(tokens: list[str]) -> bool:
    if _zero_before(tokens):
        return True
    for index in range(len(tokens) - 1, -1, -1):
        if _is_negator(tokens, index):
            return True
        if _CUES.fullmatch(tokens[index]):
            return False
    return False


def _is_negator(tokens: list[str], index: int) -> bool:
    word, following = tokens[index], tokens[index + 1 : index + 4]
    pair = (word, following[0]) if following else (word, "")
    excluding = bool(_EXCLUDING & set(following)) or following[:2] == ["rule", "out"]
    if word == "not" and excluding:
        return False
    if (pair == ("rule", "out") or word == "r/o") and _unable(tokens[:index]):
        return False
    return word in _PRE_NEGATORS or pair in _TWO_WORD_NEGATORS


def _unable(before: list[str]) -> bool:
    """ "Cannot rule out", "not ruled out": doubt, not denial."""
    return bool({"cannot", "can't", "not", "unable", "couldn't"} & set(before[-3:]))


def _zero_before(tokens: list[str]) -> bool:
    index = len(tokens) - 1
    while index >= 0 and tokens[index] in _BEFORE_TERM:
        index -= 1
    return index >= 0 and (bool(_ZERO.fullmatch(tokens[index])) or tokens[index] == "zero")


def _until_comma(tokens: list[str]) -> list[str]:
    """The next words, at most four, up to a comma; signs do not count as words."""
    found: list[str] = []
    words = 0
    for token in tokens:
        if token == "," or words == _AFTER:  # noqa: S105  not a password
            break
        found.append(token)
        words += token not in {"%", "<", ">", "≤"}
    return found


def _denied_after(tokens: list[str]) -> bool:
    for index, token in enumerate(tokens):
        following = tokens[index + 1] if index + 1 < len(tokens) else ""
        if token in _AFTER_WORDS or (token == "not" and following in _AFTER_NOT):  # noqa: S105
            return True
        signed = index > 0 and tokens[index - 1] in {"<", ">", "≤"}
        if _ZERO.fullmatch(token) and not signed:
            return True
    return False
