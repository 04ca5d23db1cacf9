"""The source attributes of an evidence-based decision support intervention.

The thirteen of 45 CFR 170.315(b)(11)(iv)(A) (ONC, HTI-1), in their order: what a user of a
certified EHR may ask of each intervention. Facts about this rule table, not about a patient.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.interpreter.rules import RULE_TABLE_VERSION
from service.interpreter.rules.sources import SOURCES

REGULATION = "45 CFR 170.315(b)(11)(iv)(A)"
DEVELOPER = "The heme-hooks project, open source under Apache-2.0"
RULE_TABLE_DATE = "2026-11-28"
"""When rule table `RULE_TABLE_VERSION` was released; a test holds the two together."""

NOT_USED = "Not used."


@dataclass(frozen=True, slots=True)
class SourceAttribute:
    """One attribute: its number in the regulation, a short name, its title and what holds here."""

    number: int
    name: str
    title: str
    values: tuple[str, ...]


def source_attributes() -> tuple[SourceAttribute, ...]:
    """Return the attributes of this rule table in the order of the regulation."""
    citations = tuple(text for name, text in SOURCES.items() if name != "OWN")
    return tuple(
        SourceAttribute(number, name, title, values)
        for number, (name, title, values) in enumerate(
            (
                ("citation", "Bibliographic citation of the intervention", citations),
                ("developer", "Developer of the intervention", (f"{DEVELOPER}.",)),
                (
                    "funding",
                    "Funding source of the technical implementation",
                    ("None is recorded.",),
                ),
                (
                    "dates",
                    "Release and revision dates",
                    (f"Rule table {RULE_TABLE_VERSION}, {RULE_TABLE_DATE}. {_NO_REVISION}",),
                ),
                ("race", "Use of race", (NOT_USED,)),
                ("ethnicity", "Use of ethnicity", (NOT_USED,)),
                ("language", "Use of language", (NOT_USED,)),
                ("sexual-orientation", "Use of sexual orientation", (NOT_USED,)),
                ("gender-identity", "Use of gender identity", (NOT_USED,)),
                ("sex", "Use of sex", (_SEX,)),
                ("date-of-birth", "Use of date of birth", (_BIRTH,)),
                ("social-determinants", "Use of social determinants of health", (NOT_USED,)),
                ("health-status", "Use of health status assessments", (_HEALTH_STATUS,)),
            ),
            1,
        )
    )


_NO_REVISION = "Every change that can alter a card stands in the changelog under Clinical."
_SEX = (
    "Used: the lower limit of hemoglobin is higher for men, and a pregnancy is not asked for in "
    "them (Patient.gender). Any other sex, and an unknown one, has the limit of women."
)
_BIRTH = (
    "Used: the rules for adults apply from 18 years, children have limits of their own, and a "
    "pregnancy is possible at certain ages only (Patient.birthDate)."
)
_HEALTH_STATUS = (
    "Used: pregnancy status, from Observations and Conditions, and an alcohol use disorder that is "
    "recorded as a Condition. Functional, disability, cognitive and smoking status are not used."
)


def as_json() -> dict[str, object]:
    """Return the attributes as the page's JSON."""
    return {
        "regulation": REGULATION,
        "intervention": "heme-hooks",
        "ruleTable": RULE_TABLE_VERSION,
        "attributes": [
            {
                "number": each.number,
                "name": each.name,
                "title": each.title,
                "values": list(each.values),
            }
            for each in source_attributes()
        ],
    }
