"""The laboratory vocabulary says what sections 1.2 and 1.5 to 1.7 of the definition say."""

from __future__ import annotations

from decimal import Decimal

import pytest
from fhir.resources.R4B.conceptmap import ConceptMap
from fhir.resources.R4B.observationdefinition import ObservationDefinition

from fhir_mappings.panel import Analyte, DataGroup, SerologyTest, SmearSet
from fhir_mappings.vocabulary.analytes import (
    CodeKind,
    Role,
    Use,
    default_terminology,
    knowledge_resources,
)

LOINC = "http://loinc.org"
TERMINOLOGY = default_terminology()

# Analyte, canonical unit, plausible range.
MEASURED = [
    ("HGB", "g/dL", "1.5", "25"),
    ("WBC", "10*9/L", "0", "1000"),
    ("ANC", "10*9/L", "0", "200"),
    ("NEUTPCT", "%", "0", "100"),
    ("PLT", "10*9/L", "0", "4000"),
    ("MCV", "fL", "40", "160"),
    ("HCT", "%", "5", "75"),
    ("RETPCT", "%", "0", "60"),
    ("RETABS", "10*9/L", "0", "1000"),
    ("IRON", "ug/dL", "2", "2000"),
    ("TIBC", "ug/dL", "50", "900"),
    ("UIBC", "ug/dL", "5", "900"),
    ("TSAT", "%", "1", "110"),
    ("TRF", "mg/dL", "20", "800"),
    ("FERR", "ng/mL", "0.5", "200000"),
    ("B12", "pg/mL", "20", "200000"),
    ("FOL", "ng/mL", "0.2", "200"),
    ("FOLRBC", "ng/mL", "20", "3000"),
    ("MMA", "umol/L", "0.02", "1000"),
    ("HCY", "umol/L", "1", "500"),
    ("LDH", "U/L", "10", "100000"),
    ("TBIL", "mg/dL", "0", "80"),
    ("DBIL", "mg/dL", "0", "60"),
    ("IBIL", "mg/dL", "0", "60"),
    ("HAPT", "mg/dL", "0", "1000"),
    ("CREA", "mg/dL", "0.1", "30"),
    ("EGFR", "mL/min/{1.73_m2}", "1", "250"),
    ("ALT", "U/L", "0", "30000"),
    ("AST", "U/L", "0", "30000"),
    ("ALP", "U/L", "0", "10000"),
    ("GGT", "U/L", "0", "20000"),
    ("CRP", "mg/L", "0", "1000"),
    ("BLASTP", "%", "0", "100"),
    ("BLASTA", "10*9/L", "0", "1000"),
    ("NRBCW", "/100{WBCs}", "0", "2000"),
    ("NRBCA", "10*9/L", "0", "500"),
    ("TEMP", "Cel", "25", "45"),
]

