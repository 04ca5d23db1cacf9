"""Where a document stops being JSON, in lines and columns from 1."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.r4.decoding import DECODE_ERRORS
from fhir_mappings.r4.json_position import json_fault


def fault(document: bytes) -> str:
    with pytest.raises(DECODE_ERRORS) as raised:
        msgspec.json.decode(document)
    return json_fault(document, raised.value)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"x", "line 1, column 1"),
        (b'{\n  "a": x\n}', "line 2, column 8"),
        (b"nobody", "line 1, column 1"),
        (b'{\n  "a": nan\n}', "line 2, column 8"),
        (b'{"a": NaN}', "line 1, column 7"),
        (b'{"a": 1', "broken off at line 1, column 8"),
        (b"", "broken off at line 1, column 1"),
        (b'{"a":\n"\xff"}', "not UTF-8 at line 2, column 2"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_the_place_is_named(document: bytes, said: str) -> None:
    assert fault(document) == said


@given(st.integers(0, 20), st.integers(0, 20))
def test_the_place_is_that_of_the_first_wrong_character(lines: int, spaces: int) -> None:
    document = "\n" * lines + " " * spaces + "?"
    with pytest.raises(json.JSONDecodeError) as raised:
        json.loads(document)
    assert fault(document.encode()) == f"line {raised.value.lineno}, column {raised.value.colno}"
