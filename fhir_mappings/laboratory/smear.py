"""Blood film findings: presence codes, percentages, and narratives (clinical-definition 1.5)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_mappings.laboratory.narrative import findings_in
from fhir_mappings.laboratory.numbers import NoNumber, Number, read_number
from fhir_mappings.laboratory.qualitative import (
    presence_of_concept,
    presence_of_interpretation,
    presence_of_number,
    presence_of_text,
)
from fhir_mappings.panel import Analyte, Comparator, SmearFinding, SmearMethod, SmearSet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_mappings.laboratory.narrative import Mention
    from fhir_mappings.laboratory.readings import Envelope
    from fhir_mappings.r4.decoding import CodeableConcept
    from fhir_mappings.r4.laboratory_resources import Component, Observation
    from fhir_mappings.terminology import CodeMeaning

_LONGEST_SHOWN = 300
_FRACTION_UNITS = frozenset({"{ratio}", "ratio", "1", "{fraction}", "fraction"})


def read_presence(
    valued: Observation | Component, meaning: CodeMeaning, envelope: Envelope
) -> SmearFinding:
    """Read one film finding code. An unclear value gives `present=None`."""
    return finding(
        envelope,
        SmearSet(meaning.target),
        _presence(valued, meaning),
        SmearMethod.FILM if meaning.smear else SmearMethod.ANALYSER,
        meaning.code,
        words_of(valued),
    )


def read_narrative(text: str, loinc: str, envelope: Envelope) -> tuple[SmearFinding, ...]:
    """Read a narrative. Without any term it still shows that the film was read."""
    mentions = findings_in(text)
    if not mentions:
        return (finding(envelope, None, None, SmearMethod.NARRATIVE, loinc, text),)
    return _as_read(mentions, loinc, envelope)


def read_notes(
    observation: Observation, meaning: CodeMeaning, envelope: Envelope
) -> tuple[SmearFinding, ...]:
    """Return what the notes on a count, differential or smear say about the blood film (1.5)."""
    text = "\n".join(note.text for note in observation.note)
    mentions = findings_in(text, about_platelets=meaning.analyte is Analyte.PLATELETS)
    return _as_read(mentions, meaning.code, envelope)


def _as_read(
    mentions: Iterable[Mention], loinc: str, envelope: Envelope
) -> tuple[SmearFinding, ...]:
    return tuple(
        finding(
            envelope,
            mention.finding,
            mention.present,
            SmearMethod.NARRATIVE,
            loinc,
            mention.sentence,
        )
        for mention in mentions
    )


def finding(
    envelope: Envelope,
    which: SmearSet | None,
    present: bool | None,  # noqa: FBT001  a truth value, not an option
    method: SmearMethod,
    loinc: str,
    text: str,
) -> SmearFinding:
    """Build one finding from an envelope that was not refused."""
    if envelope.taken is None:
        msg = "a finding needs a time"
        raise ValueError(msg)
    return SmearFinding(
        finding=which,
        present=present,
        taken=envelope.taken,
        method=method,
        loinc=loinc,
        text=" ".join(text.split())[:_LONGEST_SHOWN],
        source=envelope.source,
        status=envelope.status,
    )


def words_of(valued: Observation | Component) -> str:
    """The value as words: text, coded words, note; or the number with its unit."""
    words = [valued.valueString or ""]
    if valued.valueCodeableConcept is not None:
        words.append(words_of_concept(valued.valueCodeableConcept))
    if not any(word.strip() for word in words):
        try:
            number = read_number(valued)
            words.append(f"{number.text} {number.unit}")
        except NoNumber:
            words += [note.text for note in getattr(valued, "note", ())]
    return "\n".join(word for word in words if word.strip())


def words_of_concept(concept: CodeableConcept) -> str:
    """Text and displays of a CodeableConcept, each once."""
    words = [concept.text, *(coding.display for coding in concept.coding)]
    return "\n".join(dict.fromkeys(word for word in words if word.strip()))


def _presence(valued: Observation | Component, meaning: CodeMeaning) -> bool | None:
    interpreted = presence_of_interpretation(valued.interpretation)
    answer = _presence_of_value(valued, meaning)
    if answer is not None and interpreted is not None and answer != interpreted:
        return None
    return answer if answer is not None else interpreted


def _presence_of_value(valued: Observation | Component, meaning: CodeMeaning) -> bool | None:
    if valued.valueCodeableConcept is not None:
        return presence_of_concept(valued.valueCodeableConcept)
    if valued.valueBoolean is not None:
        return valued.valueBoolean
    try:
        number = read_number(valued)
    except NoNumber:
        return _presence_of_string(valued.valueString or "", meaning)
    if meaning.present_from_percent is None:
        comparator = number.comparator.value if number.comparator else ""
        return presence_of_number(comparator, float(number.value))
    return _reaches(number, Decimal(meaning.present_from_percent))


def _presence_of_string(text: str, meaning: CodeMeaning) -> bool | None:
    """The short phrases of a presence code, else a sentence that names the finding itself."""
    answer = presence_of_text(text)
    if answer is not None:
        return answer
    named = [mention for mention in findings_in(text) if mention.finding == meaning.target]
    return named[0].present if named else None


def _reaches(number: Number, limit: Decimal) -> bool | None:
    """A percentage of cells against the limit from which they count (A9 for comparators)."""
    percent = number.value * 100 if number.unit.lower() in _FRACTION_UNITS else number.value
    if number.comparator in {Comparator.LESS, Comparator.LESS_OR_EQUAL}:
        inclusive = number.comparator is Comparator.LESS_OR_EQUAL
        return False if percent < limit or (percent == limit and not inclusive) else None
    if number.comparator is not None:
        return True if percent >= limit else None
    return percent >= limit