READ = {
    "HGB": "718-7 20509-6 30350-3 30313-1 30352-9 30351-1 55782-7 14775-1 76769-9 76768-1 59260-0 "
    "93846-4 75928-2",
    "WBC": "6690-2 26464-8 804-5 49498-9",
    "ANC": "751-8 26499-4 753-4",
    "PLT": "777-3 26515-7 778-1 97995-5 49497-1 74464-9",
    "MCV": "787-2 30428-7",
    "HCT": "4544-3 20570-8 4545-0 31100-1 71833-8",
    "RETPCT": "17849-1 4679-7 31112-6",
    "RETABS": "60474-4 14196-0 40665-2",
    "IRON": "2498-4 14798-3 35214-6",
    "TIBC": "2500-7 14800-7 35215-3",
    "UIBC": "2501-5 22753-8 35216-1",
    "TSAT": "2502-3 14801-5 2505-6 39778-6",
    "TRF": "3034-6 22674-6 35229-4",
    "FERR": "2276-4 20567-4 24373-3 35209-6 14723-1",
    "B12": "2132-9 14685-2 35201-3 16695-9",
    "FOL": "2284-8 14732-2 35210-4",
    "FOLRBC": "2283-0 14731-4",
    "MMA": "13964-2 2629-4",
    "HCY": "13965-9 2428-1",
    "LDH": "2532-0 14804-9",
    "TBIL": "1975-2 14631-6 35194-0 42719-5 54363-7 77137-8",
    "DBIL": "1968-7 14629-0 35191-6",
    "IBIL": "1971-1 14630-8 35192-4",
    "HAPT": "4542-7 46127-7 4543-5",
    "CREA": "2160-0 14682-9 38483-4 59826-8 35203-9",
    "EGFR": "98979-8 98980-6 62238-1 94677-2 69405-9 77147-7 33914-3 50210-4",
    "ALT": "1742-6 1743-4 1744-2 76625-3",
    "AST": "1920-8 30239-8 88112-8",
    "ALP": "6768-6 1783-0",
    "GGT": "2324-2",
    "CRP": "1988-5 30522-7",
    "BLASTP": "26446-5 709-6 30445-1 34922-5 34923-3 747-6 33831-9 33840-0 13599-6",
    "BLASTA": "30376-8 708-8 30444-4 35050-4 35029-8 746-8 33830-1 33839-2 33855-8",
    "NRBCW": "58413-6 19048-8 18309-5",
    "NRBCA": "771-6 30392-5 772-4",
    "TEMP": "8310-5 8331-1 8332-9",
}
IN_A_ROLE = {
    Role.SEGMENTED: "30451-9 768-2",
    Role.BAND: "26507-4 30229-9 763-3",
    Role.TOTAL_PERCENT: "770-8 23761-0 26511-6",
    Role.SEGMENTED_PERCENT: "26505-8 32200-8 769-0",
    Role.BAND_PERCENT: "26508-2 35332-6 764-1",
    Role.DEPRECATED: "5907-1 15039-1 21114-4 40611-6 30367-7 745-0",
    Role.POSSIBLE_BLASTS: "30466-7 34926-6",
    Role.CORRECTED_RETICULOCYTES: "31111-8",
    Role.CALCULATED: "42758-3",
    Role.PYRUVATE_TO_LACTATE: "14805-6",
    Role.CONJUGATED: "15152-2 29760-6",
    Role.RACE_PAIR: "48642-3 48643-1 88294-4 88293-6",
}
NEVER_READ = {
    "HGB": "54289-4 42243-6 717-9 30353-7 30354-5 40719-7 61180-6 35183-3 4548-4 71694-4",
    "WBC": "33028-2 47281-1 62239-9 92635-2 51383-8",
    "ANC": "752-6 66139-7",
    "PLT": "26516-5 13056-7 74775-8 47284-5 79427-1 9317-9",
    "MCV": "11272-2 47282-9",
    "RETPCT": "17848-3 12250-7 33516-6",
    "IRON": "44326-7 13452-8",
    "TSAT": "86913-1",
    "TRF": "30248-9",
    "FERR": "48141-6",
    "B12": "72160-5 32341-0 3030-4 15052-4 2171-7 26916-7 14733-0",
    "FOL": "2282-2 25415-1",
    "MMA": "25116-5 44719-3",
    "HCY": "44374-7",
    "LDH": "11053-6",
    "TBIL": "70199-5",
    "HAPT": "70209-2",
}
SMEAR = {
    SmearSet.BLASTS: "44017-2 11281-3",
    SmearSet.BLAST_FLAG: "15154-8",
    SmearSet.DYSPLASIA: "60526-1 18311-1 40654-6 33215-5 71369-3",
    SmearSet.TEARDROP: "7791-7",
    SmearSet.NUCLEATED_RED_CELLS: "40630-6 34188-3 34200-6",
    SmearSet.HYPERSEGMENTED: "765-8 34199-0 30450-1 767-4 10376-2",
    SmearSet.PLATELET_CLUMP: "7796-6 40741-1 18312-9",
    SmearSet.SCHISTOCYTES: "800-3 38910-6",
}
NARRATIVES = "18314-5 5909-7 14869-2 21026-0 6742-1 11156-7 11125-2 33255-1 59465-5"
SEROLOGY = {
    SerologyTest.HIV: "56888-1 58900-2 31201-7 7918-6 80387-4 75666-8 48345-3 83101-6 85037-0",
    SerologyTest.HEPATITIS_B_SURFACE_ANTIGEN: "5195-3 5196-1 63557-3 58452-4",
    SerologyTest.HEPATITIS_B_CORE_ANTIBODY: "16933-4 13952-7 31204-1 24113-3",
    SerologyTest.HEPATITIS_C_ANTIBODY: "16128-1 13955-0 40726-2 5198-7 48159-8",
    SerologyTest.ANTINUCLEAR_ANTIBODY: "8061-4 42254-3 47383-5 5048-4 29953-7",
    SerologyTest.ANTI_DSDNA: "5130-0 31348-6 32677-7 33799-8 5131-8 11013-0",
    SerologyTest.INTRINSIC_FACTOR_ANTIBODY: "31444-3 31443-5 30530-0 24383-2 11564-2",
}
PREGNANCY = {
    "status": "82810-3 11449-6",
    "test": "2118-8 2110-5 2106-3 80384-1",
    "delivery-date": "11778-8",
    "gestational-age": "49051-6 11884-4 18185-9",
}
MARROW = "33721-2 48807-2 33893-9 50659-2 51628-6 11150-0"
PANELS = (
    "58410-2 57021-8 57022-6 57782-5 69742-5 24317-0 24358-4 57023-4 24318-8 69738-3 50262-5 "
    "34994-4 58408-6 58407-8 58406-0 50190-8 75689-0 24323-8 24325-3 24324-6 24321-2 51990-0 "
    "24362-6"
)


