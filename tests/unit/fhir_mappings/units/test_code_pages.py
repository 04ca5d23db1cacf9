"""Signs that a wrong code page has spoiled are put back, and nothing else is touched (1.3, U2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.panel import Analyte
from fhir_mappings.units.code_pages import restored
from fhir_mappings.units.units import UnitNotUnderstood, read_unit
from fhir_mappings.vocabulary.analytes import default_terminology

ENCODINGS = ["cp1252", "latin-1", "mac_roman", "cp437", "cp850", "cp1250", "cp1251", "cp1253"]
WRITTEN_BYTE = [("cp1252", "cp437"), ("cp1252", "cp850"), ("cp437", "cp1252"), ("cp850", "cp1252")]
UNITS = [
    ("PLT", "10*3/µL"),
    ("PLT", "10³/μL"),
    ("PLT", "x10⁹/L"),
    ("PLT", "×10⁴/µL"),
    ("WBC", "/µL"),
    ("WBC", "10³/mm³"),
    ("RETABS", "10⁶/µL"),
    ("IRON", "µg/dL"),
    ("IRON", "µmol/L"),
    ("FERR", "μg/L"),
    ("LDH", "µkat/L"),
    ("CREA", "μmol/L"),
    ("MCV", "µm³"),
    ("EGFR", "mL/min/1.73 m²"),
    ("EGFR", "mL/min/1·73 m²"),
    ("TEMP", "°C"),
    ("TEMP", "°F"),
]


def scale_of(analyte: str, unit: str):
    return read_unit(unit, default_terminology().definition(Analyte(analyte))).scale


def misread(text: str, encoding: str) -> str:
    """UTF-8 read as something else; bytes without a letter become control characters."""

    def letter(byte: int) -> str:
        try:
            return bytes((byte,)).decode(encoding)
        except UnicodeDecodeError:
            return chr(byte)

    return "".join(letter(byte) for byte in text.encode())


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("analyte", "unit"), UNITS)
def test_utf8_that_was_read_as_another_encoding_is_the_unit_it_was(analyte, unit, encoding):
    assert scale_of(analyte, misread(unit, encoding)) == scale_of(analyte, unit)


@pytest.mark.parametrize(("analyte", "unit"), UNITS)
def test_so_is_what_went_wrong_twice_over(analyte, unit):
    twice = misread(misread(unit, "cp1252"), "cp1252")
    assert scale_of(analyte, twice) == scale_of(analyte, unit)


@pytest.mark.parametrize(("written", "read"), WRITTEN_BYTE)
@pytest.mark.parametrize(
    ("analyte", "unit"), [pair for pair in UNITS if not set(pair[1]) & set("μ⁹⁴⁶°×·")]
)
def test_one_byte_taken_for_another_letter_is_the_unit_it_was(analyte, unit, written, read):
    try:
        spoiled = unit.encode(written).decode(read)
    except UnicodeError:
        pytest.skip("the encoding has no such sign")
    assert scale_of(analyte, spoiled) == scale_of(analyte, unit)


@pytest.mark.parametrize(
    "spelling",
    [
        *["10*3/&micro;L", "10*3/&amp;micro;L", "10*3/&#181;L", "10*3/&#x3BC;L"],
        *["10*3/\\u00b5L", "10*3/\\u03bcL", "10*3/\\XB5\\L", "10*3/%C2%B5L", "10*3/%B5L"],
        *["10*3/?L", "10*3/\ufffdL", "10\\u00b3/\\u00b5L", "10&sup3;/&mu;l", "10Â³/Âµl"],
    ],
)
def test_a_sign_that_was_escaped_or_lost_is_read(spelling):
    assert scale_of("PLT", spelling) == scale_of("PLT", "10*3/uL")


@pytest.mark.parametrize("text", ["Ä/L", "é", "10*3/ñL", "ìì", "Âé/L", "?", "ug?/dL", "%41", "ü"])
def test_what_can_have_been_anything_stays_as_it_is(text):
    assert restored(text) == text
    with pytest.raises(UnitNotUnderstood):
        scale_of("PLT", text)


@given(st.text(max_size=100))
def test_no_text_breaks_it_and_plain_text_is_left_alone(text):
    again = restored(text)
    if text.isascii() and not set(text) & set("?\\%"):
        assert again == text
