"""A condition about one limit of one analyte, true, false or not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fhir_mappings.panel import Analyte, DataGroup
from service.interpreter.assessment.assess import assess
from service.interpreter.rules.criteria.chemistry import below_limit
from service.interpreter.rules.criteria.criterion import Case
from tests.support.facts import NOW, count, facts, refused, result

if TYPE_CHECKING:
    from fhir_mappings.panel import LabResult

HAPTOGLOBIN = Analyte.HAPTOGLOBIN
LOW = below_limit(HAPTOGLOBIN, "haptoglobin_low")


def case(*results: LabResult, **more: Any) -> Case:
    return Case(assess(facts([*count(8.9, 1.1, 84, 2.4), *results], **more), NOW))


@pytest.mark.parametrize(
    ("value", "expected"),
    [("29.9", True), ("30", False), ("<30", True), ("<31", None), (">=30", False)],
)
def test_the_value_is_compared_with_the_limit(value: str, expected: bool | None) -> None:
    assert LOW.test(case(result(HAPTOGLOBIN, value))) is expected


def test_not_measured_is_false_and_not_known_is_neither() -> None:
    assert LOW.test(case()) is False
    assert LOW.test(case(unreadable=[refused(HAPTOGLOBIN)])) is None
    assert LOW.test(case(unavailable={DataGroup.HEMOLYSIS})) is None


def test_it_speaks_of_the_limit_that_is_used() -> None:
    assert below_limit(Analyte.FOLATE, "folate_low").text == "folate below {folate_low} ng/mL"