def pairs(table):
    return [(key, code) for key, codes in table.items() for code in codes.split()]


def meaning(code: str):
    found = TERMINOLOGY.meaning_of(LOINC, code)
    assert found is not None, code
    return found


def test_all_37_analytes_are_defined():
    assert set(TERMINOLOGY.definitions) == set(Analyte)
    assert [row[0] for row in MEASURED] == [analyte.value for analyte in Analyte]


@pytest.mark.parametrize(("analyte", "unit", "low", "high"), MEASURED)
def test_unit_and_plausible_range_of_an_analyte(analyte, unit, low, high):
    definition = TERMINOLOGY.definition(Analyte(analyte))
    assert definition.canonical_unit == unit
    assert (definition.plausible_low, definition.plausible_high) == (Decimal(low), Decimal(high))
    assert definition.is_plausible(Decimal(low))
    assert definition.is_plausible(Decimal(high))
    assert not definition.is_plausible(Decimal(high) + 1)


@pytest.mark.parametrize(("analyte", "code"), pairs(READ))
def test_a_code_that_is_read(analyte, code):
    found = meaning(code)
    assert (found.kind, found.use, found.role) == (CodeKind.ANALYTE, Use.OK, Role.NONE)
    assert found.analyte == Analyte(analyte)
    assert found.target == analyte
    assert found.code == code
    assert found.groups == {Analyte(analyte).group}
    assert found.display
    assert found.property


@pytest.mark.parametrize(("role", "code"), pairs(IN_A_ROLE))
def test_a_code_that_is_read_in_a_role_only(role, code):
    found = meaning(code)
    assert (found.kind, found.use, found.role) == (CodeKind.ANALYTE, Use.COND, role)


@pytest.mark.parametrize(("analyte", "code"), pairs(NEVER_READ))
def test_a_code_that_is_never_read(analyte, code):
    found = meaning(code)
    assert (found.kind, found.use) == (CodeKind.EXCLUDED, Use.EXCLUDE)
    assert found.analyte == Analyte(analyte)
    assert not any(code in TERMINOLOGY.codes_of(group) for group in DataGroup)


@pytest.mark.parametrize(("finding", "code"), pairs(SMEAR))
def test_a_code_of_a_blood_film_finding(finding, code):
    found = meaning(code)
    assert (found.kind, SmearSet(found.target)) == (CodeKind.SMEAR, finding)


