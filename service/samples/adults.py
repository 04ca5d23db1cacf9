"""Sample patients: one for each finding of an adult with low counts (clinical-definition 3.2)."""

from __future__ import annotations

from service.samples.chart import Person, Sample
from service.samples.records import condition, given
from service.samples.resources import (
    NORMAL_IRON,
    SEED_IRON,
    Resource,
    b12,
    cbc,
    iron,
    lab,
    pancytopenia,
    report,
)


def _seed_chart() -> tuple[Resource, ...]:
    counts = cbc(8.9, 2.4, 1.1, 84, mcv=101)
    return (
        *counts,
        report("58410-2", counts),
        *iron(*SEED_IRON, ferritin=180),
        b12(1480),
        condition("59621000", "Essential hypertension"),
        lab("718-7", 12.6, "g/dL", days=420),
        lab("777-3", 171, "10*3/uL", days=420),
    )


def _seed_chart_si() -> tuple[Resource, ...]:
    return (
        lab("718-7", 94, "g/L"),
        lab("26464-8", 2.8, "10*9/L"),
        lab("26499-4", 1.2, "10*9/L"),
        lab("26515-7", 96, "10*9/L"),
        lab("14798-3", 9.8, "umol/L"),
        lab("14800-7", 47, "umol/L"),
        lab("14685-2", 1100, "pmol/L"),
    )


