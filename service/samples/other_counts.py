"""Sample patients: two low lines, old counts, overlays and red flags (clinical-definition 3.2)."""

from __future__ import annotations

from service.samples.chart import Person, Sample
from service.samples.records import condition, given, prescription
from service.samples.resources import (
    NORMAL_IRON,
    SEED_IRON,
    b12,
    cbc,
    finding,
    iron,
    lab,
    pancytopenia,
    temperature,
)

OTHER_COUNTS = (
    Sample(
        "two-lines-high-b12",
        "Hemoglobin and platelets low, neutrophils normal, B12 1700.",
        Person("Olena", "Sample-Kovalenko", "female"),
        (*cbc(9.5, 5.2, 3.0, 70), b12(1700)),
        ("bicytopenia-high-b12",),
        "warning",
    ),
    Sample(
        "two-lines-low-b12",
        "Hemoglobin and platelets low with a B12 of 130.",
        Person("Beatrix", "Sample-Visser", "female", 77),
        (*cbc(9.6, 5.4, 3.2, 88, mcv=118), b12(130)),
        ("bicytopenia-low-b12",),
        "info",
    ),
    Sample(
        "two-lines",
        "Hemoglobin and neutrophils low, everything else ordinary.",
        Person("Sunniva", "Sample-Berge", "female", 60),
        (*cbc(9.4, 3.1, 1.3, 210), *iron(*NORMAL_IRON), b12(450)),
        ("bicytopenia",),
        "info",
    ),
    Sample(
        "no-platelets",
        "Two lines low and no platelet count at all.",
        Person("Thandiwe", "Sample-Mokoena", "female", 57),
        tuple(cbc(9.3, 2.6, 1.2, None)),
        ("incomplete-cbc",),
        "info",
    ),
    Sample(
        "stale-counts",
        "Three low lines forty days ago that nobody checked again.",
        Person("Marguerite", "Sample-Dubois", "female", 68),
        (*cbc(8.9, 2.4, 1.1, 84, days=40), b12(1500, days=40)),
        ("stale-counts",),
        "warning",
    ),
    Sample(
        "blasts",
        "Three percent blasts in the blood with anemia and low platelets.",
        Person("Zofia", "Sample-Wojcik", "female", 62),
        (*cbc(9.5, 12.0, 2.0, 70), lab("26446-5", 3, "%")),
        ("circulating-blasts", "bicytopenia"),
        "critical",
        marrow=True,
    ),
    Sample(
        "neutropenic-fever",
        "Nine days after carboplatin: neutrophils 0.2 and 38.4 degrees.",
        Person("Farida", "Sample-Rahimi", "female", 54),
        (
            *cbc(8.5, 0.5, 0.2, 45),
            temperature(38.4),
            given("40048", "carboplatin 450 mg infusion", days=9),
        ),
        ("neutropenic-fever", "recent-chemotherapy"),
        "critical",
    ),
    Sample(
        "schistocytes",
        "Platelets 62 with moderate schistocytes on the film.",
        Person("Rosalind", "Sample-Okafor", "female", 44),
        (*cbc(9.1, 6.2, 4.0, 62), finding("800-3", "moderate")),
        ("thrombotic-microangiopathy", "bicytopenia"),
        "critical",
    ),
    Sample(
        "ferritin-and-fever",
        "Three low lines, ferritin 15,000 and a fever two days ago.",
        Person("Tomas", "Sample-Novotny", "male", 35),
        (
            *cbc(8.9, 2.4, 1.1, 84),
            *iron(70, 200, 35, 15000),
            b12(450),
            temperature(38.6, days=2),
        ),
        ("possible-hlh", "b12-function-unknown"),
        "critical",
    ),
    Sample(
        "clozapine",
        "Neutrophils 0.3 under clozapine, the other lines normal.",
        Person("Silvan", "Sample-Keller", "male", 38),
        (*cbc(13.8, 1.9, 0.3, 220), prescription("2626", "clozapine 100 mg oral tablet")),
        ("drug-agranulocytosis",),
        "critical",
    ),
    Sample(
        "night-sweats",
        "The index pattern with night sweats and weight loss.",
        Person("Delphine", "Sample-Laurent", "female", 66),
        (
            *pancytopenia(b12(1480), iron_studies=SEED_IRON),
            condition("42984000", "Night sweats"),
            condition("448765001", "Unintentional weight loss"),
        ),
        ("index-pattern",),
        "critical",
        marrow=True,
    ),
    Sample(
        "teardrops",
        "The index pattern, and a film with teardrop cells but no blasts.",
        Person("Aurelia", "Sample-Ionescu", "female", 67),
        (
            *pancytopenia(b12(1300), iron_studies=SEED_IRON),
            finding("18314-5", "No circulating blasts seen. Occasional teardrop cells."),
        ),
        ("index-pattern",),
        "warning",
        marrow=True,
    ),
)
