"""Words about a blood film: which findings they name and whether they deny them.

The algorithm of clinical-definition 1.5. Wider than its word list where a narrow reading would
reverse a finding: lineage names of blasts (myeloblasts) and promonocytes, Auer rods when present, a
zero count before the term ("0 % blasts"), "cannot be excluded" written with "not", and platelet
clumps in any order of the two words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from fhir_mappings.panel import SmearSet
from fhir_mappings.r4.long_texts import beginning

if TYPE_CHECKING:
    from collections.abc import Iterator

_SENTENCE_END = re.compile(r"(?<!\d)\.|\.(?!\d)|[;\n\r]+")
_TOKEN = re.compile(r"r/o|\d+(?:[.,]\d+)?(?:\s?[-–]\s?\d+(?:[.,]\d+)?)?|[a-z']+|[,<>≤%]")
_CLUMPS = "plateletclumps"
_TERM = re.compile(
    r"(?P<blasts>(?:myelo|lympho|mono)?blasts?|promonocytes?)"
    rf"|(?P<clumps>{_CLUMPS})"
    r"|(?P<dysplasia>pelger(?:oid)?|hypogranul\w*|hyposegment\w*|dysplas\w*)"
    r"|(?P<teardrop>tear-?drops?|dacrocytes?|dacryocytes?)"
    r"|(?P<auer>auer)"
)
_FINDINGS = {
    "blasts": SmearSet.BLASTS,
    "clumps": SmearSet.PLATELET_CLUMP,
    "dysplasia": SmearSet.DYSPLASIA,
    "teardrop": SmearSet.TEARDROP,
    "auer": SmearSet.BLASTS,
}
_STEM = re.compile(
    r"blast|promono|clump|satellit|aggreg|pelger|hypo[gs]|dysplas|tear|dacr|auer", re.IGNORECASE
)
"""Stands in every sentence that names a finding."""

LONGEST_NARRATIVE = 10_000
MOST_MENTIONS = 50
"""Characters and findings named in one text; what comes after is unknown, not absent."""

_PRE_NEGATORS = frozenset({"no", "not", "without", "r/o"})
_TWO_WORD_NEGATORS = frozenset(
    {("negative", "for"), ("absence", "of"), ("free", "of"), ("rule", "out")}
)
_CUES = frozenset(
    {
        *("present", "seen", "identified", "noted", "observed", "with", "but", "however"),
        *("show", "shows", "shown", "showed", "showing", "increased"),
        *("contain", "contains", "contained", "containing"),
        *("reveal", "reveals", "revealed", "revealing"),
    }
)
_NEGATING = frozenset({"no", "not", "without", "r/o", "negative", "absence", "free", "rule"})
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


@dataclass(frozen=True, slots=True)
class Mention:
    """One finding named in a text; `sentence` as written. `present` None: `<1 %` and the like."""

    finding: SmearSet
    present: bool | None
    sentence: str


def findings_in(text: str, *, about_platelets: bool = False) -> tuple[Mention, ...]:
    """Return one mention per finding named: present if any sentence says so, absent if all deny.

    `about_platelets`: the text stands beside a platelet count, so that clumps are platelet clumps.
    A text that is too long is read to a word's end; what is not present there is not known.
    """
    found: dict[SmearSet, Mention] = {}
    read, is_whole = beginning(text, LONGEST_NARRATIVE)
    every = _all_mentions(read, about_platelets=about_platelets)
    mentions = list(islice(every, MOST_MENTIONS))
    if not is_whole or len(mentions) == MOST_MENTIONS:
        mentions += [Mention(finding, None, _NOT_READ) for finding in _FINDINGS.values()]
    for mention in mentions:
        before = found.get(mention.finding)
        if before is None or _weight(mention.present) > _weight(before.present):
            found[mention.finding] = mention
    return tuple(found[finding] for finding in sorted(found))


_NOT_READ = "This text is too long and was read in part"


def _all_mentions(text: str, *, about_platelets: bool) -> Iterator[Mention]:
    for sentence in _SENTENCE_END.split(text):
        if _STEM.search(sentence):
            yield from _mentions(sentence.strip(), about_platelets=about_platelets)


def _weight(present: bool | None) -> int:  # noqa: FBT001  a truth value, not an option
    return {True: 2, None: 1, False: 0}[present]


def _mentions(sentence: str, *, about_platelets: bool) -> Iterator[Mention]:
    plain = " ".join(sentence.lower().split())
    for pattern, word in _JOINED:
        plain = pattern.sub(word, plain)
    if about_platelets:
        plain = _CLUMPED_ALONE.sub(_CLUMPS, plain)
    tokens = _TOKEN.findall(plain)
    denials = _Denials(tokens)
    for position, token in enumerate(tokens):
        match = _TERM.fullmatch(token)
        if match is None:
            continue
        present = _present(denials, position)
        # Films without Auer rods may still show blasts: only their presence says something.
        if present or match.lastgroup != "auer":
            yield Mention(_FINDINGS[match.lastgroup or ""], present, sentence)


def _present(denials: _Denials, position: int) -> bool | None:
    tokens = denials.tokens
    after = _until_comma(tokens[position + 1 : position + 1 + 2 * _AFTER])
    if denials.before(position) or _denied_after(after):
        return False
    return None if {"<", "≤"} & set(after[:2]) else True


class _Denials:
    """Whether what stands before a word denies it: the nearest negator or cue decides.

    Each word is looked at once, however many findings follow it.
    """

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self._decided: list[bool] = []
        """For each word, whether what follows it at a distance is denied."""

    def before(self, position: int) -> bool:
        """Whether the word at that position is denied by those before it."""
        if _zero_before(self.tokens, position):
            return True
        # The last words may belong to a negator of several words that ends at the finding.
        for index in range(position - 1, max(position - 1 - _REACH, -1), -1):
            decision = self._decision(index, position)
            if decision is not None:
                return decision
        return position > _REACH and self._at_distance(position - 1 - _REACH)

    def _at_distance(self, index: int) -> bool:
        for each in range(len(self._decided), index + 1):
            decision = self._decision(each, len(self.tokens))
            before = self._decided[each - 1] if each else False
            self._decided.append(before if decision is None else decision)
        return self._decided[index]

    def _decision(self, index: int, end: int) -> bool | None:
        """True for a negator, False for a cue, None for a word that is neither."""
        word = self.tokens[index]
        if word in _NEGATING and _is_negator(self.tokens, index, end):
            return True
        return False if word in _CUES or word[0].isdecimal() else None


_REACH = 3
"""Words after a negator that belong to it at most."""


def _is_negator(tokens: list[str], index: int, end: int) -> bool:
    word, following = tokens[index], tokens[index + 1 : min(index + 1 + _REACH, end)]
    pair = (word, following[0]) if following else (word, "")
    excluding = bool(_EXCLUDING & set(following)) or following[:2] == ["rule", "out"]
    if word == "not" and excluding:
        return False
    before = tokens[max(0, index - 3) : index]
    if (pair == ("rule", "out") or word == "r/o") and _unable(before):
        return False
    return word in _PRE_NEGATORS or pair in _TWO_WORD_NEGATORS


def _unable(before: list[str]) -> bool:
    """ "Cannot rule out", "not ruled out": doubt, not denial."""
    return bool({"cannot", "can't", "not", "unable", "couldn't"} & set(before))


def _zero_before(tokens: list[str], position: int) -> bool:
    index = position - 1
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
