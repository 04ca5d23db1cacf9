"""Two stages give exactly the cards that fetching everything gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.context import (
    ClinicalContext,
    Encounter,
    Medication,
    MedicationDraft,
    MedicationKind,
    Procedure,
    Sex,
    ValueSetName,
)
from fhir_mappings.panel import (
    Analyte,
    DataGroup,
    Flag,
    LabResult,
    PregnancyObservation,
    Reason,
    SmearMethod,
    SmearSet,
    Unreadable,
)
from service.interpreter.assessment.assess import assess_opening
from service.interpreter.interpret import interpret, interpret_closed, may_still_fire
from tests.support.changing import replace
from tests.support.facts import NOW, ago, condition, day, facts, on_smear, refused, result

if TYPE_CHECKING:
    from service.interpreter.interpretation import Facts, Interpretation

STAGE_1 = frozenset(
    {DataGroup.PATIENT, DataGroup.BLOOD_COUNTS, DataGroup.DIFFERENTIAL, DataGroup.SMEAR}
)
STAGE_2 = frozenset(DataGroup) - STAGE_1
DAYS = st.sampled_from([0.1, 1, 2.5, 3.5, 10, 20, 100])
VALUES = {
    Analyte.HEMOGLOBIN: ["6.5", "8.9", "10.4", "10.8", "12.5", "13.4", "<7"],
    Analyte.LEUKOCYTES: ["0.4", "0.9", "1.9", "3.9", "6.0", "35", "<1.0"],
    Analyte.NEUTROPHILS: ["0.3", "0.5", "0.9", "1.6", "1.79", "4.0", "<0.5"],
    Analyte.PLATELETS: ["12", "45", "84", "99", "120", "240", "<20"],
    Analyte.MEAN_CORPUSCULAR_VOLUME: ["95", "112"],
    Analyte.IRON: ["30", "54", "95"],
    Analyte.IRON_BINDING_CAPACITY: ["190", "262", "480"],
    Analyte.FERRITIN: ["8", "180", "20000"],
    Analyte.VITAMIN_B12: ["110", "300", "500", "1480", ">2000"],
    Analyte.FOLATE: ["2.0", "9"],
    Analyte.METHYLMALONATE: ["0.2", "0.6", "3.2"],
    Analyte.GLOMERULAR_FILTRATION_RATE: ["25", "85"],
    Analyte.BODY_TEMPERATURE: ["36.8", "38.6"],
    Analyte.BLAST_PERCENT: ["0", "2", "8", "<5"],
}
COUNTS = (Analyte.HEMOGLOBIN, Analyte.LEUKOCYTES, Analyte.NEUTROPHILS, Analyte.PLATELETS)


@st.composite
def lab_results(draw: st.DrawFn) -> list[LabResult]:
    found = []
    common = draw(DAYS)
    for analyte, values in VALUES.items():
        always = analyte in COUNTS and draw(st.integers(0, 9)) > 0
        if always or draw(st.booleans()):
            lows = {Analyte.HEMOGLOBIN: "10.2", Analyte.NEUTROPHILS: "1.5"}
            low = lows.get(analyte) if draw(st.booleans()) else None
            flag = draw(st.sampled_from([None, Flag.LOW, Flag.CRITICALLY_LOW, Flag.NORMAL]))
            days = common if draw(st.integers(0, 5)) else draw(DAYS)
            found.append(result(analyte, draw(st.sampled_from(values)), days, low=low, flag=flag))
    return found


CONDITION_SETS = st.sampled_from(
    [
        ValueSetName.HEMATOLOGIC_MALIGNANCY,
        ValueSetName.HOSPICE_CARE,
        ValueSetName.PREGNANCY_STATE,
        ValueSetName.NIGHT_SWEATS,
        ValueSetName.B12_DEFICIENCY,
        ValueSetName.SPLENOMEGALY,
        ValueSetName.FEBRILE_NEUTROPENIA,
        ValueSetName.HISTORY_OF_HEMATOLOGIC_MALIGNANCY,
    ]
)
PROCEDURES = st.sampled_from(
    [
        ValueSetName.RED_CELL_TRANSFUSION,
        ValueSetName.PLATELET_TRANSFUSION,
        ValueSetName.MARROW_PROCEDURES,
        ValueSetName.HOSPICE_CARE,
        ValueSetName.CHEMOTHERAPY_PROCEDURES,
    ]
)
MEDICINES = st.sampled_from(
    [
        ValueSetName.MYELOSUPPRESSIVE_CHEMOTHERAPY,
        ValueSetName.B12_MEDICATION,
        ValueSetName.MARROW_SUPPRESSIVE_DRUGS,
    ]
)


@st.composite
def contexts(draw: st.DrawFn) -> ClinicalContext:
    few = {"max_size": 2}
    return ClinicalContext(
        conditions=tuple(condition(each) for each in draw(st.lists(CONDITION_SETS, **few))),
        medications=tuple(
            Medication(
                frozenset({each}),
                each.value,
                MedicationKind.ADMINISTRATION,
                active=False,
                first=day(5),
                last=day(5),
            )
            for each in draw(st.lists(MEDICINES, **few))
        ),
        procedures=tuple(
            Procedure(frozenset({each}), each.value, "completed", ago(2))
            for each in draw(st.lists(PROCEDURES, **few))
        ),
        encounters=(Encounter("IMP", "in-progress", ago(2), None),) if draw(st.booleans()) else (),
        drafts=draw(
            st.sampled_from(
                [
                    (),
                    (MedicationDraft("1", frozenset({ValueSetName.B12_MEDICATION}), "B12", True),),
                    (MedicationDraft("2", frozenset({ValueSetName.IRON_MEDICATION}), "Fe", False),),
                ]
            )
        ),
    )


@st.composite
def whole_charts(draw: st.DrawFn) -> Facts:
    refusals: tuple[Unreadable, ...] = ()
    if draw(st.integers(0, 4)) == 0:
        analyte = draw(st.sampled_from([*COUNTS, Analyte.IRON, Analyte.VITAMIN_B12]))
        reason = draw(st.sampled_from([Reason.UNIT, Reason.IMPLAUSIBLE, Reason.STATUS]))
        refusals = (refused(analyte, draw(DAYS), reason),)
    films = ()
    if draw(st.integers(0, 3)) == 0:
        films = (
            on_smear(
                draw(st.sampled_from(list(SmearSet))),
                draw(st.sampled_from([True, False, None])),
                draw(DAYS),
                draw(st.sampled_from(list(SmearMethod))),
            ),
        )
    pregnancy = (PregnancyObservation(True, ago(20)),) if draw(st.integers(0, 3)) == 0 else ()
    made = facts(
        draw(lab_results()),
        age=draw(st.sampled_from([67, 29, 9, None])),
        sex=draw(st.sampled_from(list(Sex))),
        unreadable=refusals,
        smear=films,
        pregnancy=pregnancy,
    )
    return replace(made, context=draw(contexts()))


def first_stage(whole: Facts) -> Facts:
    """What is known before the second stage is fetched; drafts come with the call."""
    panel = replace(
        whole.panel,
        results={
            analyte: results
            for analyte, results in whole.panel.results.items()
            if analyte.group in STAGE_1
        },
        unreadable=tuple(
            each
            for each in whole.panel.unreadable
            if each.analyte and each.analyte.group in STAGE_1
        ),
        serology=(),
        marrow=(),
        pregnancy=(),
    )
    return replace(
        whole,
        panel=panel,
        context=ClinicalContext(drafts=whole.context.drafts),
        unavailable=STAGE_2,
    )


def shown(answer: Interpretation) -> list[object]:
    findings = [answer.overlay, *answer.lower_overlays, answer.finding, answer.data_quality]
    cards = [each for each in findings if each is not None and each.has_card]
    return [*cards, *answer.order_findings, *answer.orders]


@settings(max_examples=150, deadline=None)
@given(whole_charts())
def test_when_nothing_can_fire_any_more_the_whole_chart_gives_no_card(whole: Facts) -> None:
    early = first_stage(whole)
    if may_still_fire(early, NOW):
        return
    assert shown(interpret(whole, NOW)) == []
    answer = interpret(early, NOW)
    assert shown(answer) == []
    assert answer.undecided_groups == frozenset()
    closed = interpret_closed(assess_opening(early, NOW))
    assert shown(closed) == []
    assert closed.undecided_groups == frozenset()
    assert closed.set_aside == answer.set_aside


def test_a_pregnancy_still_to_be_found_keeps_a_patient_of_unknown_age_open() -> None:
    counts = [
        result(Analyte.HEMOGLOBIN, "10.4", 1, low="10.2"),
        result(Analyte.NEUTROPHILS, "4.0", 1),
        result(Analyte.PLATELETS, "240", 1),
    ]
    early = facts(counts, age=None, unavailable=STAGE_2)
    assert may_still_fire(early, NOW)
    pregnant = replace(early.panel, pregnancy=(PregnancyObservation(True, ago(20)),))
    assert shown(interpret(replace(early, panel=pregnant, unavailable=frozenset()), NOW))


@settings(max_examples=100, deadline=None)
@given(whole_charts())
def test_whether_anybody_asks_why_changes_nothing_but_the_explanation(whole: Facts) -> None:
    asked, unasked = interpret(whole, NOW), interpret(whole, NOW, explained=False)
    assert replace(asked, explanation=unasked.explanation) == unasked


@settings(max_examples=150, deadline=None)
@given(whole_charts())
def test_every_chart_is_interpreted_within_the_limits_of_a_card(whole: Facts) -> None:
    for one in (whole, first_stage(whole)):
        answer = interpret(one, NOW)
        assert answer.explanation.sentence
        for each in shown(answer):
            summary = getattr(each, "summary", "x")
            assert 0 < len(summary) < 140
            assert "{" not in summary
        proposed = [order.order for order in answer.orders]
        assert len(proposed) == len(set(proposed))
        assert not set(proposed) & {order.order for order in answer.withheld}


@settings(max_examples=150, deadline=None)
@given(whole_charts(), st.sampled_from(sorted(STAGE_2)))
def test_no_test_is_proposed_whose_result_may_exist_unseen(whole: Facts, hidden: DataGroup) -> None:
    orders = {
        DataGroup.IRON_STUDIES: {"iron-tibc", "ferritin"},
        DataGroup.VITAMIN_B12: {"vitamin-b12", "folate", "methylmalonic-acid", "homocysteine"},
        DataGroup.HEMOLYSIS: {"ldh", "reticulocytes", "bilirubin-total", "bilirubin-direct"},
        DataGroup.SEROLOGY: {"hiv-screen", "antinuclear-antibody", "intrinsic-factor-antibody"},
        DataGroup.DIAGNOSTIC_REPORTS: {"ultrasound-abdomen", "ct-abdomen-pelvis"},
        DataGroup.KIDNEY_FUNCTION: {"metabolic-panel"},
        DataGroup.LIVER_FUNCTION: {"metabolic-panel", "crp"},
    }
    answer = interpret(replace(whole, unavailable=frozenset({hidden})), NOW)
    assert not {each.order for each in answer.orders} & orders.get(hidden, set())
