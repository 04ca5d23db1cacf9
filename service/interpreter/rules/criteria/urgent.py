"""What makes a finding urgent: schistocytes, ferritin with fever, drugs, a child (3.2, 2.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, DataGroup, Note
from service.interpreter.assessment.situation import Freshness
from service.interpreter.formatting import shown
from service.interpreter.interpretation import CellLine, CellLineState
from service.interpreter.logic import all_of, any_of, at_least, below
from service.interpreter.rules.criteria.cell_lines import COUNT_GROUPS
from service.interpreter.rules.criteria.chemistry import is_open
from service.interpreter.rules.criteria.criterion import (
    Case,
    Criterion,
    all_criteria,
    any_criterion,
    judge,
)
from service.interpreter.rules.criteria.patient import (
    COUNTS_CURRENT,
    FEVER,
    NEUTROPHILS_BELOW_HALF,
)

if TYPE_CHECKING:
    from decimal import Decimal

    from fhir_mappings.panel import LabResult
    from service.interpreter.logic import Truth


def _platelets(case: Case) -> LabResult | None:
    fact = case.situation.states.lines.get(CellLine.PLATELETS)
    return fact.result if fact else None


def _platelets_seen(case: Case) -> str:
    result = _platelets(case)
    return shown(result) if result else "no count"


def _platelets_low_below(case: Case, limit: Decimal) -> Truth:
    fact = case.situation.states.lines.get(CellLine.PLATELETS)
    if fact is None:
        return None
    low: Truth = {CellLineState.LOW: True, CellLineState.UNKNOWN: None}.get(fact.state, False)
    return all_of(low, below(fact.result, limit))


def _known(case: Case, analyte: Analyte, truth: Truth) -> Truth:
    """What nobody measured is not beyond a limit; what is not available stays unknown."""
    if truth is not None:
        return truth
    return None if is_open(case.situation, analyte) else False


PLATELETS_LOW_BELOW_100 = Criterion(
    "platelets low and below {plt_microangiopathy}",
    lambda case: _platelets_low_below(case, case.situation.limits.plt_microangiopathy),
    _platelets_seen,
    COUNT_GROUPS,
    ("a usable platelet count",),
)
SCHISTOCYTES = Criterion(
    "schistocytes at most {schistocytes:days} days old",
    lambda case: (
        True
        if case.situation.smear.schistocytes
        else (None if DataGroup.SMEAR in case.situation.unavailable else False)
    ),
    decided_by_groups=frozenset({DataGroup.SMEAR}),
    decided_by=("a blood smear",),
)
MORE_THAN_LITTLE = Criterion(
    "more than occasional, rare, few or slight",
    lambda case: case.situation.smear.schistocytes_more_than_little,
)
PLATELETS_BELOW_50 = Criterion(
    "platelets below {plt_microangiopathy_hemolysis}",
    lambda case: _platelets_low_below(case, case.situation.limits.plt_microangiopathy_hemolysis),
    _platelets_seen,
)
HEMOLYSIS_SEEN = Criterion(
    "LDH raised or haptoglobin low",
    lambda case: any_of(
        _known(case, Analyte.LACTATE_DEHYDROGENASE, case.situation.chemistry.ldh_high),
        _known(case, Analyte.HAPTOGLOBIN, case.situation.chemistry.haptoglobin_low),
    ),
    decided_by_groups=frozenset({DataGroup.HEMOLYSIS}),
    decided_by=("LDH and haptoglobin",),
)
MICROANGIOPATHY = (
    COUNTS_CURRENT,
    PLATELETS_LOW_BELOW_100,
    SCHISTOCYTES,
    any_criterion(
        MORE_THAN_LITTLE,
        all_criteria(
            PLATELETS_BELOW_50,
            HEMOLYSIS_SEEN,
            text=(
                "platelets below {plt_microangiopathy_hemolysis} with LDH raised or haptoglobin low"
            ),
        ),
        text=(
            "more than occasional, rare, few or slight; or platelets below "
            "{plt_microangiopathy_hemolysis} with LDH raised or haptoglobin low"
        ),
    ),
)
"""When schistocytes raise concern for TTP, HUS or DIC, in an adult and in a child."""


def _ferritin(case: Case) -> Truth:
    ferritin = case.situation.urgent.recent_ferritin
    if ferritin is not None:
        return at_least(ferritin, case.situation.limits.ferritin_hlh)
    return _known(case, Analyte.FERRITIN, None)


FERRITIN_OF_HLH = Criterion(
    "ferritin of at least {ferritin_hlh} ng/mL at most {ferritin_with_fever:days} days old",
    _ferritin,
    lambda case: (
        shown(case.situation.urgent.recent_ferritin)
        if case.situation.urgent.recent_ferritin
        else "none"
    ),
    frozenset({DataGroup.IRON_STUDIES}),
    ("a usable ferritin",),
)
FEVER_OF_HLH = Criterion(
    "temperature of at least {fever} Cel in the last {temperature_with_ferritin:hours} hours, or "
    "active fever or febrile neutropenia",
    lambda case: any_of(
        case.situation.urgent.fever_with_ferritin.present,
        bool(case.situation.urgent.fever_recorded),
        bool(case.situation.history.febrile_neutropenia),
    ),
    decided_by_groups=frozenset({DataGroup.TEMPERATURE}),
    decided_by=("temperatures of the last 72 hours",),
)


def _neutrophils_under_drug(case: Case) -> Truth:
    neutrophils = case.situation.urgent.neutrophils_under_drug
    if neutrophils is None:
        return _known(case, Analyte.NEUTROPHILS, None)
    if Note.CONFLICT in neutrophils.notes:
        return False
    return below(neutrophils, case.situation.limits.anc_severe)


NEUTROPHILS_SEVERE = Criterion(
    "neutrophils themselves below {anc_severe}, undisputed, at most "
    "{neutrophils_under_drug:days} days old",
    _neutrophils_under_drug,
    lambda case: (
        shown(case.situation.urgent.neutrophils_under_drug)
        if case.situation.urgent.neutrophils_under_drug
        else "no count"
    ),
    COUNT_GROUPS,
    ("a usable neutrophil count",),
)
AGRANULOCYTOSIS_DRUG = Criterion(
    "a drug known for agranulocytosis taken now or within {agranulocytosis_drug:days} days",
    lambda case: bool(case.situation.urgent.agranulocytosis_drugs),
)


def child_is_hidden(case: Case) -> bool:
    """Whether a known disorder or chemotherapy explains a child's counts (3.1, steps 4 and 5)."""
    situation = case.situation
    treated = bool(situation.history.chemotherapy) and situation.freshness is not Freshness.STALE
    return bool(situation.history.known_disorder) or treated


def _child_case(case: Case) -> Truth:
    situation = case.situation
    hidden = child_is_hidden(case)
    silent = hidden or situation.freshness is Freshness.STALE
    return any_of(
        not silent and len(situation.counts.pediatric_low) >= 2,
        False if silent else microangiopathy_of_child(case),
        False if hidden else situation.blasts.present,
        fever_with_low_neutrophils(case),
    )


def microangiopathy_of_child(case: Case) -> Truth:
    """Return whether schistocytes make a child's case urgent as they do an adult's (2.5)."""
    return judge(MICROANGIOPATHY, case)


def fever_with_low_neutrophils(case: Case) -> Truth:
    """Return whether neutrophils are below 0.5 with fever (neutropenic-fever's own question)."""
    return all_of(NEUTROPHILS_BELOW_HALF.test(case), FEVER.test(case))


CHILD_CONCERN = Criterion(
    "two low lines by laboratory flags, ranges or floors, blasts, schistocytes with low platelets, "
    "or neutrophils below {anc_severe} with fever",
    _child_case,
    lambda case: f"{len(case.situation.counts.pediatric_low)} low lines",
    frozenset({DataGroup.TEMPERATURE}),
    ("temperatures of the last 24 hours",),
)
