"""Sample patients: special groups and known disorders (clinical-definition 2.5, 3.2)."""

from __future__ import annotations

from service.samples.chart import Person, Sample
from service.samples.records import (
    condition,
    given,
    procedure,
    referral,
)
from service.samples.resources import (
    ICD9,
    SEED_IRON,
    SNOMED,
    Resource,
    b12,
    cbc,
    concept,
    lab,
    pancytopenia,
)


def _pregnancy(weeks: int) -> tuple[Resource, ...]:
    status = lab("82810-3", 0, "", days=30)
    del status["valueQuantity"]
    return (
        status | {"valueCodeableConcept": concept(SNOMED, "77386006", "Pregnant")},
        lab("49051-6", weeks, "wk", days=2),
    )


SPECIAL = (
    Sample(
        "child",
        "A child of 9 with two lines below the laboratory's own limits.",
        Person("Emil", "Sample-Sorensen", "male", 9),
        (
            lab("718-7", 9.0, "g/dL", limits=(11.5, 15.5)),
            lab("751-8", 0.9, "10*3/uL", limits=(1.5, 8.0)),
            lab("777-3", 160, "10*3/uL", limits=(150, 450)),
            b12(1500),
        ),
        ("pediatric",),
        "warning",
    ),
    Sample(
        "child-blasts",
        "A child of 4 with blasts in the blood.",
        Person("Alma", "Sample-Rossi", "female", 4),
        (
            lab("718-7", 7.9, "g/dL"),
            lab("751-8", 0.7, "10*3/uL"),
            lab("777-3", 40, "10*3/uL"),
            lab("709-6", 12, "%"),
        ),
        ("pediatric",),
        "critical",
    ),
    Sample(
        "pregnancy",
        "Pregnant, with three lines low by the limits of pregnancy.",
        Person("Leilani", "Sample-Kahale", "female", 31),
        (*cbc(8.8, 2.0, 1.2, 70), b12(1300), *_pregnancy(30)),
        ("pregnancy",),
        "warning",
    ),
    Sample(
        "pregnancy-normal",
        "Twenty weeks pregnant; her counts are low for others, not for her: no card.",
        Person("Noor", "Sample-Jansen", "female", 29),
        (*cbc(10.6, 3.2, 1.85, 120), b12(380), *_pregnancy(20)),
        (),
    ),
    Sample(
        "hospice",
        "Terrible counts under hospice care: no card at all.",
        Person("Walter", "Sample-Fischer", "male", 88),
        (
            *cbc(6.0, 0.6, 0.1, 8),
            b12(2000),
            procedure("385763009", "Hospice care", days=10, status="in-progress"),
        ),
        (),
    ),
    Sample(
        "known-mds",
        "A known myelodysplastic syndrome with the counts of four days ago: nothing new, no card.",
        Person("Ruth", "Sample-Goldberg", "female", 73),
        (
            *cbc(8.2, 1.3, 0.4, 48),
            *cbc(8.4, 1.4, 0.4, 51, days=4),
            condition("109995007", "Myelodysplastic syndrome"),
        ),
        (),
    ),
    Sample(
        "known-mds-worse",
        "The same illness, but two lines have become severe since twelve days ago.",
        Person("Signe", "Sample-Dahl", "female", 75),
        (
            *cbc(7.4, 0.9, 0.3, 9),
            *cbc(8.3, 2.0, 0.9, 41, days=12),
            b12(1500),
            condition("109995007", "Myelodysplastic syndrome"),
        ),
        ("known-hematologic-disorder",),
        "warning",
    ),
    Sample(
        "chemotherapy",
        "Ten days after carboplatin, no fever: the expected nadir.",
        Person("Catarina", "Sample-Lopes", "female", 58),
        (*cbc(8.5, 1.4, 0.6, 45), given("40048", "carboplatin 450 mg infusion", days=10)),
        ("recent-chemotherapy",),
        "info",
    ),
    Sample(
        "work-up-under-way",
        "The index pattern; marrow done and hematology already involved.",
        Person("Astrid", "Sample-Nyberg", "female", 69),
        (
            *pancytopenia(b12(1480), iron_studies=SEED_IRON),
            procedure("56241004", "Bone marrow biopsy, needle or trocar", days=20),
            referral(20),
        ),
        (),
    ),
    Sample(
        "provisional-leukemia",
        "Leukemia only suspected: this is the very patient the service is for.",
        Person("Ilse", "Sample-Bergmann", "female"),
        pancytopenia(
            b12(1000), condition("91861009", "Acute myeloid leukemia", verification="provisional")
        ),
        ("pancytopenia-high-b12",),
        "warning",
        marrow=True,
    ),
    Sample(
        "icd9-myeloma",
        "Myeloma on an old problem list as ICD-9-CM 203.00, counts newly severe.",
        Person("Harold", "Sample-Whitcombe", "male", 79),
        (*cbc(7.4, 0.9, 0.3, 12), b12(1500), condition("203.00", "Multiple myeloma", system=ICD9)),
        ("known-hematologic-disorder",),
        "warning",
    ),
)
