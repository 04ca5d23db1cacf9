"""Value sets of clinical-definition 5: what belongs in each, and what only looks like it."""

from __future__ import annotations

import pytest

from fhir_mappings.context import ValueSetName
from fhir_mappings.r4.decoding import Coding
from fhir_mappings.vocabulary.value_sets import (
    display_of,
    in_value_set,
    sets_of,
    value_sets,
    value_sets_of,
)
from tests.support.context import ATC, ICD9CM, ICD10, ICD10CM, ICD10GM, LOINC, RXNORM, SNOMED

S = ValueSetName

MEMBERS = [
    (S.HEMATOLOGIC_MALIGNANCY, SNOMED, "91861009"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10CM, "C92.00"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10CM, "C92.02"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10CM, "D46.9"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10CM, "D47.4"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10CM, "D47.Z9"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10CM, "D75.81"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10CM, "C79.52"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10CM, "C90.10"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10CM, "C84.7A"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10, "C92.0"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10, "C90.1"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD9CM, "203.00"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD9CM, "205.02"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD9CM, "238.75"),
    (S.HEMATOLOGIC_MALIGNANCY_IN_REMISSION, ICD10CM, "C92.01"),
    (S.HEMATOLOGIC_MALIGNANCY_IN_REMISSION, ICD10CM, "C92.A1"),
    (S.HEMATOLOGIC_MALIGNANCY_IN_REMISSION, ICD10CM, "C83.3A"),
    (S.HEMATOLOGIC_MALIGNANCY_IN_REMISSION, ICD10CM, "C84.7B"),
    (S.HEMATOLOGIC_MALIGNANCY_IN_REMISSION, ICD10CM, "C88.01"),
    (S.HEMATOLOGIC_MALIGNANCY_IN_REMISSION, ICD9CM, "203.01"),
    (S.MARROW_FAILURE, SNOMED, "306058006"),
    (S.MARROW_FAILURE, ICD10CM, "D61.89"),
    (S.MARROW_FAILURE, ICD10CM, "D61.9"),
    (S.MARROW_FAILURE, ICD10, "D61.3"),
    (S.MARROW_FAILURE, ICD9CM, "284.09"),
    (S.MARROW_FAILURE, ICD9CM, "288.4"),
    (S.STEM_CELL_TRANSPLANT, SNOMED, "58390007"),
    (S.STEM_CELL_TRANSPLANT, ICD10CM, "Z94.84"),
    (S.STEM_CELL_TRANSPLANT, ICD10CM, "T86.09"),
    (S.STEM_CELL_TRANSPLANT, ICD9CM, "V42.81"),
    (S.CHEMOTHERAPY_CONDITIONS, SNOMED, "328301000119102"),
    (S.CHEMOTHERAPY_CONDITIONS, ICD10CM, "D61.810"),
    (S.CHEMOTHERAPY_CONDITIONS, ICD9CM, "284.11"),
    (S.DRUG_INDUCED_PANCYTOPENIA, SNOMED, "736024007"),
    (S.DRUG_INDUCED_PANCYTOPENIA, ICD10CM, "D61.811"),
    (S.DRUG_INDUCED_PANCYTOPENIA, ICD9CM, "284.12"),
    (S.CHEMOTHERAPY_PROCEDURES, SNOMED, "367336001"),
    (S.CHEMOTHERAPY_PROCEDURES, ICD10CM, "Z51.11"),
    (S.CHEMOTHERAPY_PROCEDURES, ICD10, "Z51.1"),
    (S.CHEMOTHERAPY_PROCEDURES, ICD9CM, "V58.11"),
    (S.HOSPICE_CARE, SNOMED, "385763009"),
    (S.PALLIATIVE_CARE, SNOMED, "103735009"),
    (S.PALLIATIVE_CARE, ICD10CM, "Z51.5"),
    (S.PALLIATIVE_CARE, ICD9CM, "V66.7"),
    (S.MARROW_PROCEDURES, SNOMED, "234326005"),
    (S.MARROW_PROCEDURES, SNOMED, "56241004"),
    (S.HEMATOLOGY_REFERRALS, SNOMED, "183567007"),
    (S.HEMATOLOGY_REFERRALS, SNOMED, "307063001"),
    (S.HEMATOLOGY_ENCOUNTERS, SNOMED, "394803006"),
    (S.RED_CELL_TRANSFUSION, SNOMED, "116863004"),
    (S.RED_CELL_TRANSFUSION, SNOMED, "116859006"),
    (S.PLATELET_TRANSFUSION, SNOMED, "12719002"),
    (S.PLATELET_TRANSFUSION, SNOMED, "116859006"),
    (S.LIVER_DISEASE, SNOMED, "235856003"),
    (S.LIVER_DISEASE, ICD10CM, "K75.81"),
    (S.LIVER_DISEASE, ICD9CM, "571.5"),
    (S.PORTAL_HYPERTENSION, SNOMED, "34742003"),
    (S.PORTAL_HYPERTENSION, ICD10CM, "K70.31"),
    (S.PORTAL_HYPERTENSION, ICD9CM, "572.3"),
    (S.CHRONIC_KIDNEY_DISEASE, SNOMED, "433144002"),
    (S.CHRONIC_KIDNEY_DISEASE, ICD10CM, "N18.32"),
    (S.CHRONIC_KIDNEY_DISEASE, ICD9CM, "585.6"),
    (S.SPLENOMEGALY, SNOMED, "16294009"),
    (S.SPLENOMEGALY, ICD10CM, "R16.1"),
    (S.SPLENOMEGALY, ICD9CM, "789.2"),
    (S.FEVER, SNOMED, "386661006"),
    (S.FEVER, ICD10CM, "R50.81"),
    (S.FEVER, ICD9CM, "780.60"),
    (S.FEBRILE_NEUTROPENIA, SNOMED, "409089005"),
    (S.NIGHT_SWEATS, SNOMED, "42984000"),
    (S.NIGHT_SWEATS, ICD10CM, "R61"),
    (S.NIGHT_SWEATS, ICD9CM, "780.8"),
    (S.WEIGHT_LOSS, SNOMED, "448765001"),
    (S.WEIGHT_LOSS, ICD10CM, "R63.4"),
    (S.WEIGHT_LOSS, ICD9CM, "783.21"),
    (S.B12_DEFICIENCY, SNOMED, "84027009"),
    (S.B12_DEFICIENCY, ICD10CM, "D51.0"),
    (S.B12_DEFICIENCY, ICD9CM, "266.2"),
    (S.HIV_INFECTION, SNOMED, "86406008"),
    (S.HIV_INFECTION, ICD10CM, "B20"),
    (S.HIV_INFECTION, ICD10, "B24"),
    (S.HIV_INFECTION, ICD9CM, "042"),
    (S.VIRAL_HEPATITIS, SNOMED, "66071002"),
    (S.VIRAL_HEPATITIS, ICD10CM, "B18.2"),
    (S.VIRAL_HEPATITIS, ICD9CM, "070.70"),
    (S.HEPATITIS_B, SNOMED, "61977001"),
    (S.HEPATITIS_B, ICD10CM, "B16.9"),
    (S.HEPATITIS_B, ICD9CM, "070.32"),
    (S.HEPATITIS_C, SNOMED, "128302006"),
    (S.HEPATITIS_C, ICD10CM, "B19.20"),
    (S.HEPATITIS_C, ICD9CM, "070.54"),
    (S.AUTOIMMUNE_DISEASE, SNOMED, "69896004"),
    (S.AUTOIMMUNE_DISEASE, ICD10CM, "M05.79"),
    (S.AUTOIMMUNE_DISEASE, ICD9CM, "714.0"),
    (S.LUPUS, SNOMED, "55464009"),
    (S.LUPUS, ICD10CM, "M32.10"),
    (S.LUPUS, ICD9CM, "710.0"),
    (S.PREGNANCY_STATE, SNOMED, "77386006"),
    (S.PREGNANCY_STATE, ICD10CM, "Z3A.20"),
    (S.NEVER_SUPPRESS, SNOMED, "277577000"),
    (S.NEVER_SUPPRESS, SNOMED, "363346000"),
    (S.HISTORY_OF_HEMATOLOGIC_MALIGNANCY, ICD10CM, "Z85.6"),
    (S.HISTORY_OF_HEMATOLOGIC_MALIGNANCY, ICD10CM, "Z85.72"),
    (S.HISTORY_OF_HEMATOLOGIC_MALIGNANCY, ICD10CM, "C92.01"),
    (S.HISTORY_OF_HEMATOLOGIC_MALIGNANCY, ICD9CM, "V10.61"),
    (S.COPPER_DEFICIENCY, ICD10CM, "E61.0"),
    (S.ALCOHOL_USE_DISORDER, SNOMED, "66590003"),
    (S.ALCOHOL_USE_DISORDER, ICD10CM, "F10.20"),
    (S.ALCOHOL_USE_DISORDER, ICD10GM, "F10.2"),
    (S.ALCOHOL_USE_DISORDER, ICD9CM, "303.90"),
    (S.ALCOHOL_USE_DISORDER, ICD9CM, "305.0"),
    (S.GASTRIC_SURGERY_MALABSORPTION, SNOMED, "26452005"),
    (S.GASTRIC_SURGERY_MALABSORPTION, ICD10CM, "Z98.84"),
    (S.GASTRIC_SURGERY_MALABSORPTION, ICD10CM, "K90.0"),
    (S.GASTRIC_SURGERY_MALABSORPTION, ICD9CM, "V45.86"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10GM, "C92.00"),
    (S.HEMATOLOGIC_MALIGNANCY, "http://fhir.de/CodeSystem/dimdi/icd-10-gm", "D46.2"),
    (S.HEMATOLOGIC_MALIGNANCY, "http://hl7.org/fhir/sid/icd-10-am", "C83.3"),
    (S.HEMATOLOGIC_MALIGNANCY, "http://hl7.org/fhir/sid/icd-10-ca", "C90.0"),
    (S.HEMATOLOGIC_MALIGNANCY_IN_REMISSION, ICD10GM, "C92.01"),
    (S.HEMATOLOGIC_MALIGNANCY_IN_REMISSION, ICD10CM, "C83.3A"),
    (S.HEMATOLOGIC_MALIGNANCY_IN_REMISSION, ICD10CM, "C88.01"),
    (S.MARROW_FAILURE, ICD9CM, "284.81"),
    (S.MARROW_FAILURE, ICD9CM, "284.89"),
    (S.HIV_INFECTION, ICD10GM, "B22"),
    (S.PREGNANCY_STATE, ICD10, "Z35.9"),
    (S.PREGNANCY_STATE, ICD10, "Z33"),
    (S.AGRANULOCYTOSIS_DRUGS, RXNORM, "2626"),
    (S.AGRANULOCYTOSIS_DRUGS, ATC, "H03BB01"),
    (S.AGRANULOCYTOSIS_DRUGS, ATC, "N02BB02"),
    (S.HEPARIN_MEDICATION, ATC, "B01AB05"),
    (S.MYELOSUPPRESSIVE_CHEMOTHERAPY, ATC, "L01BC05"),
    (S.MYELOSUPPRESSIVE_CHEMOTHERAPY, ATC, "l01fd04"),
    (S.MARROW_SUPPRESSIVE_DRUGS, ATC, "L01BA01"),
    (S.B12_MEDICATION, ATC, "B03BA03"),
    (S.INTRAVENOUS_IRON, ATC, "B03AC"),
    (S.MYELOSUPPRESSIVE_CHEMOTHERAPY, RXNORM, "40048"),
    (S.MARROW_SUPPRESSIVE_DRUGS, RXNORM, "6851"),
    (S.B12_MEDICATION, RXNORM, "11248"),
    (S.IRON_MEDICATION, RXNORM, "24947"),
    (S.GRANULOCYTE_GROWTH_FACTOR, RXNORM, "68442"),
    (S.ERYTHROPOIETIN_THROMBOPOIETIN_AGENTS, RXNORM, "105694"),
    (S.ZINC_MEDICATION, RXNORM, "39954"),
    (S.IMAGING_ULTRASOUND_ABDOMEN, SNOMED, "45036003"),
    (S.IMAGING_ULTRASOUND_ABDOMEN, LOINC, "24558-9"),
    (S.IMAGING_CT_ABDOMEN_PELVIS, SNOMED, "419394006"),
]

