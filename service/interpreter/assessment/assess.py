"""From facts to a situation: everything that a rule may ask, answered once.

All windows count from `now` and from the anchor, the newest blood count.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fhir_mappings.context import ValueSetName
from fhir_mappings.panel import Analyte, DataGroup, SmearSet
from service.interpreter import thresholds
from service.interpreter.assessment import b12_and_folate as states
from service.interpreter.assessment import existing_care as context_existing
from service.interpreter.assessment import hemolysis
from service.interpreter.assessment import history as context_windows
from service.interpreter.assessment.blasts import assess_blasts
from service.interpreter.assessment.blood_counts import assess_counts, count_lines
from service.interpreter.assessment.cell_lines import (
    assess_lines,
    pattern_of,
    platelets_before,
    red_cells_before,
)
from service.interpreter.assessment.disorder_news import disorder_news
from service.interpreter.assessment.earlier_counts import always_low, both_low_before, last_not_low
from service.interpreter.assessment.encounters import in_hospital_at
from service.interpreter.assessment.iron import iron_state, read_iron_studies
from service.interpreter.assessment.pregnancy import age_in_years, is_pregnant, trimester_of
from service.interpreter.assessment.selected_results import refused, select, selected_counts
from service.interpreter.assessment.situation import (
    Chemistry,
    Freshness,
    History,
    HospitalStay,
    Opening,
    Situation,
    Smear,
    Transfusions,
    UrgentEvidence,
)
from service.interpreter.assessment.smear import (
    is_little,
    schistocytes_with_low_platelets,
    standing,
    standing_clumps,
)
from service.interpreter.assessment.timeline import Timeline, newest_count
from service.interpreter.assessment.urgency import (
    assess_fever,
    assess_red_flags,
    assess_severe,
)
from service.interpreter.interpretation import CellLine, States
from service.interpreter.logic import above, below
from service.interpreter.windows import WINDOWS, Windows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from fhir_mappings.context import Medication
    from fhir_mappings.panel import LabResult
    from service.interpreter.assessment.iron import IronStudies
    from service.interpreter.interpretation import CellLineFact, Facts, FunctionState
    from service.interpreter.thresholds import Thresholds


def assess_opening(
    facts: Facts,
    now: datetime,
    limits: Thresholds | None = None,
    windows: Windows = WINDOWS,
) -> Opening:
    """Assess only what decides whether any rule could still fire. Takes what `assess` does."""
    chart = open_chart(facts, now, limits or thresholds.LIMITS, windows)
    lines = assess_lines(chart)
    return Opening(
        facts=chart.facts,
        now=chart.now,
        age=chart.age,
        child=chart.child,
        counts=count_lines(chart, lines),
        blasts=assess_blasts(chart),
        schistocytes_with_low_platelets=schistocytes_with_low_platelets(chart, lines),
        hospice=context_windows.hospice(chart),
        selected=selected_counts(chart),
        unreadable=refused(chart),
    )


def assess(
    facts: Facts,
    now: datetime,
    limits: Thresholds | None = None,
    windows: Windows = WINDOWS,
) -> Situation:
    """Assess one patient at `now` (timezone-aware). Raises nothing for any facts.

    `limits` are the clinical limits, `thresholds.LIMITS` unless given.
    """
    chart = open_chart(facts, now, limits or thresholds.LIMITS, windows)
    lines = assess_lines(chart)
    iron = read_iron_studies(chart)
    fever = assess_fever(chart, chart.windows.temperature)
    blasts = assess_blasts(chart)
    freshness = freshness_of(chart)
    selected = select(chart, iron, blasts, fever)
    treatment = context_windows.b12_medication(chart)
    function, renal = states.function_state(
        selected.get(Analyte.METHYLMALONATE), treatment[1], chart
    )
    chemistry = _chemistry(chart, selected, treatment, renal=renal)
    return Situation(
        facts=chart.facts,
        now=chart.now,
        age=chart.age,
        child=chart.child,
        counts=count_lines(chart, lines),
        blasts=blasts,
        schistocytes_with_low_platelets=schistocytes_with_low_platelets(chart, lines),
        hospice=context_windows.hospice(chart),
        states=_states(chart, lines, iron, selected, (function, renal)),
        freshness=freshness,
        anchor=chart.last_count,
        anchor_age_days=_age_days(chart),
        severe=assess_severe(lines, chart),
        disorder_news=disorder_news(chart, lines, blasts, current=freshness is Freshness.CURRENT),
        fever=fever,
        red_flags=assess_red_flags(chart, fever),
        selected=selected,
        unreadable=refused(chart),
        unknown=_unknown(chart),
        unavailable=chart.unavailable,
        pregnant=chart.pregnant,
        trimester=chart.trimester,
        limits=chart.limits,
        windows=chart.windows,
        quality=assess_counts(chart, lines),
        smear=_smear(chart, lines),
        chemistry=chemistry,
        urgent=_urgent_evidence(chart),
        stay=_stay(chart, lines),
        history=_history(chart),
        transfusions=_transfusions(chart, lines, iron),
    )


def open_chart(
    facts: Facts, now: datetime, limits: Thresholds, windows: Windows = WINDOWS
) -> Timeline:
    """Return the chart with its anchor, age and pregnancy."""
    age = age_in_years(facts.patient.birth_date, now)
    newest = newest_count(facts, now + windows.future)
    usable = newest is not None and now - newest <= windows.stale
    chart = Timeline(
        facts=facts,
        now=now,
        limits=limits,
        windows=windows,
        unavailable=facts.unavailable | facts.panel.unavailable,
        age=age,
        child=age is not None and age < limits.adult_age,
        anchor=newest if usable else None,
        last_count=newest,
    )
    if chart.child or not is_pregnant(chart):
        return replace(chart, pregnant=is_pregnant(chart))
    return replace(chart, pregnant=True, trimester=trimester_of(chart))


def freshness_of(chart: Timeline) -> Freshness:
    """Return current to 14 d, stale to 90 d, none after that or without a count."""
    if chart.anchor is None:
        return Freshness.NONE
    age = chart.now - chart.anchor
    return Freshness.CURRENT if age <= chart.windows.current else Freshness.STALE


def _unknown(chart: Timeline) -> frozenset[Analyte]:
    if not chart.unavailable:
        return frozenset()
    return frozenset(analyte for analyte in Analyte if chart.unknown(analyte))


def _age_days(chart: Timeline) -> int | None:
    if chart.last_count is None:
        return None
    return max((chart.now - chart.last_count).days, 0)


def _chemistry(
    chart: Timeline,
    selected: Mapping[Analyte, LabResult],
    treatment: tuple[tuple[Medication, ...], date | None],
    *,
    renal: bool,
) -> Chemistry:
    """`treatment` is the B12 medicine and its first day, `renal` what `function_state` tells."""
    limits = chart.limits
    medication, first_given = treatment
    mma = selected.get(Analyte.METHYLMALONATE)
    ldh = selected.get(Analyte.LACTATE_DEHYDROGENASE)
    return Chemistry(
        folate=states.folate_state(selected.get(Analyte.FOLATE), chart),
        reticulocytes=hemolysis.reticulocyte_state(chart),
        reticulocyte_index=hemolysis.reticulocyte_index(chart),
        homocysteine_high=states.homocysteine_raised(selected.get(Analyte.HOMOCYSTEINE), chart),
        ldh_high=hemolysis.ldh_raised(ldh, chart),
        ldh_marked=hemolysis.ldh_marked(ldh, chart),
        indirect_bilirubin_high=above(
            selected.get(Analyte.BILIRUBIN_INDIRECT), limits.bilirubin_indirect_high
        ),
        haptoglobin_low=below(selected.get(Analyte.HAPTOGLOBIN), limits.haptoglobin_low),
        mma_renal=renal,
        kidney_function_poor=states.kidney_poor(chart),
        liver_tests_high=context_windows.liver_tests_high(chart),
        b12_medication=medication,
        b12_first_given=first_given,
        b12_prior_deficiency=states.b12_deficiency_before(chart, first_given),
        mma_under_treatment=states.mma_under_treatment(mma, first_given, chart),
        mma_raised=states.mma_raised(mma, chart),
    )


_STATE_ANALYTES = tuple(
    analyte
    for analyte in thresholds.NAME_OF_LIMITS
    if analyte.group in {DataGroup.VITAMIN_B12, DataGroup.IRON_STUDIES}
)
"""What the states need beside the counts: the chemistry with a limit."""


def _states(
    chart: Timeline,
    lines: Mapping[CellLine, CellLineFact],
    iron: IronStudies,
    selected: Mapping[Analyte, LabResult],
    function: tuple[FunctionState, bool],
) -> States:
    counts = [fact.result for fact in lines.values() if fact.result is not None]
    used = [*counts, *(selected[item] for item in _STATE_ANALYTES if item in selected)]
    state, renal = function
    notes = [states.MMA_RENAL] if renal else []
    before = last_not_low(lines, chart)
    return States(
        lines=lines,
        pattern=pattern_of(lines),
        before=before,
        always_low=always_low(lines, before, chart),
        b12=states.b12_state(selected.get(Analyte.VITAMIN_B12), chart),
        iron=iron_state(iron, chart),
        function=state,
        used=tuple(used),
        notes=(*notes, *sorted({note.value for result in used for note in result.notes})),
    )


def _smear(chart: Timeline, lines: Mapping[CellLine, CellLineFact]) -> Smear:
    platelets = lines[CellLine.PLATELETS].result
    schistocytes = standing(chart, SmearSet.SCHISTOCYTES, chart.schistocytes_span)
    clumps = () if platelets is None else standing_clumps(chart, platelets.taken)
    return Smear(
        schistocytes=schistocytes,
        schistocytes_more_than_little=any(not is_little(each) for each in schistocytes),
        hypersegmented=standing(chart, SmearSet.HYPERSEGMENTED, chart.smear_span),
        platelet_clumps=clumps,
    )


def _urgent_evidence(chart: Timeline) -> UrgentEvidence:
    """Return what possible-hlh and drug-agranulocytosis rest on, each in its own window (2.4)."""
    windows, now = chart.windows, chart.now
    neutrophils = chart.since(now - windows.neutrophils_under_drug)
    return UrgentEvidence(
        recent_ferritin=chart.newest(
            Analyte.FERRITIN, chart.since(now - windows.ferritin_with_fever)
        ),
        fever_with_ferritin=assess_fever(chart, windows.temperature_with_ferritin),
        fever_recorded=chart.conditions(ValueSetName.FEVER),
        neutrophils_under_drug=chart.newest(Analyte.NEUTROPHILS, neutrophils),
        agranulocytosis_drugs=context_windows.agranulocytosis_drugs(chart),
        heparins=context_windows.heparins(chart),
    )


def _stay(chart: Timeline, lines: Mapping[CellLine, CellLineFact]) -> HospitalStay:
    """Return the hospital stay that counts: of the call, for old counts that at the anchor."""
    stale = freshness_of(chart) is Freshness.STALE
    moment = chart.anchor if stale and chart.anchor is not None else chart.now
    return HospitalStay(
        inpatient=in_hospital_at(chart, chart.now, now=True),
        inpatient_at_anchor=chart.anchor is not None
        and in_hospital_at(chart, chart.anchor, now=False),
        both_low_before=both_low_before(lines, chart, moment, now=not stale),
    )


def _history(chart: Timeline) -> History:
    chemotherapy, chemotherapy_days = context_windows.chemotherapy(chart)
    return History(
        palliative=context_windows.palliative(chart),
        known_disorder=context_windows.known_disorder(chart),
        chemotherapy=chemotherapy,
        chemotherapy_days=chemotherapy_days,
        marrow_suppressive=context_windows.marrow_suppressive(chart),
        drug_induced=context_windows.suppressing(chart, ValueSetName.DRUG_INDUCED_PANCYTOPENIA),
        hypersplenism=context_windows.hypersplenism(chart),
        splenomegaly=chart.conditions(ValueSetName.SPLENOMEGALY),
        liver_disease=chart.conditions(ValueSetName.LIVER_DISEASE),
        kidney_disease=chart.conditions(ValueSetName.CHRONIC_KIDNEY_DISEASE),
        growth_factors=context_windows.growth_factors(chart),
        zinc=context_windows.zinc(chart),
        copper_deficiency=chart.conditions(ValueSetName.COPPER_DEFICIENCY),
        copper_malabsorption=context_windows.copper_malabsorption(chart),
        alcohol=chart.conditions(ValueSetName.ALCOHOL_USE_DISORDER),
        secondary_causes=context_windows.secondary_causes(chart),
        febrile_neutropenia=chart.conditions(ValueSetName.FEBRILE_NEUTROPENIA),
        marrow_exists=context_existing.marrow_exists(chart),
        referral_exists=context_existing.referral_exists(chart),
    )


def _transfusions(
    chart: Timeline, lines: Mapping[CellLine, CellLineFact], iron: IronStudies
) -> Transfusions:
    hemoglobin, platelets = lines[CellLine.HEMOGLOBIN].result, lines[CellLine.PLATELETS].result
    red_cells = () if hemoglobin is None else red_cells_before(chart, hemoglobin)
    return Transfusions(
        red_cells_transfused=tuple(dict.fromkeys((*red_cells, *iron.red_cells))),
        platelets_transfused=() if platelets is None else platelets_before(chart, platelets),
        intravenous_iron=iron.intravenous_iron,
    )
