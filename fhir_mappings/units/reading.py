"""One unit spelling for one analyte: the reading, or why there is none (1.3, U2, U3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Context, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from fhir_mappings.panel import Reason
from fhir_mappings.units.grammar import parse
from fhir_mappings.units.spelling import MAX_LENGTH
from fhir_mappings.units.types import Dimension, DoubtKind, ParsedUnit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_mappings.terminology import AnalyteDefinition

_EXACT = Context(prec=60)
_PER_MICROLITER = Decimal("0.001")


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
        return self.dimension is Dimension.COUNT and self.numerator == _PER_MICROLITER

    @property
    def is_below_per_microliter(self) -> bool:
        """A count per liter, per milliliter, thousand per liter (U8, second half)."""
        return self.dimension is Dimension.COUNT and self.numerator < _PER_MICROLITER

    def convert(self, value: Decimal) -> Decimal:
        """Return the value in canonical unit, exact to 60 digits."""
        if self.zero:
            value = _EXACT.subtract(value, self.zero)
        product = _EXACT.multiply(value, self.numerator)
        return product if self.divisor == 1 else _EXACT.divide(product, self.divisor)

    @property
    def scale(self) -> tuple[Decimal, Decimal, Decimal]:
        """What distinguishes two readings."""
        return self.numerator, self.divisor, self.zero


class UnitNotUnderstood(ValueError):
    """A unit that leaves no reading, or more than one.

    `reason` is UNIT or UNIT_CONFLICT, `explanation` one sentence for a laboratory person (it does
    not repeat the spelling). `candidates` are the readings that may have been meant; they are for
    the data-quality card and, only if `inferable`, for `infer_unit`. `missing`: no unit was given
    at all (U1). `contradicts`: the unit is a known one, of another kind of quantity.
    """

    def __init__(
        self,
        reason: Reason,
        explanation: str,
        candidates: tuple[UnitReading, ...] = (),
        *,
        inferable: bool = False,
        missing: bool = False,
        contradicts: bool = False,
    ) -> None:
        super().__init__(explanation)
        self.reason = reason
        self.explanation = explanation
        self.candidates = candidates
        self.inferable = inferable
        self.missing = missing
        self.contradicts = contradicts


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an `UnitNotUnderstood` will say; separate because exceptions cannot be cached."""

    explanation: str
    candidates: tuple[UnitReading, ...] = ()
    inferable: bool = False
    contradicts: bool = False

    def error(self) -> UnitNotUnderstood:
        """Return the exception to raise."""
        return UnitNotUnderstood(
            Reason.UNIT,
            self.explanation,
            self.candidates,
            inferable=self.inferable,
            contradicts=self.contradicts,
        )


_DOUBTS = {
    DoubtKind.NO_VOLUME: "The unit names a number of cells but no volume, such as per microliter"
    " or per liter.",
    DoubtKind.NO_NUMBER: "The unit names a volume but not what is counted in it.",
    DoubtKind.NO_EXPONENT: "The unit has a power of ten whose exponent is missing or unclear.",
    DoubtKind.LETTER: "The unit has a letter that leaves open which power of ten is meant.",
}


@lru_cache(maxsize=8192)
def reading_or_refusal(text: str, analyte: AnalyteDefinition) -> UnitReading | Refusal:
    """Return the only reading of a spelling, else why there is none or more than one."""
    text = analyte.unit_aliases.get(text.strip(), text)
    if len(text) > MAX_LENGTH:
        return Refusal("The unit was not recognized.", usual_readings(analyte))
    parsed = parse(text)
    readings = _allowed(parsed.readings, analyte)
    if len(readings) == 1:
        return readings[0]
    if len(readings) > 1:
        return Refusal("The unit can be read in more than one way.", readings, inferable=True)
    if parsed.readings:
        return _other_quantity(parsed.readings, analyte)
    if parsed.doubt and Dimension.COUNT in _families(analyte):
        assumed = _allowed((parsed.doubt.assumed,) if parsed.doubt.assumed else (), analyte)
        if assumed:
            return replace(assumed[0], inferred=True)
        candidates = _allowed(parsed.doubt.readings, analyte)
        return Refusal(_DOUBTS[parsed.doubt.kind], candidates, inferable=bool(candidates))
    return Refusal("The unit was not recognized.", usual_readings(analyte))