LOOK_ALIKES = [
    (S.HEMATOLOGIC_MALIGNANCY, ICD10CM, "D75.82", "heparin-induced thrombocytopenia"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10CM, "D75.821", "heparin-induced thrombocytopenia"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10CM, "D47.2", "monoclonal gammopathy"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10CM, "C79.51", "bone metastasis"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10CM, "C92.01", "in remission"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD9CM, "205.01", "in remission"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD9CM, "199.1", "solid cancer"),
    (S.HEMATOLOGIC_MALIGNANCY, SNOMED, "363346000", "cancer, not said which"),
    (S.HEMATOLOGIC_MALIGNANCY, SNOMED, "277577000", "monoclonal gammopathy"),
    (S.HEMATOLOGIC_MALIGNANCY, SNOMED, "918610099", "a longer number"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD9CM, "C92.00", "another system's code"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10CM, "203.00", "another system's code"),
    (S.HEMATOLOGIC_MALIGNANCY, "", "C92.00", "no system"),
    (S.HEMATOLOGIC_MALIGNANCY, "urn:oid:2.16.840.1.113883.6.104", "2001", "a procedure"),
    (S.HEMATOLOGIC_MALIGNANCY_IN_REMISSION, ICD10CM, "C90.1", "plasma cell leukemia itself"),
    (S.HEMATOLOGIC_MALIGNANCY_IN_REMISSION, ICD10CM, "C92.02", "in relapse"),
    (S.HEMATOLOGIC_MALIGNANCY_IN_REMISSION, ICD10CM, "C84.7A", "lymphoma of the breast"),
    (S.HEMATOLOGIC_MALIGNANCY_IN_REMISSION, ICD9CM, "203.02", "in relapse"),
    (S.MARROW_FAILURE, ICD10CM, "D61.818", "the finding itself"),
    (S.MARROW_FAILURE, ICD10CM, "D61.810", "due to chemotherapy"),
    (S.MARROW_FAILURE, ICD10, "D61.9", "where ICD-10 indexes pancytopenia"),
    (S.MARROW_FAILURE, ICD9CM, "284.19", "pancytopenia"),
    (S.STEM_CELL_TRANSPLANT, ICD10CM, "Z94.0", "kidney transplant"),
    (S.CHEMOTHERAPY_CONDITIONS, ICD10CM, "D61.811", "other drugs"),
    (S.CHEMOTHERAPY_CONDITIONS, ICD10CM, "D70.2", "other drugs"),
    (S.DRUG_INDUCED_PANCYTOPENIA, ICD10CM, "D61.810", "chemotherapy"),
    (S.CHEMOTHERAPY_PROCEDURES, ICD10CM, "Z51.5", "palliative care"),
    (S.HOSPICE_CARE, ICD10CM, "Z51.5", "palliative care is not hospice"),
    (S.HOSPICE_CARE, SNOMED, "103735009", "palliative care is not hospice"),
    (S.PALLIATIVE_CARE, SNOMED, "385763009", "hospice"),
    (S.PALLIATIVE_CARE, ICD10CM, "Z51.81", "drug level monitoring"),
    (S.MARROW_PROCEDURES, SNOMED, "86273004", "any biopsy"),
    (S.HEMATOLOGY_REFERRALS, SNOMED, "306253008", "referral to a doctor"),
    (S.HEMATOLOGY_ENCOUNTERS, SNOMED, "394802001", "general medicine"),
    (S.RED_CELL_TRANSFUSION, SNOMED, "12719002", "platelets"),
    (S.PLATELET_TRANSFUSION, SNOMED, "71493000", "packed red cells"),
    (S.LIVER_DISEASE, ICD10CM, "K76.0", "fatty liver"),
    (S.PORTAL_HYPERTENSION, ICD10CM, "K70.10", "alcoholic hepatitis"),
    (S.CHRONIC_KIDNEY_DISEASE, ICD10CM, "N18.2", "stage 2"),
    (S.SPLENOMEGALY, ICD10CM, "R16.0", "hepatomegaly"),
    (S.FEVER, ICD10CM, "R50.2", "drug fever"),
    (S.FEBRILE_NEUTROPENIA, SNOMED, "165517008", "neutropenia"),
    (S.NIGHT_SWEATS, ICD10, "R61.0", "localized hyperhidrosis"),
    (S.WEIGHT_LOSS, ICD10CM, "R63.5", "weight gain"),
    (S.B12_DEFICIENCY, ICD10CM, "D52.0", "folate deficiency"),
    (S.HIV_INFECTION, ICD10CM, "B25.9", "cytomegalovirus"),
    (S.VIRAL_HEPATITIS, ICD10CM, "B15.9", "hepatitis A"),
    (S.HEPATITIS_B, ICD10CM, "B18.2", "hepatitis C"),
    (S.HEPATITIS_C, ICD10CM, "B18.1", "hepatitis B"),
    (S.AUTOIMMUNE_DISEASE, ICD10CM, "M07.60", "enteropathic arthropathy"),
    (S.LUPUS, ICD10CM, "M05.79", "rheumatoid arthritis"),
    (S.PREGNANCY_STATE, ICD10CM, "Z33.2", "termination"),
    (S.NEVER_SUPPRESS, SNOMED, "91861009", "leukemia"),
    (S.HISTORY_OF_HEMATOLOGIC_MALIGNANCY, ICD10CM, "Z85.3", "breast cancer"),
    (S.COPPER_DEFICIENCY, ICD10CM, "E61.1", "iron deficiency"),
    (S.ALCOHOL_USE_DISORDER, ICD10CM, "F10.21", "in remission"),
    (S.ALCOHOL_USE_DISORDER, ICD9CM, "303.93", "in remission"),
    (S.ALCOHOL_USE_DISORDER, ICD9CM, "305.03", "in remission"),
    (S.ALCOHOL_USE_DISORDER, ICD9CM, "305.1", "tobacco"),
    (S.GASTRIC_SURGERY_MALABSORPTION, ICD10CM, "Z90.4", "other organs"),
    (S.HEMATOLOGIC_MALIGNANCY, ICD10GM, "D75.81", "long codes are of ICD-10-CM"),
    (S.MARROW_FAILURE, ICD10GM, "D61.9", "where ICD-10 indexes pancytopenia"),
    (S.MARROW_FAILURE, ICD9CM, "284.8", "pancytopenia, before 2006"),
    (S.MARROW_FAILURE, ICD9CM, "284.1", "pancytopenia"),
    (S.CHEMOTHERAPY_CONDITIONS, ICD10, "D70.1", "not said by what"),
    (S.AGRANULOCYTOSIS_DRUGS, ATC, "N05AH03", "olanzapine"),
    (S.AGRANULOCYTOSIS_DRUGS, RXNORM, "6851", "methotrexate"),
    (S.HEPARIN_MEDICATION, ATC, "B01AC06", "aspirin"),
    (S.MYELOSUPPRESSIVE_CHEMOTHERAPY, ATC, "L01BA01", "methotrexate"),
    (S.MYELOSUPPRESSIVE_CHEMOTHERAPY, RXNORM, "6851", "methotrexate"),
    (S.MARROW_SUPPRESSIVE_DRUGS, RXNORM, "6387", "another drug, not azathioprine"),
    (S.B12_MEDICATION, RXNORM, "4511", "folic acid"),
    (S.IRON_MEDICATION, RXNORM, "39954", "zinc"),
    (S.INTRAVENOUS_IRON, RXNORM, "24947", "oral iron"),
    (S.GRANULOCYTE_GROWTH_FACTOR, RXNORM, "105694", "epoetin"),
    (S.ERYTHROPOIETIN_THROMBOPOIETIN_AGENTS, RXNORM, "68442", "filgrastim"),
    (S.ZINC_MEDICATION, RXNORM, "24947", "iron"),
    (S.IMAGING_ULTRASOUND_ABDOMEN, SNOMED, "419394006", "CT"),
    (S.IMAGING_CT_ABDOMEN_PELVIS, LOINC, "24558-9", "ultrasound"),
]


