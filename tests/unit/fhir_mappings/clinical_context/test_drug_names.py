"""Medicines by whole words in text, and by code (clinical-definition 5)."""

from __future__ import annotations

import pytest

from fhir_mappings.clinical_context.drug_names import drugs_in
from fhir_mappings.context import ValueSetName as S
from fhir_mappings.r4.decoding import Coding
from tests.support.context import ATC, RXNORM


@pytest.mark.parametrize(
    ("text", "name", "sets"),
    [
        ("CARBOplatin 450 mg/45 mL", "carboplatin", {S.MYELOSUPPRESSIVE_CHEMOTHERAPY}),
        ("5-fluorouracil", "fluorouracil", {S.MYELOSUPPRESSIVE_CHEMOTHERAPY}),
        ("nab-paclitaxel", "paclitaxel", {S.MYELOSUPPRESSIVE_CHEMOTHERAPY}),
        ("METHOTREXATE_2.5MG", "methotrexate", {S.MARROW_SUPPRESSIVE_DRUGS}),
        (
            "Co‑trimoxazole 960",
            "co-trimoxazole",
            {S.MARROW_SUPPRESSIVE_DRUGS, S.AGRANULOCYTOSIS_DRUGS},
        ),
        (
            "cotrimoxazole",
            "co-trimoxazole",
            {S.MARROW_SUPPRESSIVE_DRUGS, S.AGRANULOCYTOSIS_DRUGS},
        ),
        ("Metamizol 500 mg", "metamizole", {S.MARROW_SUPPRESSIVE_DRUGS, S.AGRANULOCYTOSIS_DRUGS}),
        ("pemetrexed", "pemetrexed", {S.MYELOSUPPRESSIVE_CHEMOTHERAPY}),
        (
            "trastuzumab deruxtecan",
            "trastuzumab deruxtecan",
            {S.MYELOSUPPRESSIVE_CHEMOTHERAPY},
        ),
        ("Radium Ra-223 dichloride", "radium-223", {S.MYELOSUPPRESSIVE_CHEMOTHERAPY}),
        ("ibrutinib 420 mg", "ibrutinib", {S.MARROW_SUPPRESSIVE_DRUGS}),
        ("enoxaparin 40 mg", "enoxaparin", {S.HEPARIN_MEDICATION}),
        ("ciclosporin", "cyclosporine", {S.MARROW_SUPPRESSIVE_DRUGS}),
        ("Vitamin B₁₂ injection", "vitamin B12", {S.B12_MEDICATION}),
        ("VITAMIN B-12 1000 MCG", "vitamin B12", {S.B12_MEDICATION}),
        ("vitamin  b 12", "vitamin B12", {S.B12_MEDICATION}),
        ("hydroxocobalamin", "hydroxocobalamin", {S.B12_MEDICATION}),
        ("Ferrous gluconate", "ferrous iron", {S.IRON_MEDICATION}),
        ("iron sucrose", "iron sucrose", {S.IRON_MEDICATION, S.INTRAVENOUS_IRON}),
        ("ferric derisomaltose", "ferric derisomaltose", {S.IRON_MEDICATION, S.INTRAVENOUS_IRON}),
        (
            "sodium ferric gluconate",
            "sodium ferric gluconate",
            {S.IRON_MEDICATION, S.INTRAVENOUS_IRON},
        ),
        ("pegfilgrastim-jmdb", "pegfilgrastim", {S.GRANULOCYTE_GROWTH_FACTOR}),
        ("Epoetin alfa-epbx", "epoetin alfa", {S.ERYTHROPOIETIN_THROMBOPOIETIN_AGENTS}),
        ("romiplostim", "romiplostim", {S.ERYTHROPOIETIN_THROMBOPOIETIN_AGENTS}),
        ("zinc gluconate 50 mg", "zinc gluconate", {S.ZINC_MEDICATION}),
    ],
)
def test_a_whole_word_names_the_drug(text, name, sets):
    (found,) = drugs_in([], [text])
    assert (found.name, found.sets) == (name, sets)


@pytest.mark.parametrize(
    "text",
    [
        "carboplatinum",
        "trastuzumab",
        "docarboplatin",
        "premethotrexated",
        "quinidine",
        "hydroxychloroquine",
        "methylquinine",
        "iron",
        "environment sucrose",
        "non iron, dextran 40",
        "vitamin b6",
        "vitamin b 120",
        "zinc oxide",
        "trimethoprims",
        "peginterferons",
        "mesalazine",
        "prefilgrastimx",
        "",
    ],
)
def test_a_word_inside_another_names_nothing(text):
    assert drugs_in([], [text]) == ()


def test_the_longest_term_is_the_one_drug():
    (found,) = drugs_in([], ["Ferric carboxymaltose 50 mg/mL"])
    assert found.name == "ferric carboxymaltose"


def test_code_and_display_of_one_drug_are_one_drug():
    coding = Coding(RXNORM, "68149", "mycophenolate mofetil")
    assert [d.name for d in drugs_in([coding], [coding.display])] == ["mycophenolate mofetil"]
    coding = Coding(RXNORM, "11248", "Vitamin B12")
    assert [d.name for d in drugs_in([coding], [coding.display])] == ["cyanocobalamin"]


def test_a_code_of_another_system_is_no_rxnorm_code():
    assert drugs_in([Coding("urn:local", "6851"), Coding("", "6851")], []) == ()


def test_every_marrow_suppressive_drug_has_a_class():
    found = drugs_in([Coding(RXNORM, "5552")], ["olaparib", "upadacitinib", "divalproex"])
    assert [d.drug_class for d in found] == [
        "antineoplastic oral",
        "PARP inhibitor",
        "JAK inhibitor",
        "anticonvulsant",
    ]


@pytest.mark.parametrize(
    ("code", "display", "name", "sets"),
    [
        ("L01BA04", "Pemetrexed", "Pemetrexed", {S.MYELOSUPPRESSIVE_CHEMOTHERAPY}),
        ("L01BA01", "", "methotrexate", {S.MARROW_SUPPRESSIVE_DRUGS}),
        ("N05AH02", "", "clozapine", {S.AGRANULOCYTOSIS_DRUGS}),
        ("B01AB05", "Enoxaparin", "Enoxaparin", {S.HEPARIN_MEDICATION}),
        ("B03BA01", "", "Vitamin B12 preparations", {S.B12_MEDICATION}),
    ],
)
def test_an_atc_code_names_the_drug(code, display, name, sets):
    (found,) = drugs_in([Coding(ATC, code, display)], [])
    assert (found.name, found.sets) == (name, sets)


def test_an_atc_code_adds_nothing_to_what_the_words_said():
    (found,) = drugs_in([Coding(ATC, "L01BA04", "Alimta")], ["pemetrexed 500 mg"])
    assert found.name == "pemetrexed"
