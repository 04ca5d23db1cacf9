"""A white line that is judged by leukocytes is called leukocytes, wherever a card names it."""

from __future__ import annotations

import pytest

from fhir_mappings.panel import Analyte
from service.interpreter.interpret import interpret
from tests.support.facts import NOW, facts, result

HEMOGLOBIN, LEUKOCYTES = Analyte.HEMOGLOBIN, Analyte.LEUKOCYTES
NEUTROPHILS, PLATELETS = Analyte.NEUTROPHILS, Analyte.PLATELETS


@pytest.mark.parametrize(
    ("white", "name", "other"),
    [(LEUKOCYTES, "Leukocytes", "Neutrophils"), (NEUTROPHILS, "Neutrophils", "Leukocytes")],
)
def test_the_third_line_is_what_was_counted(white: Analyte, name: str, other: str) -> None:
    counts = [result(HEMOGLOBIN, 9), result(white, 8.6), result(PLATELETS, 60)]
    finding = interpret(facts(counts), NOW).finding

    assert finding is not None
    text = " ".join(finding.paragraphs)
    assert f"{name}, the third line: 8.6" in text
    assert f"{other}, the third line" not in text


def test_low_leukocytes_are_not_called_low_neutrophils() -> None:
    counts = [result(HEMOGLOBIN, 9), result(LEUKOCYTES, 2.5), result(PLATELETS, 300)]
    finding = interpret(facts(counts), NOW).finding

    assert finding is not None
    assert "(Hgb 9 and WBC 2.5)" in finding.summary
    assert "neutrophils" not in finding.summary
