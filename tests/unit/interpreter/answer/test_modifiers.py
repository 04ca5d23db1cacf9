"""What the modifiers M1 to M15 change and say (clinical-definition 3.5)."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.context import ExistingOrder, Sex, ValueSetName
from fhir_mappings.panel import Analyte, Flag, Note, SerologyResult, SerologyTest, SmearSet
from service.interpreter.interpret import interpret
from service.interpreter.interpretation import FindingIndicator, Interpretation
from tests.support.changing import replace
from tests.support.facts import (
    NOW,
    ago,
    condition,
    count,
    facts,
    medication,
    on_smear,
    procedure,
    result,
)

PAN = count(8.9, 1.1, 84, 2.4)
IRON = [
    result(Analyte.IRON, "95"),
    result(Analyte.IRON_BINDING_CAPACITY, "310"),
    result(Analyte.TRANSFERRIN_SATURATION, "30.6"),
]
HIGH = [*PAN, *IRON, result(Analyte.VITAMIN_B12, "1480")]
NORMAL_B12 = [*PAN, *IRON, result(Analyte.VITAMIN_B12, "450")]
FEVER = {"context": {"conditions": (condition(ValueSetName.NIGHT_SWEATS),)}}


def answer(results: list[Any], **more: Any) -> Interpretation:
    return interpret(facts(results, **more), NOW)


def text(given: Interpretation) -> str:
    found = [given.overlay, given.finding]
    return " ".join(line for each in found if each for line in each.paragraphs)


def ids(given: Interpretation) -> set[str]:
    return {each.id for each in given.modifiers}


def indicator(given: Interpretation) -> FindingIndicator:
    assert given.finding is not None
    return given.finding.indicator


@pytest.mark.parametrize(
    ("results", "finding", "expected"),
    [
        (HIGH, "pancytopenia-high-b12", "critical"),
        (NORMAL_B12, "b12-function-unknown", "critical"),
        (PAN, "incomplete-workup", "critical"),
        ([*PAN, *IRON, result(Analyte.VITAMIN_B12, "110")], "pancytopenia-low-b12", "warning"),
        ([*NORMAL_B12, result(Analyte.FOLATE, "2")], "folate-deficiency", "warning"),
        (
            [*count(9.5, 3.0, 70), result(Analyte.VITAMIN_B12, "1700")],
            "bicytopenia-high-b12",
            "critical",
        ),
        ([*count(9.5, 3.0, 70), result(Analyte.VITAMIN_B12, "110")], "bicytopenia-low-b12", "info"),
    ],
)
def test_constitutional_symptoms_raise_only_the_findings_that_m3_names(
    results: list[Any], finding: str, expected: str
) -> None:
    given = answer(results, **FEVER)
    assert given.finding is not None
    assert given.finding.id == finding
    assert given.finding.indicator == expected
    assert ("M3" in ids(given)) is (expected == "critical")


def test_a_laboratorys_critical_flag_raises_info_to_warning_with_three_low_lines() -> None:
    flagged = [replace(PAN[0], flag=Flag.CRITICALLY_LOW), *PAN[1:]]
    treated = {
        "context": {
            "medications": (medication(ValueSetName.B12_MEDICATION, first=7, last=7),),
            "conditions": (condition(ValueSetName.B12_DEFICIENCY),),
        }
    }
    assert indicator(answer([*PAN, *HIGH[3:]], **treated)) is FindingIndicator.INFO
    assert indicator(answer([*flagged, *IRON, HIGH[-1]], **treated)) is FindingIndicator.WARNING


def test_schistocytes_with_low_platelets_make_any_card_critical() -> None:
    given = answer(HIGH, smear=(on_smear(SmearSet.SCHISTOCYTES),))
    assert indicator(given) is FindingIndicator.CRITICAL
    assert "Schistocytes: exclude TTP/HUS/DIC today." in text(given)


def test_schistocytes_without_low_platelets_only_add_the_sentence() -> None:
    given = answer(
        [*count(8.9, 1.1, 220), result(Analyte.VITAMIN_B12, "500")],
        smear=(on_smear(SmearSet.SCHISTOCYTES),),
    )
    assert indicator(given) is FindingIndicator.INFO
    assert "TTP" in text(given)


def test_drugs_are_named_with_their_class_the_most_dangerous_first() -> None:
    drugs = (
        replace(
            medication(ValueSetName.MARROW_SUPPRESSIVE_DRUGS, active=True),
            name="phenytoin",
            drug_class="anticonvulsant",
        ),
        replace(
            medication(ValueSetName.MARROW_SUPPRESSIVE_DRUGS, active=True),
            name="methotrexate",
            drug_class="antimetabolite",
        ),
    )
    said = text(answer(NORMAL_B12, context={"medications": drugs}))
    assert "methotrexate (antimetabolite) and phenytoin (anticonvulsant)" in said
    assert "review or hold today" in said
    assert "emergency" in said


def test_an_existing_referral_is_escalated_when_counts_are_severe() -> None:
    referral = ExistingOrder(
        frozenset({"hematology-referral"}),
        frozenset({ValueSetName.HEMATOLOGY_REFERRALS}),
        "active",
        ago(40),
    )
    given = answer([*count(8.9, 0.3, 84), *IRON], context={"orders": (referral,)})
    assert given.overlay is not None
    assert "Escalate the existing referral now." in " ".join(given.overlay.paragraphs)
    assert "hematology-referral" not in {order.order for order in given.orders}


def test_a_marrow_that_was_done_is_named_with_its_date() -> None:
    done = {"context": {"procedures": (procedure(ValueSetName.MARROW_PROCEDURES, days=20),)}}
    said = text(answer(HIGH, **done))
    assert "Marrow on 26 May 2026: review the result." in said


@pytest.mark.parametrize(
    ("results", "context", "sentence"),
    [
        (
            HIGH,
            {"conditions": (condition(ValueSetName.LIVER_DISEASE),)},
            "Liver disease can raise B12",
        ),
        (
            [*HIGH, result(Analyte.GLOMERULAR_FILTRATION_RATE, "40")],
            {},
            "Reduced kidney function can raise B12 (eGFR 40",
        ),
        (
            HIGH,
            {"conditions": (condition(ValueSetName.SPLENOMEGALY),)},
            "hypersplenism is possible",
        ),
        (
            HIGH,
            {"conditions": (condition(ValueSetName.COPPER_DEFICIENCY),)},
            "Copper may be lacking (copper-deficiency), which can look like a myelodysplastic",
        ),
        (
            HIGH,
            {"medications": (medication(ValueSetName.GRANULOCYTE_GROWTH_FACTOR, first=3, last=3),)},
            "may raise neutrophils or cause a few immature cells",
        ),
    ],
)
def test_a_modifier_says_what_it_means(
    results: list[Any], context: dict[str, Any], sentence: str
) -> None:
    assert sentence in text(answer(results, context=context))


def test_growth_factor_does_not_downgrade_blasts() -> None:
    context = {
        "medications": (medication(ValueSetName.GRANULOCYTE_GROWTH_FACTOR, first=3, last=3),)
    }
    given = answer(
        [*count(9.0, 3.0, 60), result(Analyte.BLAST_PERCENT, "6")],
        context=context,
    )
    assert given.overlay is not None
    assert given.overlay.indicator is FindingIndicator.CRITICAL
    assert "that does not make blasts less urgent" in " ".join(given.overlay.paragraphs)


def test_a_masked_line_and_spoiled_iron_studies_are_said() -> None:
    context = {"procedures": (procedure(ValueSetName.RED_CELL_TRANSFUSION, days=2),)}
    said = text(answer([*count(12.4, 1.0, 60), *IRON, HIGH[-1]], context=context))
    assert "anemia may be masked" in said
    assert "iron studies are unreliable" in said


def test_a_positive_serology_is_named_as_a_known_cause() -> None:
    positive = (SerologyResult(SerologyTest.HIV, True, ago(100)),)
    given = answer(HIGH, serology=positive)
    assert "M11" in ids(given)
    assert "HIV infection positive" in text(given)


def test_leukocytes_alone_are_said_to_hide_the_neutrophils() -> None:
    given = answer([*count(8.9, None, 84, 3.2), *IRON, HIGH[-1]])
    assert "M15" in ids(given)
    assert "Leukopenia, ANC not available" in text(given)


@pytest.mark.parametrize(
    ("results", "sentence"),
    [
        ([*count(8.9, 0.8, 84), result(Analyte.BODY_TEMPERATURE, "38.4", 0.3)], "the same day"),
        ([*HIGH, result(Analyte.LACTATE_DEHYDROGENASE, "1400")], "high cell turnover; malignancy"),
        (
            [
                *PAN,
                result(Analyte.VITAMIN_B12, "110"),
                result(Analyte.LACTATE_DEHYDROGENASE, "900"),
            ],
            "fits megaloblastic anemia",
        ),
        ([*HIGH, result(Analyte.MEAN_CORPUSCULAR_VOLUME, "94")], "does not exclude MDS"),
        ([*HIGH, result(Analyte.RETICULOCYTES, "30")], "production failure"),
        ([*count(8.9, 1.9, 84, 3.1), HIGH[-1]], "Leukopenia with preserved ANC."),
        (count(9.0, 1.2, 200), "Duffy-null"),
        (
            [*NORMAL_B12, result(Analyte.METHYLMALONATE, "0.6")],
            "does not prove B12 deficiency: measure creatinine",
        ),
        (
            [
                *NORMAL_B12,
                result(Analyte.METHYLMALONATE, "0.2"),
                result(Analyte.HOMOCYSTEINE, "22"),
            ],
            "folate deficiency, hypothyroidism or kidney disease",
        ),
    ],
)
def test_the_blood_picture_is_put_in_words(results: list[Any], sentence: str) -> None:
    assert sentence in text(answer(results))


def test_an_elevated_b12_is_called_marked_only_from_1000() -> None:
    said = text(answer([*PAN, *IRON, result(Analyte.VITAMIN_B12, "999")]))
    assert "B12 is elevated" in said
    assert "markedly" not in said
    assert "markedly elevated" in text(answer(HIGH))
    assert "explanation of its own" in text(answer([*PAN, result(Analyte.VITAMIN_B12, "1500")]))


def test_the_hemoglobin_limit_of_the_other_sex_is_named_when_it_would_decide() -> None:
    unknown = text(answer(count(12.5, 1.1, 84), sex=Sex.UNKNOWN))
    assert "low in a man" in unknown
    assert "sex at birth used" in text(answer(count(12.5, 1.1, 84), sex=Sex.MALE))


def test_a_laboratory_that_calls_a_low_count_normal_is_contradicted() -> None:
    flagged = [replace(PAN[0], flag=Flag.NORMAL), *PAN[1:]]
    assert "marks as normal what lies below" in text(answer(flagged))


def test_contradicting_and_band_counts_are_said() -> None:
    conflict = [replace(PAN[0], notes=frozenset({Note.CONFLICT})), *PAN[1:]]
    assert "contradict each other; the lower is used" in text(answer(conflict))
    bands = [PAN[0], replace(PAN[1], notes=frozenset({Note.ANC_BANDS})), *PAN[2:]]
    given = answer(bands)
    assert "band forms" in text(given)
    assert "cbc-differential" in {order.order for order in given.orders}


def test_no_card_ever_speaks_of_a_probability_or_makes_a_diagnosis() -> None:
    for results in (HIGH, NORMAL_B12, PAN, [*PAN, result(Analyte.VITAMIN_B12, "110")]):
        said = text(answer(results)).lower()
        assert "probability" not in said
        assert "%" not in said.replace("30.6 %", "")
        assert "diagnosis is" not in said