def _allowed(parsed: Iterable[ParsedUnit], analyte: AnalyteDefinition) -> tuple[UnitReading, ...]:
    """Keep the readings whose dimension and size the analyte allows, one of each factor."""
    families = _families(analyte)
    readings: dict[tuple[Decimal, Decimal, Decimal], UnitReading] = {}
    for unit in parsed:
        if unit.dimension in families and not _is_refused(unit, analyte):
            numerator = _plain(unit.scale * families[unit.dimension])
            reading = UnitReading(
                analyte.canonical_unit, unit.dimension, numerator, unit.divisor, unit.zero
            )
            readings.setdefault(reading.scale, reading)
    return tuple(readings.values())


def _plain(number: Decimal) -> Decimal:
    """Write 10 as 10, not as 1E+1, so that what is multiplied by it reads well."""
    number = number.normalize(_EXACT)
    exponent = number.as_tuple().exponent
    return number.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else number


@lru_cache(maxsize=128)
def _families(analyte: AnalyteDefinition) -> dict[Dimension, Decimal]:
    """Every dimension the analyte allows, with canonical units per base unit of the dimension."""
    families: dict[Dimension, Decimal] = {}
    units = ((analyte.canonical_unit, Decimal(1)), *((a.unit, a.factor) for a in analyte.accepted))
    for text, factor in units:
        unit = parse(text).readings[0]
        families[unit.dimension] = factor / unit.scale
    return families


@lru_cache(maxsize=128)
def _bounds(analyte: AnalyteDefinition) -> tuple[Decimal | None, frozenset[Decimal]]:
    """The largest scale of a count and the scales that are never read."""
    largest = parse(analyte.largest_unit).readings[0].scale if analyte.largest_unit else None
    refused = (parse(text).readings[0].scale for text in analyte.refused_units)
    return largest, frozenset(refused)


def _is_refused(unit: ParsedUnit, analyte: AnalyteDefinition) -> bool:
    largest, refused = _bounds(analyte)
    return unit.scale in refused or (largest is not None and unit.scale > largest)


def _other_quantity(parsed: tuple[ParsedUnit, ...], analyte: AnalyteDefinition) -> Refusal:
    """Explain a unit that is known and cannot be this analyte's."""
    families = _families(analyte)
    if any(unit.dimension in families for unit in parsed):
        return Refusal(
            f"The power of ten in the unit does not fit {analyte.name}.",
            usual_readings(analyte),
            contradicts=True,
        )
    kinds = " or ".join(dict.fromkeys(_quantity(unit.dimension) for unit in parsed))
    return Refusal(
        f"The unit stands for another quantity ({kinds}) than the one in which {analyte.name} is"
        f" reported ({analyte.canonical_unit}).",
        usual_readings(analyte),
        contradicts=all(unit.dimension is not Dimension.UNITY for unit in parsed),
    )


def _quantity(dimension: Dimension) -> str:
    return "amount of substance" if dimension is Dimension.MOLAR else dimension.value


@lru_cache(maxsize=128)
def usual_readings(analyte: AnalyteDefinition) -> tuple[UnitReading, ...]:
    """Return the readings that laboratories use for this analyte, the likeliest first."""
    parsed = (unit for text in analyte.usual_units for unit in parse(text).readings)
    return _allowed(parsed, analyte)


@lru_cache(maxsize=128)
def accepted_readings(analyte: AnalyteDefinition) -> tuple[UnitReading, ...]:
    """Return the usual readings, then those that are accepted and rarely used."""
    rare = (unit for text in analyte.rare_units for unit in parse(text).readings)
    return tuple(dict.fromkeys((*usual_readings(analyte), *_allowed(rare, analyte))))
