"""Paragraphs of single findings that depend on the patient (clinical-definition 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, SmearMethod
from service.interpreter.formatting import counted, day, listed, sentence, with_unit
from service.interpreter.interpretation import (
    B12State,
    CellLine,
    CellLineState,
    FindingIndicator,
    IronState,
    Overlay,
)
from service.interpreter.logic import above, at_least, below
from service.interpreter.rules.criteria.chemistry import IRON_ANALYTES
from service.interpreter.rules.texts.urgent_causes import microangiopathy_evidence
from service.interpreter.stated_limits import stated

if TYPE_CHECKING:
    from service.interpreter.rules.criteria.criterion import Case

"""From here only the text changes (clinical-definition 2.3)."""


def severe_limits(case: Case) -> str:
    """Say which severe limits were crossed."""
    limits = case.situation.limits
    names = {
        Analyte.HEMOGLOBIN: f"hemoglobin below {limits.hgb_severe} g/dL",
        Analyte.NEUTROPHILS: f"neutrophils below {limits.anc_severe} ×10⁹/L",
        Analyte.LEUKOCYTES: f"leukocytes below {limits.wbc_severe} ×10⁹/L, no neutrophil count",
        Analyte.PLATELETS: f"platelets below {limits.plt_severe} ×10⁹/L",
    }
    crossed = [
        f"{names[result.analyte]} ({with_unit(result)}, {day(result.taken)})"
        for result in case.situation.severe.results
        if result.analyte in names
    ]
    return f"Severe limit crossed: {listed(crossed)}." if crossed else ""


def fever_values(case: Case) -> str:
    """Name the count and the temperature or the Condition that fired neutropenic-fever."""
    parts = []
    white = case.situation.states.lines.get(CellLine.WHITE)
    if white and white.result:
        name = sentence(white.result.analyte.words)
        parts.append(f"{name} {with_unit(white.result)} ({day(white.result.taken)})")
    highest = case.situation.fever.highest
    if highest:
        when = f"{highest.taken:%H:%M} on {day(highest.taken)}"
        parts.append(f"temperature {with_unit(highest)} at {when}")
    if case.situation.history.febrile_neutropenia:
        parts.append("febrile neutropenia on the problem list")
    return f"{', '.join(parts)}." if parts else ""


def blast_evidence(case: Case) -> str:
    """Say where the blasts were reported and what makes the finding critical or not."""
    blasts = case.situation.blasts
    numbers = [f"{with_unit(result)} ({day(result.taken)})" for result in blasts.number]
    films = [
        f"{'blood film' if finding.method is SmearMethod.FILM else 'report'} of "
        f"{day(finding.taken)}"
        for finding in blasts.findings
    ]
    found = listed([*numbers, *films])
    text = f"Reported: {found}." if found else ""
    if case.overlays.get(Overlay.CIRCULATING_BLASTS) is FindingIndicator.WARNING:
        text += (
            " The number is small and fewer than two lines are low: the film decides before"
            " anything else is done."
        )
    return text.strip()


def b12_degree(case: Case) -> str:
    """Say how high B12 is: `markedly` only from 1000 pg/mL and above the laboratory's limit."""
    result = case.situation.selected.get(Analyte.VITAMIN_B12)
    state = case.situation.states.b12
    if result is None or state not in {B12State.ELEVATED, B12State.MARKED}:
        return ""
    degree = "markedly elevated" if state is B12State.MARKED else "elevated"
    text = f"Vitamin B12 is {degree} ({with_unit(result)}, {day(result.taken)})."
    if at_least(result, case.situation.limits.b12_very_high):
        text += (
            " A value this far above the range deserves an explanation of its own: a myeloid"
            " neoplasm, a solid tumor, liver or kidney disease, or treatment with B12."
        )
    return text


def iron_sentence(case: Case) -> str:
    """One sentence for the iron state of pancytopenia-high-b12."""
    return {
        IronState.HIGH_SATURATION: (
            "Transferrin saturation is high: ineffective erythropoiesis or earlier transfusions "
            "are possible."
        ),
        IronState.CHRONIC_DISEASE: "The iron pattern fits inflammation or liver disease.",
        IronState.LOW_INDETERMINATE: (
            "Iron or saturation is low without proof of deficiency: ferritin is needed."
        ),
        IronState.PARTIAL: "Iron studies are incomplete: complete them.",
        IronState.MISSING: "Iron studies are missing: they are part of the work-up.",
        IronState.CONFOUNDED: (
            "Iron studies cannot be relied on so soon after red cells or intravenous iron."
        ),
    }.get(case.situation.states.iron, "")


def iron_criterion(case: Case) -> str:
    """Say by which criterion iron deficiency is shown."""
    limits, selected = case.situation.limits, case.situation.selected
    ferritin = selected.get(Analyte.FERRITIN)
    if below(ferritin, limits.ferritin_deficient) and ferritin:
        return (
            f"Iron deficiency is shown by ferritin {with_unit(ferritin)}, below "
            f"{limits.ferritin_deficient} ng/mL."
        )
    values = [
        f"{analyte.words} {with_unit(selected[analyte])}"
        for analyte in IRON_ANALYTES
        if analyte in selected and analyte is not Analyte.FERRITIN
    ]
    return (
        "Iron deficiency is shown by a raised TIBC with low iron or saturation "
        f"({', '.join(values)})."
    )


