"""Worked examples at every limit: the value at the limit and the value one step beyond it.

For each limit of `thresholds` at least one example breaks when the limit moves one step up, and
one when it moves one step down. What an example looks at is named by its probe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fhir_mappings.context import Sex, ValueSetName
from fhir_mappings.panel import (
    Analyte,
    DataGroup,
    Flag,
    PregnancyObservation,
    SmearFinding,
    SmearMethod,
    SmearSet,
)
from service.interpreter.interpret import interpret
from service.interpreter.interpretation import CellLine, Interpretation
from tests.support.facts import NOW, ago, condition, facts, result, stay

if TYPE_CHECKING:
    from fhir_mappings.panel import LabResult

Probe = Callable[[Interpretation], object]
A = Analyte


@dataclass(frozen=True)
class Example:
    """One patient, what is looked at, and what clinical-definition says it is."""

    limit: str
    values: tuple[LabResult, ...]
    probe: Probe
    expected: object
    more: dict[str, Any]

    def holds(self) -> bool:
        """Whether the interpreter says what is expected."""
        return self.probe(interpret(facts(self.values, **self.more), NOW)) == self.expected


def line(which: CellLine) -> Probe:
    return lambda answer: answer.states.lines[which].state.value


def grade(which: CellLine) -> Probe:
    return lambda answer: answer.states.lines[which].grade.value


def b12(answer: Interpretation) -> object:
    return answer.states.b12.value


def iron(answer: Interpretation) -> object:
    return answer.states.iron.value


def function(answer: Interpretation) -> object:
    return answer.states.function.value


def finding(answer: Interpretation) -> object:
    return answer.finding.id if answer.finding else None


def indicator(answer: Interpretation) -> object:
    return answer.finding.indicator.value if answer.finding else None


def proposes(order: str) -> Probe:
    return lambda answer: order in {each.order for each in answer.orders}


def overlay(answer: Interpretation) -> object:
    return (answer.overlay.id, answer.overlay.indicator.value) if answer.overlay else None


def modifiers(answer: Interpretation) -> object:
    return tuple(each.id for each in answer.modifiers)


def says(fragment: str) -> Probe:
    def probe(answer: Interpretation) -> object:
        return bool(answer.finding) and fragment in " ".join(answer.finding.paragraphs)

    return probe


def values(**given: str) -> tuple[LabResult, ...]:
    return tuple(result(A[name.upper()], value) for name, value in given.items())


PANCYTOPENIA = {"hemoglobin": "8.9", "neutrophils": "1.1", "platelets": "84"}
NORMAL = {"hemoglobin": "13.5", "neutrophils": "4.0", "platelets": "240"}
NORMAL_IRON = {"iron": "95", "iron_binding_capacity": "310", "transferrin_saturation": "30.6"}
DECIDED = {**PANCYTOPENIA, **NORMAL_IRON, "vitamin_b12": "450"}
MAN = {"sex": Sex.MALE}
PREGNANT = {"age": 30, "context": {"conditions": (condition(ValueSetName.PREGNANCY_STATE),)}}
CHILD = {"age": 9}
INPATIENT = {"context": {"encounters": (stay(2),)}}

EXAMPLES: list[Example] = []


def pair(
    limit: str,
    base: dict[str, str],
    analyte: str,
    probe: Probe,
    first: tuple[str, object],
    second: tuple[str, object],
    without: str = "",
    **more: Any,
) -> None:
    """Two neighboring values of one analyte on the two sides of a limit."""
    for value, expected in (first, second):
        given = {name: each for name, each in base.items() if name not in without.split()}
        EXAMPLES.append(Example(limit, values(**{**given, analyte: value}), probe, expected, more))


HGB, WHITE, PLT = (line(each) for each in CellLine)
GRADE_HGB, GRADE_WHITE, GRADE_PLT = (grade(each) for each in CellLine)

# 2.1 lines
pair("hgb_male", NORMAL, "hemoglobin", HGB, ("12.9", "low"), ("13.0", "normal"), **MAN)
pair("hgb_other", NORMAL, "hemoglobin", HGB, ("11.9", "low"), ("12.0", "normal"))
pair("hgb_pregnant", NORMAL, "hemoglobin", HGB, ("10.9", "low"), ("11.0", "normal"), **PREGNANT)
pair("anc", NORMAL, "neutrophils", WHITE, ("1.7", "low"), ("1.8", "normal"))
pair("wbc", NORMAL, "leukocytes", WHITE, ("3.9", "low"), ("4.0", "normal"), "neutrophils")
pair("plt", NORMAL, "platelets", PLT, ("149", "low"), ("150", "normal"))
pair("plt_pregnant", NORMAL, "platelets", PLT, ("99", "low"), ("100", "normal"), **PREGNANT)

# 2.2 severity
pair(
    "hgb_severe",
    PANCYTOPENIA,
    "hemoglobin",
    overlay,
    ("6.9", ("severe-cytopenias", "critical")),
    ("7.0", None),
)
pair("hgb_moderate", PANCYTOPENIA, "hemoglobin", GRADE_HGB, ("9.9", "moderate"), ("10.0", "mild"))
pair(
    "anc_severe",
    PANCYTOPENIA,
    "neutrophils",
    overlay,
    ("0.4", ("severe-cytopenias", "critical")),
    ("0.5", None),
)
pair("anc_moderate", PANCYTOPENIA, "neutrophils", GRADE_WHITE, ("0.9", "moderate"), ("1.0", "mild"))
pair(
    "plt_severe",
    PANCYTOPENIA,
    "platelets",
    overlay,
    ("19", ("severe-cytopenias", "critical")),
    ("20", None),
)
pair("plt_moderate", PANCYTOPENIA, "platelets", GRADE_PLT, ("49", "moderate"), ("50", "mild"))
pair(
    "wbc_severe",
    PANCYTOPENIA,
    "leukocytes",
    overlay,
    ("0.4", ("severe-cytopenias", "critical")),
    ("0.5", None),
    "neutrophils",
)
pair(
    "wbc_moderate",
    {**NORMAL, "hemoglobin": "6.5"},
    "leukocytes",
    overlay,
    ("1.9", ("severe-cytopenias", "critical")),
    ("2.0", None),
    "neutrophils",
)
NEUTROPENIC = ("neutropenic-fever", "critical")


def fever_example(limit: str, expected: object, temperature: str, **given: str) -> None:
    found = [result(A[name.upper()], value) for name, value in given.items()]
    found.append(result(A.BODY_TEMPERATURE, temperature, 0.2))
    EXAMPLES.append(Example(limit, tuple(found), overlay, expected, {}))


fever_example("wbc_fever", NEUTROPENIC, "38.6", hemoglobin="13", leukocytes="0.9", platelets="240")
fever_example("wbc_fever", None, "38.6", hemoglobin="13", leukocytes="1.0", platelets="240")
fever_example("fever", NEUTROPENIC, "38.0", hemoglobin="13", neutrophils="0.4", platelets="240")
fever_example("fever", None, "37.9", hemoglobin="13", neutrophils="0.4", platelets="240")

# 2.3 iron
IRON_BASE = {**PANCYTOPENIA, "iron_binding_capacity": "262", "transferrin_saturation": "21"}
pair("iron_low", IRON_BASE, "iron", iron, ("59", "IDX"), ("60", "NORMAL"))
LOW_IRON = {**PANCYTOPENIA, "iron": "54", "transferrin_saturation": "18"}
pair("tibc_low", LOW_IRON, "iron_binding_capacity", iron, ("249", "ACD"), ("250", "IDX_B"))
pair("tibc_high", LOW_IRON, "iron_binding_capacity", iron, ("400", "IDX_B"), ("401", "ID_TRUE"))
TSAT_BASE = {**PANCYTOPENIA, "iron": "54", "iron_binding_capacity": "300"}
pair(
    "tsat_low", TSAT_BASE, "transferrin_saturation", iron, ("15", "LOWIRON_INDET"), ("16", "IDX_B")
)
pair("tsat_normal", TSAT_BASE, "transferrin_saturation", iron, ("19", "IDX_B"), ("20", "IDX"))
pair("tsat_high", TSAT_BASE, "transferrin_saturation", iron, ("45", "IDX"), ("46", "HIGH_SAT"))
pair("ferritin_deficient", DECIDED, "ferritin", iron, ("29", "ID_TRUE"), ("30", "NORMAL"))
REPLETE = {**TSAT_BASE, "transferrin_saturation": "12"}
pair("ferritin_replete", REPLETE, "ferritin", iron, ("99", "LOWIRON_INDET"), ("100", "ACD"))
FEVER = {"context": {"conditions": (condition(ValueSetName.FEVER),)}}
pair(
    "ferritin_hlh",
    DECIDED,
    "ferritin",
    overlay,
    ("9999", None),
    ("10000", ("possible-hlh", "critical")),
    **FEVER,
)

# 2.3 B12, MMA, homocysteine, folate
pair("b12_low", DECIDED, "vitamin_b12", b12, ("199", "LOW"), ("200", "BORDERLINE"))
pair("b12_normal", DECIDED, "vitamin_b12", b12, ("399", "BORDERLINE"), ("400", "NORMAL"))
pair("b12_high", DECIDED, "vitamin_b12", b12, ("900", "NORMAL"), ("901", "ELEVATED"))
pair("b12_marked", DECIDED, "vitamin_b12", b12, ("999", "ELEVATED"), ("1000", "MARKED"))
GOOD_KIDNEYS = {**DECIDED, "glomerular_filtration_rate": "85"}
POOR_KIDNEYS = {**DECIDED, "glomerular_filtration_rate": "25"}
pair("mma_high", GOOD_KIDNEYS, "methylmalonate", function, ("0.40", "NOTDEF"), ("0.41", "DEF"))
pair("mma_proof", DECIDED, "methylmalonate", function, ("0.75", "UNK"), ("0.76", "DEF"))
pair("mma_proof_any", POOR_KIDNEYS, "methylmalonate", function, ("2.0", "UNK"), ("2.1", "DEF"))
HCY = says("Homocysteine is raised with a normal MMA")
pair(
    "homocysteine_high",
    {**DECIDED, "methylmalonate": "0.2"},
    "homocysteine",
    HCY,
    ("15", False),
    ("16", True),
)
pair(
    "folate_low",
    DECIDED,
    "folate",
    finding,
    ("2.9", "folate-deficiency"),
    ("3.0", "b12-function-unknown"),
)
pair(
    "folate_normal", DECIDED, "folate", says("Folate is borderline"), ("3.9", True), ("4.0", False)
)

# 2.3 turnover
pair(
    "ldh_high", DECIDED, "lactate_dehydrogenase", says("LDH raised"), ("250", False), ("251", True)
)
pair(
    "ldh_marked",
    DECIDED,
    "lactate_dehydrogenase",
    says("LDH markedly"),
    ("1000", False),
    ("1001", True),
)
pair(
    "bilirubin_indirect_high",
    DECIDED,
    "bilirubin_indirect",
    says("direct bilirubin raised"),
    ("1.0", False),
    ("1.1", True),
)
pair("haptoglobin_low", DECIDED, "haptoglobin", says("aptoglobin low"), ("29", True), ("30", False))
FAILING, ANSWERING = says("production failure"), says("blood loss or hemolysis is possible")
pair("reticulocytes_low", DECIDED, "reticulocytes", FAILING, ("74", True), ("75", False))
pair("reticulocytes_adequate", DECIDED, "reticulocytes", ANSWERING, ("100", False), ("101", True))
INDEXED = {**DECIDED, "hemoglobin": "8.9", "hematocrit": "22.5"}  # index = % / 4
pair("rpi_low", INDEXED, "reticulocyte_percent", FAILING, ("7.9", True), ("8", False))
pair("rpi_adequate", INDEXED, "reticulocyte_percent", ANSWERING, ("12", False), ("12.1", True))
pair(
    "mcv_low", DECIDED, "mean_corpuscular_volume", says("small cells"), ("79", True), ("80", False)
)
pair(
    "mcv_high",
    DECIDED,
    "mean_corpuscular_volume",
    says("MDS, alcohol and drugs"),
    ("100", False),
    ("101", True),
)
pair(
    "mcv_megaloblastic",
    DECIDED,
    "mean_corpuscular_volume",
    says("strongly"),
    ("115", False),
    ("116", True),
)

# kidneys and liver
RAISED = {**DECIDED, "methylmalonate": "0.6"}
pair("egfr_poor", RAISED, "glomerular_filtration_rate", function, ("59", "UNK"), ("60", "DEF"))
CLEARLY_RAISED = {**DECIDED, "methylmalonate": "0.9"}
pair("creatinine_high", CLEARLY_RAISED, "creatinine", function, ("1.3", "DEF"), ("1.4", "UNK"))
pair(
    "transaminase_high",
    DECIDED,
    "alanine_aminotransferase",
    modifiers,
    ("119", ()),
    ("120", ("M8",)),
)

# blasts and nucleated red cells
pair(
    "blast_percent_critical",
    NORMAL,
    "blast_percent",
    overlay,
    ("4", ("circulating-blasts", "warning")),
    ("5", ("circulating-blasts", "critical")),
)
pair(
    "blasts_critical",
    NORMAL,
    "blasts",
    overlay,
    ("0.4", ("circulating-blasts", "warning")),
    ("0.5", ("circulating-blasts", "critical")),
)
pair("nrbc_ratio", DECIDED, "nucleated_red_cell_ratio", modifiers, ("0.9", ()), ("1", ("M2",)))

# 2.5 children
CHILD_NORMAL = {"hemoglobin": "12", "neutrophils": "3", "platelets": "90"}
CHILD_OF = {"hemoglobin": "12", "platelets": "90"}
pair("child_hgb", CHILD_NORMAL, "hemoglobin", finding, ("8.9", "pediatric"), ("9.0", None), **CHILD)
pair(
    "child_anc", CHILD_NORMAL, "neutrophils", finding, ("0.9", "pediatric"), ("1.0", None), **CHILD
)
pair("child_wbc", CHILD_OF, "leukocytes", finding, ("2.4", "pediatric"), ("2.5", None), **CHILD)
pair(
    "child_plt",
    {**CHILD_NORMAL, "neutrophils": "0.8"},
    "platelets",
    finding,
    ("99", "pediatric"),
    ("100", None),
    **CHILD,
)
for _age, _expected in ((17, "pediatric"), (18, "incomplete-workup")):
    EXAMPLES.append(Example("adult_age", values(**PANCYTOPENIA), finding, _expected, {"age": _age}))


def pregnancy_open(answer: Interpretation) -> object:
    """Whether pregnancy data that could not be had leave that row open."""
    outcomes = {each.id: each.outcome.value for each in answer.explanation.tried}
    return outcomes["pregnancy"]


for _age, _expected in ((59, "undecided"), (60, "false")):
    _hidden = {"age": _age, "unavailable": [DataGroup.PREGNANCY]}
    EXAMPLES.append(
        Example("pregnancy_age", values(**PANCYTOPENIA), pregnancy_open, _expected, _hidden)
    )

# 2.1 an older ANC, 2.4 blasts that are refuted
for _value, _state in (("0.9", "low"), ("1.0", "normal")):
    _older = result(A.NEUTROPHILS, _value, 2.5)
    _newer = (result(A.HEMOGLOBIN, "9.0", 0.5), result(A.LEUKOCYTES, "6.0", 0.5))
    EXAMPLES.append(Example("anc_overruled", (_older, *_newer), WHITE, _state, {}))
for _value, _overlay in (("0.9", ("circulating-blasts", "critical")), ("1.0", None)):
    _course = (
        *values(**NORMAL, leukocytes="6.0", blast_percent="0"),
        result(A.BLAST_PERCENT, "8", 9),
        result(A.BLAST_PERCENT, "0", 4),
        result(A.LEUKOCYTES, _value, 4),
    )
    EXAMPLES.append(Example("wbc_refuting", _course, overlay, _overlay, {}))

# 3.2 thrombotic-microangiopathy, 3.5 M3
MICROANGIOPATHY = ("thrombotic-microangiopathy", "critical")


def schistocytes(amount: str) -> dict[str, Any]:
    found = SmearFinding(SmearSet.SCHISTOCYTES, True, ago(1), SmearMethod.FILM, "800-3", amount)
    return {"smear": (found,)}


pair(
    "plt_microangiopathy",
    NORMAL,
    "platelets",
    overlay,
    ("99", MICROANGIOPATHY),
    ("100", None),
    **schistocytes("moderate"),
)
pair(
    "plt_microangiopathy_hemolysis",
    {**NORMAL, "lactate_dehydrogenase": "600"},
    "platelets",
    overlay,
    ("49", MICROANGIOPATHY),
    ("50", None),
    **schistocytes("rare"),
)
for _value, _indicator in (("0.9", "critical"), ("1.0", "warning")):
    _found = (
        *values(**{**DECIDED, "neutrophils": _value}),
        result(A.BODY_TEMPERATURE, "38.6", 0.2),
    )
    EXAMPLES.append(Example("anc_fever_inpatient", _found, indicator, _indicator, INPATIENT))

# 3.2 bicytopenia, outside a hospital stay
WHITE_LOW = {"hemoglobin": "10.8", "neutrophils": "1.4", "platelets": "240"}
NO_ANC = {"hemoglobin": "10.8", "platelets": "240"}
PLATELETS_LOW = {"hemoglobin": "10.8", "neutrophils": "4.0", "platelets": "140"}
SHOWN = "bicytopenia"
pair("hgb_bicytopenia", WHITE_LOW, "hemoglobin", finding, ("9.9", SHOWN), ("10.0", None))
pair("anc_bicytopenia", WHITE_LOW, "neutrophils", finding, ("0.9", SHOWN), ("1.0", None))
pair("wbc_alone_bicytopenia", NO_ANC, "leukocytes", finding, ("1.9", SHOWN), ("2.0", None))
pair("plt_bicytopenia", PLATELETS_LOW, "platelets", finding, ("99", SHOWN), ("100", None))
pair(
    "mcv_bicytopenia",
    PLATELETS_LOW,
    "mean_corpuscular_volume",
    finding,
    ("100", None),
    ("101", SHOWN),
)
MANY = {**PLATELETS_LOW, "neutrophils": "24"}
pair("wbc_bicytopenia", MANY, "leukocytes", finding, ("30", None), ("31", SHOWN))
DEEPER = {"hemoglobin": "9.5", "neutrophils": "4.0", "platelets": "240"}
pair(
    "anc_bicytopenia_warning", DEEPER, "neutrophils", indicator, ("0.9", "warning"), ("1.0", "info")
)
pair("plt_bicytopenia_warning", DEEPER, "platelets", indicator, ("49", "warning"), ("50", "info"))
HIGH_B12 = {**DEEPER, "vitamin_b12": "1500"}
pair(
    "anc_high_b12_warning", HIGH_B12, "neutrophils", indicator, ("0.9", "warning"), ("1.0", "info")
)
pair("plt_high_b12_warning", HIGH_B12, "platelets", indicator, ("99", "warning"), ("100", "info"))

# in a hospital stay
STAYING = {"hemoglobin": "9.0", "neutrophils": "4.0", "platelets": "130"}
pair(
    "wbc_alone_inpatient",
    {"hemoglobin": "9.0", "platelets": "240"},
    "leukocytes",
    finding,
    ("2.9", SHOWN),
    ("3.0", None),
    **INPATIENT,
)
pair(
    "mcv_inpatient",
    STAYING,
    "mean_corpuscular_volume",
    finding,
    ("110", None),
    ("111", SHOWN),
    **INPATIENT,
)
pair("plt_inpatient", STAYING, "platelets", finding, ("49", SHOWN), ("50", None), **INPATIENT)
FULL = {**STAYING, "neutrophils": "24"}
pair("wbc_inpatient", FULL, "leukocytes", finding, ("50", None), ("51", SHOWN), **INPATIENT)
pair(
    "wbc_plt_inpatient",
    {**FULL, "platelets": "95"},
    "leukocytes",
    finding,
    ("30", None),
    ("31", SHOWN),
    **INPATIENT,
)
pair(
    "plt_wbc_inpatient",
    {**FULL, "leukocytes": "36"},
    "platelets",
    finding,
    ("99", SHOWN),
    ("100", None),
    **INPATIENT,
)
for _value, _finding in (("99", SHOWN), ("100", None)):
    _before = (result(A.HEMOGLOBIN, "10.1", 20), result(A.PLATELETS, "105", 20))
    _now = values(**{**STAYING, "platelets": _value})
    EXAMPLES.append(
        Example("plt_before_inpatient", (*_now, *_before), finding, _finding, INPATIENT)
    )

# in portal hypertension
PORTAL = {"context": {"conditions": (condition(ValueSetName.PORTAL_HYPERTENSION),)}}
pair("plt_portal", DEEPER, "platelets", finding, ("29", SHOWN), ("30", None), **PORTAL)
pair(
    "mcv_portal",
    {**DEEPER, "platelets": "60"},
    "mean_corpuscular_volume",
    finding,
    ("115", None),
    ("116", SHOWN),
    **PORTAL,
)

# 3.5 M17
pair("plt_falling", DEEPER, "platelets", proposes("haptoglobin"), ("49", True), ("50", False))
FALLING = {**STAYING, "platelets": "45"}
pair(
    "mcv_falling_low",
    FALLING,
    "mean_corpuscular_volume",
    proposes("ferritin"),
    ("79", True),
    ("80", False),
    **INPATIENT,
)
pair(
    "mcv_falling_high",
    FALLING,
    "mean_corpuscular_volume",
    proposes("ferritin"),
    ("100", False),
    ("101", True),
    **INPATIENT,
)


# 2.6 the laboratory's own limits: used from `min` to `max`, not beyond
def own_limit(
    limit: str,
    base: dict[str, str],
    analyte: str,
    value: str,
    probe: Probe,
    used: tuple[str, object],
    ignored: tuple[str, object],
    *,
    upper: bool = False,
) -> None:
    """The laboratory's limit at the edge of what is used, and one step beyond it."""
    for bound, expected in (used, ignored):
        side = {"high": bound} if upper else {"low": bound}
        rest = values(**{name: each for name, each in base.items() if name != analyte})
        own = result(A[analyte.upper()], value, **side)
        EXAMPLES.append(Example(limit, (*rest, own), probe, expected, {}))


