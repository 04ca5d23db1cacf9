"""Units of laboratory results: any spelling to an exact factor (clinical-knowledge 1.3, U1 to U4)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from fhir_mappings.panel import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhir_mappings.terminology import AnalyteDefinition, CodeMeaning


class Dimension(StrEnum):
    """What kind of quantity a unit measures."""

    COUNT = "count"
    MASS = "mass"
    MOLAR = "molar"


@dataclass(frozen=True, slots=True)
class UnitReading:
    """How a value in one unit becomes a value in the analyte's canonical unit.

    canonical = (value - zero) * numerator / divisor, exactly. `factor` and `offset` say the same
    as canonical = value * factor + offset. `inferred` asks for the note UNIT_INFERRED.
    """

    canonical: str
    dimension: Dimension
    numerator: Decimal = Decimal(1)
    divisor: Decimal = Decimal(1)
    zero: Decimal = Decimal(0)
    inferred: bool = False

    @property
    def factor(self) -> Decimal:
        """Canonical units per unit."""
        return self.numerator / self.divisor

    @property
    def offset(self) -> Decimal:
        """What to add after the factor; 0 except for degrees Fahrenheit."""
        return -self.zero * self.numerator / self.divisor

    @property
    def is_per_microliter(self) -> bool:
        """A count per microliter or its like, factor 0.001 (U8, first half)."""
        return self.dimension is Dimension.COUNT and self.factor == Decimal("0.001")

    @property
    def is_below_per_microliter(self) -> bool:
        """A count per liter, milliliter or thousand per liter (U8, second half)."""
        return self.dimension is Dimension.COUNT and self.factor < Decimal("0.001")

    def convert(self, value: Decimal) -> Decimal:
        """Return the value in canonical unit."""
        raise NotImplementedError


class UnitNotUnderstood(ValueError):  # noqa: N818
    """A unit that leaves no reading, or more than one.

    `reason` is UNIT or UNIT_CONFLICT, `explanation` one sentence for a laboratory person (it does
    not repeat the spelling). `candidates` are the readings that may have been meant. `inferable`:
    the reference range may settle it (`infer_unit`); `missing`: no unit was given at all (U1).
    """

    def __init__(
        self,
        reason: Reason,
        explanation: str,
        candidates: tuple[UnitReading, ...] = (),
        *,
        inferable: bool = False,
        missing: bool = False,
    ) -> None:
        super().__init__(explanation)
        self.reason = reason
        self.explanation = explanation
        self.candidates = candidates
        self.inferable = inferable
        self.missing = missing


def read_unit(text: str, analyte: AnalyteDefinition) -> UnitReading:
    """Read one spelling. Raises UnitNotUnderstood (U2, U3, grammar of 1.3)."""
    raise NotImplementedError


def read_units(
    code: str | None,
    unit: str | None,
    range_units: Sequence[str],
    analyte: AnalyteDefinition,
    *,
    system: str | None = "http://unitsofmeasure.org",
) -> UnitReading:
    """Read the unit of a Quantity (U1, U4). Raises UnitNotUnderstood.

    Pass Quantity.code, Quantity.unit, the units of referenceRange low and high, and
    Quantity.system as they stand: `code` counts as UCUM only when `system` is UCUM's; otherwise it
    is read as a spelling when there is no `unit`.
    """
    raise NotImplementedError


def infer_unit(
    value: Decimal,
    low: Decimal | None,
    high: Decimal | None,
    analyte: AnalyteDefinition,
    refusal: UnitNotUnderstood | None = None,
) -> UnitReading | None:
    """Return the one reading (inferred) that the plausible and the reference range leave, or None.

    `low` and `high` are the laboratory's range as written. With `refusal` only the readings that it
    allows are tried; a unit that is missing altogether stays refused (U1).
    """
    raise NotImplementedError


def usual_readings(analyte: AnalyteDefinition) -> tuple[UnitReading, ...]:
    """Return the readings that laboratories use for this analyte (for what may have been meant)."""
    raise NotImplementedError


def clashes(meaning: CodeMeaning, reading: UnitReading) -> bool:
    """Tell whether LOINC says mass and the unit says moles, or the reverse (U5, UNIT_GOVERNS)."""
    raise NotImplementedError