def third_line(case: Case) -> str:
    """State the line that is not low."""
    for fact in case.situation.states.lines.values():
        if fact.state is not CellLineState.LOW and fact.result:
            name = sentence(counted(fact))
            return f"{name}, the third line: {with_unit(fact.result)} ({day(fact.result.taken)})."
    return ""


def many_leukocytes(case: Case) -> str:
    """Say how many leukocytes there are when they are many."""
    leukocytes = case.situation.selected.get(Analyte.LEUKOCYTES)
    if leukocytes is None or not above(leukocytes, case.situation.limits.wbc_bicytopenia):
        return ""
    return f"Leukocytes {with_unit(leukocytes)} ({day(leukocytes.taken)})."


def unknown_line(case: Case) -> str:
    """Name the line that is not known, and why."""
    for line, fact in case.situation.states.lines.items():
        if fact.state is CellLineState.UNKNOWN:
            why = fact.why or "not measured together with the others"
            text = f"{sentence(counted(fact))}: {why}."
            if line is CellLine.PLATELETS and case.situation.smear.platelet_clumps:
                text += " Repeat in a citrate tube and estimate platelets on the film."
            return text
    return ""


def known_disorder(case: Case) -> str:
    """Name the disorder that silenced everything else, and what is new."""
    names = listed(each.display for each in case.situation.history.known_disorder)
    return f"Recorded: {names}." if names else ""


def what_is_new(case: Case) -> str:
    """Name the new values of a patient with a known disorder."""
    news = case.situation.disorder_news
    parts = [blast_evidence(case)] if news.blasts else []
    if news.severe:
        counts = listed(
            f"{each.analyte.words} {with_unit(each)} ({day(each.taken)})" for each in news.severe
        )
        before = stated("{severe_before:days}", windows=case.situation.windows)
        parts.append(f"Severe, and not so in the {before} days before: {counts}.")
    if news.pancytopenia:
        lines = case.situation.states.lines.values()
        counts = listed(
            f"{counted(fact)} {with_unit(fact.result)} ({day(fact.result.taken)})"
            for fact in lines
            if fact.result
        )
        parts.append(
            stated(
                "All three lines are low, and were not together from "
                "{pancytopenia_before_from:days} to {pancytopenia_before_until:days} days before: ",
                windows=case.situation.windows,
            )
            + f"{counts}."
        )
    return " ".join(part for part in parts if part)


def chemotherapy_given(case: Case) -> str:
    """Name the treatment and how long ago it was."""
    names = listed(
        getattr(each, "name", "") or getattr(each, "display", "")
        for each in case.situation.history.chemotherapy
    )
    return f"Recorded treatment: {names}." if names else ""


def stale_history(case: Case) -> str:
    """List B12 and iron as history, without a pattern."""
    selected = case.situation.selected
    values = [
        f"{analyte.words} {with_unit(selected[analyte])} ({day(selected[analyte].taken)})"
        for analyte in (Analyte.VITAMIN_B12, *IRON_ANALYTES)
        if analyte in selected
    ]
    return f"Results from around that time: {', '.join(values)}." if values else ""


def child_evidence(case: Case) -> str:
    """Say what raised concern about a child."""
    situation = case.situation
    lines = situation.states.lines
    parts = []
    if situation.counts.pediatric_low:
        parts.append(
            "Low by the laboratory's flag or range, or by the floor for children: "
            f"{listed(counted(lines[CellLine(line)]) for line in situation.counts.pediatric_low)}."
        )
    if situation.blasts.present:
        parts.append(blast_evidence(case))
    if situation.severe.present:
        parts.append(severe_limits(case))
    if situation.schistocytes_with_low_platelets:
        parts.append(microangiopathy_evidence(case))
    return " ".join(part for part in parts if part)


def pregnancy_lines(case: Case) -> str:
    """Say which trimester was assumed for the hemoglobin limit."""
    trimester = case.situation.trimester
    known = {1: "first", 2: "second", 3: "third"}.get(trimester or 0)
    if known:
        return f"{sentence(known)} trimester."
    return f"Trimester not known: limit {case.situation.limits.hgb_pregnant} g/dL used."


def prior_deficiency(case: Case) -> str:
    """Name the evidence of B12 deficiency and when treatment began."""
    first = case.situation.chemistry.b12_first_given
    since = f"B12 first given {day(first)}. " if first else ""
    evidence = listed(case.situation.chemistry.b12_prior_deficiency)
    return f"{since}Evidence of deficiency: {evidence}." if evidence else since.strip()


def folate_is_low(case: Case) -> str:
    """Mention a low folate when another finding applies."""
    result = case.situation.selected.get(Analyte.FOLATE)
    if result is None or case.situation.chemistry.folate.value != "LOW":
        return ""
    return (
        f"Folate is low too ({with_unit(result)}): exclude B12 deficiency before folate is given "
        "alone."
    )