@pytest.mark.parametrize(("name", "system", "code"), MEMBERS)
def test_a_code_of_the_set_is_in_it(name, system, code):
    assert name in value_sets_of(system, code)


@pytest.mark.parametrize(("name", "system", "code", "what"), LOOK_ALIKES)
def test_a_look_alike_is_not_in_the_set(name, system, code, what):
    assert name not in value_sets_of(system, code), what


def test_every_set_has_a_member_and_a_look_alike_above():
    assert {row[0] for row in MEMBERS} == set(S)
    assert {row[0] for row in LOOK_ALIKES} == set(S)


@pytest.mark.parametrize("code", ["C92.00", "C9200", "c92.00", " C92.00 ", "c9200"])
def test_dots_case_and_blanks_do_not_matter_in_icd_codes(code):
    assert S.HEMATOLOGIC_MALIGNANCY in value_sets_of(ICD10CM, code)


@pytest.mark.parametrize(
    ("system", "code"),
    [
        ("urn:oid:2.16.840.1.113883.6.96", "91861009"),
        ("https://snomed.info/sct", "91861009"),
        ("http://snomed.info/sct/", "91861009"),
        ("http://snomed.info/sct/731000124108", "91861009"),
        ("urn:oid:2.16.840.1.113883.6.90", "C92.00"),
        ("2.16.840.1.113883.6.90", "C92.00"),
        ("urn:oid:2.16.840.1.113883.6.103", "203.00"),
        ("HTTP://HL7.org/fhir/sid/ICD-10-CM", "C92.00"),
    ],
)
def test_a_code_system_is_known_in_all_its_spellings(system, code):
    assert S.HEMATOLOGIC_MALIGNANCY in value_sets_of(system, code)


