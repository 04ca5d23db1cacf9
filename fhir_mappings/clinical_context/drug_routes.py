"""How a medicine is given: by local route, into a vein, and how much at once.

A medicine given to skin, eye, ear or bladder does not reach the marrow (clinical-definition 5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fhir_mappings.r4 import elements as loose

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOCAL = re.compile(
    r"(?<![^\W_])(?:topical(?:ly)?|creams?|ointments?|lotions?|shampoos?"
    r"|ophthalmic(?:ally)?|ophth|ocular|intraocular|intracameral|intravitreal(?:ly)?"
    r"|eye[\s-]?(?:drops?|ointment|gel)|ear[\s-]?drops?|otic|auricular"
    r"|intravesical(?:ly)?|bladder\s+instillation"
    r"|(?<!sub[\s-])(?<!per[\s-])cutaneous"
    r"|(?<!soft[\s-])(?<!liquid[\s-])(?<!oral[\s-])(?<!nasal[\s-])gel(?![\s-]*cap))(?![^\W_])",
    re.IGNORECASE,
)
_INTO_VEIN = re.compile(
    r"(?<![^\W_])(?:intravenous(?:ly)?|iv(?:pb|p)?|i\.\s?v\.?)(?![^\W_])", re.IGNORECASE
)
_LOCAL_CODES = frozenset(
    {
        "6064005",  # SNOMED CT: topical
        "54485002",  # ophthalmic
        "372472002",  # ocular
        "10547007",  # otic
        "418401004",  # intravitreal
        "372471009",  # intravesical
    }
)
_VEIN_CODES = frozenset(
    {
        "47625008",  # SNOMED CT: intravenous
        "418114005",  # central intravenous
        "419993007",  # peripheral intravenous
        "IVINJ",  # HL7 v3 RouteOfAdministration
        "IVPUSH",
    }
)
_MILLIGRAMS = {
    "mg": Decimal(1),
    "milligram": Decimal(1),
    "milligrams": Decimal(1),
    "g": Decimal(1000),
    "gm": Decimal(1000),
    "gram": Decimal(1000),
    "grams": Decimal(1000),
    "ug": Decimal("0.001"),
    "mcg": Decimal("0.001"),
    # An adult has more than one square meter of skin, so the dose is at least this.
    "mg/m2": Decimal(1),
    "g/m2": Decimal(1000),
}
_HIGH_DOSE = Decimal(100)
"""Milligrams of methotrexate per dose from which it is chemotherapy (clinical-definition 5)."""


@dataclass(frozen=True, slots=True)
class Route:
    """How a record says a medicine is given. Names and form count before the dosage text."""

    local: bool
    into_vein: bool
    milligrams: Decimal | None = None

    @property
    def is_chemotherapy_dose(self) -> bool:
        """Whether methotrexate given this way is chemotherapy: into a vein, or at least 100 mg."""
        return self.into_vein or (self.milligrams or Decimal(0)) >= _HIGH_DOSE


def read_route(names: Iterable[str], form: object, dosages: list[Any]) -> Route:
    """Read names of the medicine, Medication.form and the Dosages of one record.

    The free text of a Dosage is asked only when no Dosage has a route, because it may be about
    another medicine ("with dexamethasone eye drops").
    """
    routes = [route for each in dosages if (route := _route_words(loose.member(each, "route")))]
    named = [*names, *loose.texts(form)]
    if routes:
        local = all(_any(_LOCAL, route, _LOCAL_CODES) for route in routes)
        into_vein = any(_any(_INTO_VEIN, route, _VEIN_CODES) for route in routes)
    else:
        spoken = [loose.text(loose.member(each, "text")) for each in dosages]
        local = _any(_LOCAL, spoken)
        into_vein = _any(_INTO_VEIN, [*spoken, *named])
    doses = [dose for each in dosages for dose in _doses(each)]
    return Route(local or _any(_LOCAL, named), into_vein, max(doses, default=None))


def _route_words(route: object) -> list[str]:
    return [*loose.texts(route), *(each.code for each in loose.codings(route) if each.code)]


def _any(
    pattern: re.Pattern[str], words: Iterable[str], codes: frozenset[str] = frozenset()
) -> bool:
    return any(word.upper() in codes or pattern.search(word) for word in words)


def _doses(dosage: object) -> list[Decimal]:
    """Return the doses in milligrams; of a range the lower end, which is given for certain."""
    rates = loose.items(loose.member(dosage, "doseAndRate"))
    quantities = [loose.member(dosage, "dose"), loose.member(dosage, "doseQuantity")]
    quantities += [loose.member(each, "doseQuantity") for each in rates]
    quantities += [loose.member(each, "doseRange", "low") for each in rates]
    return [dose for each in quantities if (dose := _milligrams(each)) is not None]


def _milligrams(quantity: object) -> Decimal | None:
    amount = loose.number(loose.member(quantity, "value"))
    for unit in (loose.member(quantity, "code"), loose.member(quantity, "unit")):
        factor = _MILLIGRAMS.get(re.sub(r"[\s^]", "", loose.text(unit)).lower().replace("²", "2"))
        if amount is not None and factor is not None:
            return amount * factor
    return None