own_limit("lab_hgb_min", NORMAL, "hemoglobin", "11.5", HGB, ("10.0", "normal"), ("9.9", "low"))
own_limit("lab_hgb_max", NORMAL, "hemoglobin", "13.5", HGB, ("14.5", "low"), ("14.6", "normal"))
own_limit("lab_anc_min", NORMAL, "neutrophils", "1.5", WHITE, ("1.0", "normal"), ("0.9", "low"))
own_limit("lab_anc_max", NORMAL, "neutrophils", "2.0", WHITE, ("2.2", "low"), ("2.3", "normal"))
WBC_ONLY = {"hemoglobin": "13.5", "platelets": "240"}
own_limit("lab_wbc_min", WBC_ONLY, "leukocytes", "3.5", WHITE, ("3.0", "normal"), ("2.9", "low"))
own_limit("lab_wbc_max", WBC_ONLY, "leukocytes", "4.5", WHITE, ("5.0", "low"), ("5.1", "normal"))
own_limit("lab_plt_min", NORMAL, "platelets", "120", PLT, ("100", "normal"), ("99", "low"))
own_limit("lab_plt_max", NORMAL, "platelets", "160", PLT, ("180", "low"), ("181", "normal"))
own_limit("lab_iron_min", IRON_BASE, "iron", "50", iron, ("20", "NORMAL"), ("19", "IDX"))
own_limit("lab_iron_max", IRON_BASE, "iron", "70", iron, ("80", "IDX"), ("81", "NORMAL"))
CAPACITY = "iron_binding_capacity"
own_limit("lab_tibc_low_min", LOW_IRON, CAPACITY, "240", iron, ("180", "IDX_B"), ("179", "ACD"))
own_limit("lab_tibc_low_max", LOW_IRON, CAPACITY, "270", iron, ("300", "ACD"), ("301", "IDX_B"))
own_limit(
    "lab_tibc_high_min",
    LOW_IRON,
    CAPACITY,
    "370",
    iron,
    ("340", "ID_TRUE"),
    ("339", "IDX_B"),
    upper=True,
)
own_limit(
    "lab_tibc_high_max",
    LOW_IRON,
    CAPACITY,
    "450",
    iron,
    ("500", "IDX_B"),
    ("501", "ID_TRUE"),
    upper=True,
)
own_limit(
    "lab_b12_min",
    DECIDED,
    "vitamin_b12",
    "700",
    b12,
    ("600", "ELEVATED"),
    ("599", "NORMAL"),
    upper=True,
)
own_limit(
    "lab_b12_max",
    DECIDED,
    "vitamin_b12",
    "1200",
    b12,
    ("1500", "NORMAL"),
    ("1501", "MARKED"),
    upper=True,
)
own_limit(
    "lab_mma_min",
    GOOD_KIDNEYS,
    "methylmalonate",
    "0.3",
    function,
    ("0.2", "DEF"),
    ("0.1", "NOTDEF"),
    upper=True,
)
own_limit(
    "lab_mma_max",
    GOOD_KIDNEYS,
    "methylmalonate",
    "0.5",
    function,
    ("0.6", "NOTDEF"),
    ("0.7", "DEF"),
    upper=True,
)
HCY_BASE = {**DECIDED, "methylmalonate": "0.2"}
own_limit(
    "lab_homocysteine_min",
    HCY_BASE,
    "homocysteine",
    "12",
    HCY,
    ("9", True),
    ("8", False),
    upper=True,
)
own_limit(
    "lab_homocysteine_max",
    HCY_BASE,
    "homocysteine",
    "18",
    HCY,
    ("20", False),
    ("21", True),
    upper=True,
)
LDH = says("LDH raised")
own_limit(
    "lab_ldh_min",
    DECIDED,
    "lactate_dehydrogenase",
    "200",
    LDH,
    ("150", True),
    ("149", False),
    upper=True,
)
own_limit(
    "lab_ldh_max",
    DECIDED,
    "lactate_dehydrogenase",
    "300",
    LDH,
    ("500", False),
    ("501", True),
    upper=True,
)

# a flag without a usable range widens the limit by a tenth
for _value, _state in (("13.1", "low"), ("13.2", "normal")):
    _flagged = result(A.HEMOGLOBIN, _value, flag=Flag.LOW)
    EXAMPLES.append(Example("flag_factor", (_flagged,), HGB, _state, {}))

# LDH by pyruvate to lactate is marked from four times its own limit
for _value, _marked in (("1999", False), ("2000", True)):
    _ldh = result(A.LACTATE_DEHYDROGENASE, _value, high="500", loinc="14805-6")
    EXAMPLES.append(
        Example("ldh_reverse_marked", (*values(**DECIDED), _ldh), says("LDH markedly"), _marked, {})
    )

# 2nd trimester
for _value, _state in (("10.4", "low"), ("10.5", "normal")):
    _weeks = PregnancyObservation(None, ago(1), Decimal(20))
    EXAMPLES.append(
        Example(
            "hgb_second_trimester",
            values(**{**NORMAL, "hemoglobin": _value}),
            HGB,
            _state,
            {**PREGNANT, "pregnancy": (_weeks,)},
        )
    )
