"""The vocabulary of the unit grammar: dimensions, readings and doubts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Dimension(StrEnum):
    """What kind of quantity a unit measures."""

    COUNT = "count"
    MASS = "mass"
    MOLAR = "molar"
    ENZYME = "enzyme units"
    KATAL = "katal"
    PERCENT = "percent"
    PERCENT_SATURATION = "percent saturation"
    PERCENT_VOLUME = "percent by volume"
    PERMILLE = "per thousand"
    RATIO = "ratio"
    UNITY = "a plain number"
    VOLUME_RATIO = "volume ratio"
    MASS_RATIO = "mass ratio"
    MOLAR_RATIO = "molar ratio"
    PER_LEUKOCYTES = "per 100 leukocytes"
    PER_ERYTHROCYTES = "per 100 red cells"
    ENTITIC_VOLUME = "volume of a cell"
    FILTRATION = "filtration rate"
    TEMPERATURE = "temperature"


@dataclass(frozen=True, slots=True)
class ParsedUnit:
    """One reading: base value = (value - zero) * scale / divisor.

    Bases: cells per 10*-9 L, g/L, mol/L, U/L, kat/L, fL, mL/min, degree Celsius.
    """

    dimension: Dimension
    scale: Decimal
    divisor: Decimal = Decimal(1)
    zero: Decimal = Decimal(0)


class DoubtKind(StrEnum):
    """What keeps a count unit from having one reading."""

    NO_VOLUME = "no volume"
    NO_NUMBER = "no number"
    NO_EXPONENT = "no exponent"
    LETTER = "letter"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A count unit that says too little, with the counts that may have been meant.

    `assumed` is the usual meaning of a power of ten without a volume (U13).
    """

    kind: DoubtKind
    readings: tuple[ParsedUnit, ...]
    assumed: ParsedUnit | None = None


@dataclass(frozen=True, slots=True)
class Parse:
    """All readings of one spelling; `doubt` only where there is none."""

    readings: tuple[ParsedUnit, ...] = ()
    doubt: Doubt | None = None


@dataclass(frozen=True, slots=True)
class Spelling:
    """A cleaned spelling, in small letters too, and both sides of its `/`; `per` None: no `/`."""

    text: str
    lower: str
    top: str
    per: str | None