def test_analyser_flags_are_told_from_findings_of_a_person():
    flags = {code for _, code in pairs(SMEAR) if not meaning(code).smear}
    assert flags == {"15154-8", "34200-6", "34199-0", "40741-1", "38910-6"}


def test_hypersegmented_neutrophils_in_percent_are_present_from_five():
    from_five = {code for _, code in pairs(SMEAR) if meaning(code).present_from_percent == 5}
    assert from_five == {"30450-1", "767-4"}
    assert meaning("11281-3").role is Role.AUER_RODS


@pytest.mark.parametrize("code", NARRATIVES.split())
def test_a_code_of_a_narrative(code):
    assert meaning(code).kind is CodeKind.NARRATIVE
    assert (meaning(code).role is Role.BLOOD_ONLY) == (code == "59465-5")


@pytest.mark.parametrize(("test", "code"), pairs(SEROLOGY))
def test_a_code_of_an_infection_or_autoantibody(test, code):
    found = meaning(code)
    assert (found.kind, SerologyTest(found.target)) == (CodeKind.SEROLOGY, test)
    assert (found.role is Role.PANEL) == (code in ("83101-6", "85037-0"))


@pytest.mark.parametrize(("target", "code"), pairs(PREGNANCY))
def test_a_code_about_pregnancy(target, code):
    assert (meaning(code).kind, meaning(code).target) == (CodeKind.PREGNANCY, target)


@pytest.mark.parametrize("code", MARROW.split())
def test_a_code_of_a_marrow_result(code):
    """Marrow blasts, 11150-0, are a marrow result and never blood blasts."""
    assert meaning(code).kind is CodeKind.MARROW
    assert meaning(code).analyte is None
    assert code not in TERMINOLOGY.codes_of(DataGroup.DIFFERENTIAL)


@pytest.mark.parametrize("code", PANELS.split())
def test_a_code_of_a_panel(code):
    assert meaning(code).kind is CodeKind.PANEL
    assert meaning(code).groups


def test_no_code_is_in_the_vocabulary_that_the_definition_does_not_name():
    tables = (READ, IN_A_ROLE, NEVER_READ, SMEAR, SEROLOGY, PREGNANCY)
    named = {code for table in tables for _, code in pairs(table)}
    named |= set(f"{NARRATIVES} {MARROW} {PANELS}".split())
    assert set(TERMINOLOGY.loinc) == named


@pytest.mark.parametrize(
    "codes",
    [
        ["804-5", "6690-2", "26464-8", "49498-9"],
        ["753-4", "751-8", "26499-4"],
        ["778-1", "97995-5", "777-3", "26515-7", "74464-9", "49497-1", "5907-1"],
        ["747-6", "30445-1", "30367-7"],
        ["33855-8", "30376-8", "34926-6"],
    ],
)
def test_methods_of_the_counts_rank_as_rule_a7_says(codes):
    ranks = [meaning(code).method_rank for code in codes]
    assert ranks == sorted(set(ranks))


@pytest.mark.parametrize(
    "system", ["http://loinc.org", "https://loinc.org", "urn:oid:2.16.840.1.113883.6.1"]
)
def test_loinc_is_read_in_its_three_spellings(system):
    assert TERMINOLOGY.meaning_of(system, " 718-7 ") is meaning("718-7")


@pytest.mark.parametrize("system", ["", "http://snomed.info/sct", "http://hospital.example/codes"])
def test_a_code_of_another_system_has_no_meaning(system):
    assert TERMINOLOGY.meaning_of(system, "718-7") is None


def test_an_unknown_loinc_code_has_no_meaning():
    assert TERMINOLOGY.meaning_of(LOINC, "2345-7") is None