def test_no_code_that_must_never_suppress_is_in_a_set_that_does():
    suppressing = {
        S.HEMATOLOGIC_MALIGNANCY,
        S.MARROW_FAILURE,
        S.STEM_CELL_TRANSPLANT,
        S.CHEMOTHERAPY_CONDITIONS,
        S.CHEMOTHERAPY_PROCEDURES,
        S.HOSPICE_CARE,
    }
    for system, code in value_sets()[S.NEVER_SUPPRESS].concepts:
        assert not value_sets_of(system, code) & suppressing


def test_unverified_codes_are_not_shipped():
    shipped = {code for each in value_sets().values() for _, code in each.concepts}
    assert not shipped & {"5514", "3109", "1747556", "7005", "108290001", "419394000", "312581009"}


def test_every_snomed_code_has_a_valid_check_digit():
    codes = {
        code for each in value_sets().values() for system, code in each.concepts if system == SNOMED
    }
    assert len(codes) > 100
    assert [code for code in codes if not _verhoeff(code)] == []


def test_any_coding_of_a_concept_may_match():
    codings = [Coding("urn:local", "AML"), Coding(ICD10CM, "C92.00")]
    assert in_value_set(S.HEMATOLOGIC_MALIGNANCY, codings)
    assert S.HEMATOLOGIC_MALIGNANCY in sets_of(codings)
    assert sets_of([]) == frozenset()


def test_the_display_never_makes_a_member():
    assert sets_of([Coding("urn:local", "1", "Acute myeloid leukemia")]) == frozenset()


def test_a_code_is_named_by_its_value_set():
    assert display_of([Coding(SNOMED, "91861009")]) == "Acute myeloid leukemia"
    assert display_of([Coding(ICD10CM, "D46.9")]) == "Hematologic malignancy"


def _verhoeff(number: str) -> bool:
    multiply = [[0] * 10 for _ in range(10)]
    for a in range(10):
        for b in range(10):
            same = (a + b) % 5 if b < 5 else 5 + (a + b) % 5
            turned = 5 + (a - b) % 5 if b < 5 else (a - b) % 5
            multiply[a][b] = same if a < 5 else turned
    permute = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
    for row in range(2, 8):
        permute.append([permute[row - 1][permute[1][digit]] for digit in range(10)])
    check = 0
    for place, digit in enumerate(reversed(number)):
        check = multiply[check][permute[place % 8][int(digit)]]
    return check == 0