ADULTS = (
    Sample(
        "index-pattern",
        "A woman of 67 with all three cell lines low, low iron with a normal TIBC, and a high B12.",
        Person("Ragnhild", "Sample-Eikeland", "female"),
        _seed_chart(),
        ("index-pattern",),
        "warning",
        marrow=True,
    ),
    Sample(
        "index-pattern-si",
        "The same picture in a man of 71, reported in SI units.",
        Person("Tobias", "Sample-Lindqvist", "male", 71),
        _seed_chart_si(),
        ("index-pattern",),
        "warning",
        marrow=True,
    ),
    Sample(
        "normal",
        "A woman of 58 with nothing wrong in her blood: no card.",
        Person("Adaeze", "Sample-Okoro", "female", 58),
        (*cbc(13.6, 6.4, 3.9, 248, mcv=90), *iron(88, 320, 27.5), b12(460)),
        (),
    ),
    Sample(
        "low-b12",
        "Large red cells, a very high LDH and almost no B12: megaloblastic until shown otherwise.",
        Person("Concetta", "Sample-Moretti", "female", 74),
        (
            *cbc(8.2, 2.6, 1.2, 71, mcv=122),
            lab("2532-0", 1900, "U/L"),
            *iron(*NORMAL_IRON),
            b12(110),
        ),
        ("pancytopenia-low-b12",),
        "warning",
    ),
    Sample(
        "severe-counts",
        "The index pattern with neutrophils of 0.4: hematology has to know today.",
        Person("Mirela", "Sample-Petrova", "female"),
        (*cbc(8.9, 1.2, 0.4, 84), *iron(*SEED_IRON), b12(1480)),
        ("severe-cytopenias", "index-pattern"),
        "critical",
        marrow=True,
    ),
    Sample(
        "unreadable-unit",
        "Two low lines, and platelets in a unit that cannot be read: the service says so.",
        Person("Hana", "Sample-Novak", "female", 63),
        (*cbc(8.9, 2.4, 1.1, None), lab("777-3", 84, "per field", ucum=False)),
        ("incomplete-cbc", "data-quality"),
        "info",
    ),
    Sample(
        "high-b12",
        "Pancytopenia with a high B12 and ordinary iron studies.",
        Person("Esther", "Sample-Adler", "female", 70),
        pancytopenia(b12(1250)),
        ("pancytopenia-high-b12",),
        "warning",
        marrow=True,
    ),
    Sample(
        "high-b12-iron-deficiency",
        "True iron deficiency beside a high B12: iron alone does not explain three low lines.",
        Person("Nayeli", "Sample-Cruz", "female", 52),
        pancytopenia(lab("2276-4", 9, "ng/mL"), b12(1300), iron_studies=(22, 470, 5)),
        ("pancytopenia-high-b12-iron-deficiency",),
        "warning",
        marrow=True,
    ),
    Sample(
        "false-high-b12",
        "B12 reads 1600 but methylmalonic acid is eight times its limit with healthy kidneys.",
        Person("Ingrid", "Sample-Haugen", "female", 66),
        pancytopenia(
            b12(1600),
            lab("13964-2", 3.2, "umol/L"),
            lab("13965-9", 60, "umol/L"),
            lab("98979-8", 85, "mL/min/{1.73_m2}", days=5),
        ),
        ("false-high-b12",),
        "warning",
    ),
    Sample(
        "treated-b12",
        "Pernicious anemia, injections begun a week ago: wait for the response.",
        Person("Bronagh", "Sample-Kelly", "female", 69),
        (
            *cbc(7.8, 2.9, 1.5, 110, mcv=112),
            *iron(*NORMAL_IRON),
            b12(">2000"),
            condition("84027009", "Pernicious anemia"),
            given("11248", "vitamin B 12 1000 mcg injection", days=7),
        ),
        ("treated-b12-deficiency",),
        "info",
    ),
    Sample(
        "b12-undecided",
        "A B12 of 340 decides nothing until methylmalonic acid is known.",
        Person("Soraya", "Sample-Haddad", "female", 61),
        pancytopenia(b12(340)),
        ("b12-function-unknown",),
        "warning",
    ),
    Sample(
        "functional-b12",
        "A middling B12 with a clearly raised methylmalonic acid and healthy kidneys.",
        Person("Greta", "Sample-Hoffmann", "female", 72),
        pancytopenia(
            b12(380),
            lab("13964-2", 1.2, "umol/L", days=2),
            lab("98979-8", 85, "mL/min/{1.73_m2}", days=5),
        ),
        ("functional-b12-deficiency",),
        "warning",
    ),
    Sample(
        "unexplained",
        "B12, methylmalonic acid and iron are all normal; three lines are low all the same.",
        Person("Parveen", "Sample-Siddiqui", "female", 64),
        pancytopenia(b12(450), lab("13964-2", 0.2, "umol/L"), lab("13965-9", 11, "umol/L")),
        ("unexplained-pancytopenia",),
        "warning",
        marrow=True,
    ),
    Sample(
        "low-folate",
        "Pancytopenia with a folate of 2.0.",
        Person("Maeve", "Sample-Doyle", "female", 55),
        pancytopenia(b12(350), lab("2284-8", 2.0, "ng/mL")),
        ("folate-deficiency",),
        "warning",
    ),
    Sample(
        "iron-deficiency",
        "Iron deficiency beyond doubt, and two further lines that it does not explain.",
        Person("Lucia", "Sample-Ferreira", "female", 48),
        pancytopenia(lab("2276-4", 8, "ng/mL"), b12(520), iron_studies=(20, 480, 4)),
        ("pancytopenia-iron-deficiency",),
        "warning",
    ),
    Sample(
        "chronic-disease-iron",
        "Low iron, low TIBC and a high ferritin: look for infection, autoimmunity, liver, marrow.",
        Person("Amina", "Sample-Diallo", "female", 59),
        pancytopenia(lab("2276-4", 650, "ng/mL"), b12(520), iron_studies=(30, 190, 16)),
        ("pancytopenia-chronic-disease-iron",),
        "warning",
    ),
    Sample(
        "counts-only",
        "Three low lines and nothing else measured yet.",
        Person("Yuki", "Sample-Tanaka", "female", 65),
        tuple(cbc(8.9, 2.4, 1.1, 84)),
        ("incomplete-workup",),
        "warning",
    ),
)