@pytest.mark.parametrize(
    ("group", "some", "others"),
    [
        (DataGroup.BLOOD_COUNTS, "718-7 6690-2 777-3 787-2 4544-3 58410-2 57021-8", "751-8 2498-4"),
        (DataGroup.DIFFERENTIAL, "751-8 30451-9 763-3 770-8 764-1 26446-5 58413-6", "718-7"),
        (DataGroup.SMEAR, "44017-2 15154-8 18314-5 59465-5 34994-4 58407-8", "26446-5"),
        (DataGroup.IRON_STUDIES, "2498-4 2500-7 2501-5 2502-3 3034-6 2276-4 50190-8", "2132-9"),
        (DataGroup.VITAMIN_B12, "2132-9 2284-8 2283-0 13964-2 13965-9 15039-1", "72160-5"),
        (DataGroup.HEMOLYSIS, "2532-0 1975-2 1968-7 1971-1 4542-7 4679-7 50262-5", "1742-6"),
        (DataGroup.KIDNEY_FUNCTION, "2160-0 98979-8 48642-3 24323-8 24321-2", "24325-3"),
        (DataGroup.LIVER_FUNCTION, "1742-6 1920-8 6768-6 2324-2 1988-5 24323-8 24325-3", "2160-0"),
        (DataGroup.TEMPERATURE, "8310-5 8331-1 8332-9", "718-7"),
        (DataGroup.SEROLOGY, "56888-1 85037-0 5195-3 31444-3", "82810-3"),
        (DataGroup.PREGNANCY, "82810-3 2118-8 11778-8 49051-6", "56888-1"),
        (DataGroup.MARROW_RESULTS, "33721-2 11150-0", "44017-2"),
    ],
)  # fmt: skip
def test_what_is_searched_for_a_group_of_data(group, some, others):
    codes = TERMINOLOGY.codes_of(group)
    assert set(some.split()) <= set(codes)
    assert not set(others.split()) & set(codes)
    assert len(codes) == len(set(codes))


def test_every_code_that_is_read_is_searched_for():
    searched = {code for group in DataGroup for code in TERMINOLOGY.codes_of(group)}
    usable = {c for c, found in TERMINOLOGY.loinc.items() if found.kind is not CodeKind.EXCLUDED}
    assert searched == usable


def test_groups_of_the_chart_hold_no_laboratory_codes():
    assert TERMINOLOGY.codes_of(DataGroup.CONDITIONS) == ()


def test_the_shipped_resources_are_conceptmaps_and_observation_definitions():
    kinds = [resource.get_resource_type() for resource in knowledge_resources()]
    assert kinds.count("ObservationDefinition") == 37
    assert kinds.count("ConceptMap") == 7


def test_every_target_of_a_conceptmap_is_in_its_code_system():
    systems = {
        resource.url: {concept.code for concept in resource.concept}
        for resource in knowledge_resources()
        if resource.get_resource_type() == "CodeSystem"
    }
    for resource in knowledge_resources():
        if isinstance(resource, ConceptMap):
            for group in resource.group:
                used = {target.code for element in group.element for target in element.target}
                assert used <= systems[group.target]


def test_no_code_stands_twice_in_one_conceptmap():
    for resource in knowledge_resources():
        if isinstance(resource, ConceptMap):
            codes = [element.code for element in resource.group[0].element]
            assert len(codes) == len(set(codes))


def test_every_loinc_code_has_a_right_check_digit():
    for code in TERMINOLOGY.loinc:
        number, digit = code.split("-")
        doubled = str(int(number[::-2][::-1]) * 2)
        total = sum(map(int, doubled)) + sum(map(int, number[-2::-2]))
        assert (10 - total % 10) % 10 == int(digit), code


def test_definitions_agree_with_their_resources():
    resources = [r for r in knowledge_resources() if isinstance(r, ObservationDefinition)]
    for resource in resources:
        definition = TERMINOLOGY.definition(Analyte(resource.identifier[0].value))
        assert definition.name == resource.code.text
        assert definition.precision == resource.quantitativeDetails.decimalPrecision


def test_without_a_sites_mappings_nothing_is_orderable_and_no_local_code_is_known():
    assert TERMINOLOGY.orderable("ferritin") is None
    assert TERMINOLOGY.local_codes_of(DataGroup.BLOOD_COUNTS) == ()
