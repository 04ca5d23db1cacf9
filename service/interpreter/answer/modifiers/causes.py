"""M8, M10, M11, M13 and M16: what else could explain counts or B12 (clinical-definition 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import Condition, ValueSetName
from fhir_mappings.panel import Analyte, SerologyResult, SerologyTest
from service.interpreter.answer import existing_results
from service.interpreter.answer.modifiers.modifier import Modifier, always_says, names_of
from service.interpreter.formatting import listed, sentence, with_unit
from service.interpreter.rules.criteria.chemistry import HIGH_B12
from service.interpreter.rules.rule import WantedOrder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.interpreter.assessment.situation import Situation
    from service.interpreter.rules.criteria.criterion import Case
    from service.interpreter.rules.rule import Rule

# --- M8: liver and kidneys -----------------------------------------------------------------------


def _high_transaminases(situation: Situation) -> str:
    results = [
        f"{analyte.value} {with_unit(result)}"
        for analyte in (Analyte.ALANINE_AMINOTRANSFERASE, Analyte.ASPARTATE_AMINOTRANSFERASE)
        if (result := situation.selected.get(analyte))
    ]
    return listed(results) if situation.chemistry.liver_tests_high else ""


def _kidney(situation: Situation) -> str:
    if situation.history.kidney_disease:
        return listed(each.display for each in situation.history.kidney_disease)
    filtration = situation.selected.get(Analyte.GLOMERULAR_FILTRATION_RATE)
    if situation.chemistry.kidney_function_poor and filtration:
        return f"eGFR {with_unit(filtration)}"
    return "creatinine raised" if situation.chemistry.kidney_function_poor else ""


def _liver_or_kidney(situation: Situation) -> str:
    liver = listed(each.display for each in situation.history.liver_disease)
    return listed([liver, _high_transaminases(situation), _kidney(situation)])


def _can_raise_b12(situation: Situation) -> str:
    causes = []
    if situation.history.liver_disease or situation.chemistry.liver_tests_high:
        causes.append("liver disease")
    if situation.history.kidney_disease or situation.chemistry.kidney_function_poor:
        causes.append("reduced kidney function")
    return f"{sentence(listed(causes))} can raise B12"


def _with_names(case: Case, _rule: Rule | None) -> str:
    return f"{_can_raise_b12(case.situation)} ({_liver_or_kidney(case.situation)})."


def _where_b12_is_high(case: Case, _rule: Rule | None) -> str:
    """Of no use to the reader when B12 is not high."""
    high = case.situation.states.b12 in HIGH_B12
    return f"{_can_raise_b12(case.situation)}." if high else ""


M8 = Modifier(
    id="M8",
    when="liver disease, ALT or AST of at least 120 U/L, kidney disease or eGFR below 60",
    then="the text says that B12 can be raised by it; a raised MMA proves less",
    trigger=lambda case, _rule: _liver_or_kidney(case.situation),
    effect=always_says("text; a raised MMA proves less with poor kidneys"),
    says=_with_names,
    remark=_where_b12_is_high,
    conditions=lambda situation: (
        *situation.history.liver_disease,
        *situation.history.kidney_disease,
    ),
)

# --- M10: an enlarged spleen ---------------------------------------------------------------------

CT = "ct-abdomen-pelvis"
ULTRASOUND = "ultrasound-abdomen"


def _imaging(situation: Situation) -> tuple[WantedOrder, ...]:
    if not situation.history.splenomegaly:
        return ()
    ultrasound = WantedOrder(ULTRASOUND, because="splenomegaly")
    if existing_results.imaging_done(ULTRASOUND, situation) and not situation.pregnant:
        return ultrasound, WantedOrder(CT, because="splenomegaly, ultrasound done")
    return (ultrasound,)


def _spleen(case: Case, _rule: Rule | None) -> str:
    """Unless M1 names it already."""
    known = case.situation.history.hypersplenism
    return "" if known else "Enlarged spleen: hypersplenism is possible."


M10 = Modifier(
    id="M10",
    when="an enlarged spleen",
    then="ultrasound-abdomen, then ct-abdomen-pelvis (not pregnant)",
    trigger=lambda case, _rule: listed(c.display for c in case.situation.history.splenomegaly),
    effect=always_says("ultrasound-abdomen"),
    says=always_says("The spleen is enlarged: hypersplenism is possible."),
    remark=_spleen,
    orders=_imaging,
    conditions=lambda situation: situation.history.splenomegaly,
)

# --- M11: infections and autoimmune disease ------------------------------------------------------

KNOWN_DISEASE = {
    "hiv-screen": ((ValueSetName.HIV_INFECTION,), (SerologyTest.HIV,)),
    **dict.fromkeys(
        ("hepatitis-b-surface-antigen", "hepatitis-b-core-antibody"),
        (
            (ValueSetName.HEPATITIS_B,),
            (SerologyTest.HEPATITIS_B_SURFACE_ANTIGEN, SerologyTest.HEPATITIS_B_CORE_ANTIBODY),
        ),
    ),
    "hepatitis-c-antibody": ((ValueSetName.HEPATITIS_C,), (SerologyTest.HEPATITIS_C_ANTIBODY,)),
    **dict.fromkeys(("antinuclear-antibody", "anti-dsdna"), ((ValueSetName.LUPUS,), ())),
}
"""Which tests are unnecessary because the disease is known: by which conditions and results."""

_SEROLOGY_NAMES = {
    SerologyTest.HIV: "HIV infection",
    SerologyTest.HEPATITIS_B_SURFACE_ANTIGEN: "hepatitis B surface antigen",
    SerologyTest.HEPATITIS_B_CORE_ANTIBODY: "hepatitis B core antibody",
    SerologyTest.HEPATITIS_C_ANTIBODY: "hepatitis C antibody",
    SerologyTest.ANTINUCLEAR_ANTIBODY: "antinuclear antibody",
    SerologyTest.ANTI_DSDNA: "anti-dsDNA",
    SerologyTest.INTRINSIC_FACTOR_ANTIBODY: "intrinsic factor antibody",
}


def known_disease(order: str, situation: Situation) -> str:
    """Return the known disease that makes a test unnecessary: a condition before a result."""
    sets, tests = KNOWN_DISEASE.get(order, ((), ()))
    causes = situation.history.secondary_causes
    known = [c.display for c in causes if isinstance(c, Condition) and c.sets & set(sets)]
    known += [_name(r) for r in causes if isinstance(r, SerologyResult) and r.test in tests]
    return next(filter(None, known), "")


def _name(cause: Condition | SerologyResult) -> str:
    if isinstance(cause, SerologyResult):
        return f"{_SEROLOGY_NAMES[cause.test]} positive"
    return cause.display


def _names(situation: Situation) -> Iterator[str]:
    return map(_name, situation.history.secondary_causes)


M11 = Modifier(
    id="M11",
    when="HIV infection, viral hepatitis, autoimmune disease or a positive serology",
    then="named in the text, its test is not proposed; the indicator stays",
    trigger=lambda case, _rule: listed(_names(case.situation)),
    effect=always_says("its test is not proposed; the indicator stays"),
    says=lambda case, _rule: (
        f"Known possible cause: {listed(_names(case.situation))}. It does not make the other "
        "causes less urgent."
    ),
    remark=lambda case, _rule: f"Known possible cause: {names_of(_names(case.situation), 2)}.",
    conditions=lambda situation: situation.history.secondary_causes,
)

# --- M13: zinc and copper ------------------------------------------------------------------------


def _zinc_or_copper(situation: Situation) -> list[str]:
    """Zinc taken, copper deficiency known, or too little copper taken up."""
    return [
        *(each.name for each in situation.history.zinc),
        *(each.display for each in situation.history.copper_deficiency),
        *(each.display for each in situation.history.copper_malabsorption),
    ]


def _copper_and_zinc(situation: Situation) -> tuple[WantedOrder, ...]:
    reason = listed(_zinc_or_copper(situation))
    return tuple(WantedOrder(order, because=reason) for order in ("copper", "zinc") if reason)


def _copper(case: Case, _rule: Rule | None) -> str:
    return (
        f"Copper may be lacking ({listed(_zinc_or_copper(case.situation))}), which can look like a "
        "myelodysplastic neoplasm: measure copper and zinc."
    )


def _copper_in_short(case: Case, _rule: Rule | None) -> str:
    name = sentence(names_of(_zinc_or_copper(case.situation), 1))
    return f"{name}: lack of copper can look like a myelodysplastic neoplasm; measure copper, zinc."


M13 = Modifier(
    id="M13",
    when="zinc medication, copper deficiency, gastric surgery, malabsorption or parenteral "
    "nutrition",
    then="copper and zinc are proposed",
    trigger=lambda case, _rule: listed(_zinc_or_copper(case.situation)),
    effect=always_says("copper and zinc"),
    says=_copper,
    remark=_copper_in_short,
    orders=_copper_and_zinc,
    conditions=lambda situation: (
        *situation.history.copper_deficiency,
        *situation.history.copper_malabsorption,
    ),
)

# --- M16: alcohol --------------------------------------------------------------------------------


def _alcohol(situation: Situation) -> str:
    return listed(each.display for each in situation.history.alcohol)


M16 = Modifier(
    id="M16",
    when="an alcohol use disorder",
    then="the text says that alcohol can lower all cell lines",
    trigger=lambda case, _rule: _alcohol(case.situation),
    effect=always_says("text"),
    says=lambda case, _rule: (
        f"{sentence(_alcohol(case.situation))}: alcohol can lower all cell lines."
    ),
    remark=always_says("Alcohol can lower all cell lines."),
    conditions=lambda situation: situation.history.alcohol,
)
