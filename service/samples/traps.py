"""Sample patients: charts that mislead a careless reader (clinical-definition 1 and 3.5)."""

from __future__ import annotations

from service.samples.chart import Person, Sample
from service.samples.records import (
    condition,
    encounter,
    prescription,
    procedure,
    statement,
)
from service.samples.resources import (
    NORMAL_IRON,
    SEED_IRON,
    Ago,
    Link,
    Resource,
    b12,
    cbc,
    finding,
    iron,
    lab,
    pancytopenia,
    report,
)


def _panel_with_members() -> tuple[Resource, ...]:
    members = cbc(8.9, 2.4, 1.1, 84, mcv=101)
    panel = {
        "resourceType": "Observation",
        "status": "final",
        "code": report("58410-2", [])["code"],
        "effectiveDateTime": Ago(1),
        "hasMember": [Link(member) for member in members],
    }
    return (panel, *members)


def _components() -> Resource:
    """The index pattern's counts as components of one panel Observation."""
    keep = ("code", "valueQuantity")
    parts = [{key: one[key] for key in keep} for one in cbc(8.9, 2.4, 1.1, 84, mcv=101)]
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": report("58410-2", [])["code"],
        "effectiveDateTime": Ago(1),
        "component": parts,
    }


TRAPS = (
    Sample(
        "cbc-panel-members",
        "The index pattern with its blood count delivered as a panel that names its members.",
        Person("Henrike", "Sample-Brandt", "female"),
        (*_panel_with_members(), *iron(*SEED_IRON), b12(1480)),
        ("index-pattern",),
        "warning",
        marrow=True,
    ),
    Sample(
        "platelet-clumps",
        "Low platelets on a film with clumps: the count cannot be trusted.",
        Person("Rosa", "Sample-Marin", "female", 61),
        (*cbc(9.0, 2.4, 1.1, 60), finding("7796-6", "Present", coded="52101004"), b12(450)),
        ("incomplete-cbc",),
        "info",
    ),
    Sample(
        "marrow-blasts",
        "Three percent blasts, but in the marrow, five days ago: no alarm about the blood.",
        Person("Jadwiga", "Sample-Nowak", "female", 70),
        pancytopenia(
            b12(450),
            lab("13964-2", 0.2, "umol/L", days=2),
            (blasts := lab("11150-0", 3, "%", days=5)),
            report("33721-2", [blasts], days=5),
        ),
        ("unexplained-pancytopenia",),
        "warning",
    ),
    Sample(
        "holotranscobalamin",
        "Only active B12 was measured; it is not the total.",
        Person("Freya", "Sample-Larsen", "female", 64),
        pancytopenia(lab("72160-5", 120, "pmol/L")),
        ("incomplete-workup",),
        "warning",
    ),
    Sample(
        "preliminary-counts",
        "The blood count is still preliminary: repeat it before anything invasive.",
        Person("Simone", "Sample-Girard", "female", 65),
        (*cbc(8.9, 2.4, 1.1, 84, status="preliminary"), *iron(*NORMAL_IRON), b12(1480)),
        ("pancytopenia-high-b12",),
        "warning",
    ),
    Sample(
        "contradictory-platelets",
        "One specimen, two platelet counts: 160 and 12.",
        Person("Irina", "Sample-Volkova", "female"),
        (*cbc(9.0, 2.4, 1.1, 160), lab("777-3", 12, "10*3/uL"), *iron(*NORMAL_IRON), b12(1200)),
        ("pancytopenia-high-b12",),
        "warning",
    ),
    Sample(
        "cbc-panel-components",
        "The index pattern with its blood count as components of one Observation.",
        Person("Wilhelmina", "Sample-Smit", "female"),
        (_components(), *iron(*SEED_IRON), b12(1480)),
        ("index-pattern",),
        "warning",
        marrow=True,
    ),
    Sample(
        "transfused",
        "Red cells given two days ago lift the hemoglobin above its limit.",
        Person("Gwendolyn", "Sample-Price", "female", 68),
        (
            *cbc(12.4, 2.2, 1.0, 60),
            *iron(*NORMAL_IRON),
            b12(1200),
            procedure("116863004", "Transfusion of red blood cells", days=2),
        ),
        ("pancytopenia-high-b12",),
        "warning",
        marrow=True,
    ),
    Sample(
        "cirrhosis",
        "Cirrhosis with a large spleen explains mild counts and a high B12 in part; no marrow yet.",
        Person("Dolores", "Sample-Vega", "female", 63),
        (
            *cbc(11.2, 3.0, 1.4, 78),
            *iron(70, 210, 33),
            b12(1350),
            condition("19943007", "Cirrhosis of liver"),
            condition("16294009", "Splenomegaly"),
        ),
        ("pancytopenia-high-b12",),
        "warning",
    ),
    Sample(
        "b12-tablets",
        "Takes B12 tablets without a proven deficiency; the card fires all the same.",
        Person("Eleni", "Sample-Papadaki", "female", 66),
        pancytopenia(b12(1300), statement("11248", "vitamin B 12 500 mcg oral tablet", since=400)),
        ("pancytopenia-high-b12",),
        "warning",
    ),
    Sample(
        "methotrexate",
        "Weekly methotrexate and a normal B12: the drug has to be reviewed today.",
        Person("Johanna", "Sample-Maier", "female", 71),
        pancytopenia(b12(500), prescription("6851", "methotrexate 2.5 mg oral tablet, weekly")),
        ("b12-function-unknown",),
        "warning",
    ),
    Sample(
        "mislabelled-iron",
        "Iron sent as 20 ug/L where ug/dL was meant: set aside, ferritin decides.",
        Person("Paloma", "Sample-Ortiz", "female", 50),
        (
            *cbc(8.9, 2.4, 1.1, 84),
            lab("2498-4", 20, "ug/L"),
            lab("2500-7", 449, "ug/dL"),
            lab("2502-3", 4, "%"),
            lab("2276-4", 4, "ng/mL"),
            b12(395),
        ),
        ("pancytopenia-iron-deficiency", "data-quality"),
        "warning",
    ),
    Sample(
        "neutrophils-in-hundreds",
        "Neutrophils of 300 in thousands: not believable, perhaps a severe value in disguise.",
        Person("Vesna", "Sample-Horvat", "female", 59),
        tuple(cbc(9.0, 2.0, 300, 60)),
        ("incomplete-workup", "data-quality"),
        "warning",
    ),
    Sample(
        "bleeding-in-hospital",
        "Anemia and platelets of 80 during a first hospital stay: common, and no card.",
        Person("Kofi", "Sample-Mensah", "male", 46),
        (*cbc(9.0, 7.5, 5.0, 80), encounter("IMP", start=2)),
        (),
    ),
    Sample(
        "age-unknown",
        "Low counts in a record without a date of birth: nothing can be judged.",
        Person("Unknown", "Sample-Person", "female", None),
        pancytopenia(b12(1480)),
        ("data-quality",),
        "info",
    ),
    Sample(
        "b12-order",
        "B12 is being ordered although it is already high.",
        Person("Katarzyna", "Sample-Zielinska", "female"),
        pancytopenia(b12(1000)),
        ("b12-order-without-deficiency",),
        "warning",
        drafts=(prescription("11248", "vitamin B 12 1000 mcg injection", days=0, status="draft"),),
    ),
    Sample(
        "iron-order",
        "Iron is being ordered although no deficiency is shown.",
        Person("Margit", "Sample-Halvorsen", "female"),
        (*cbc(8.9, 2.4, 1.1, 84, mcv=101), *iron(*SEED_IRON, ferritin=180), b12(1480)),
        ("iron-order-without-deficiency",),
        "warning",
        drafts=(
            prescription("24947", "ferrous sulfate 325 mg oral tablet", days=0, status="draft"),
        ),
    ),
)
