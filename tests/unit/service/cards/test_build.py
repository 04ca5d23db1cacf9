"""Which cards one interpretation gives, and what they carry beside their text."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from fhir_mappings.context import MedicationDraft, ValueSetName
from fhir_mappings.panel import Analyte
from service.cards.build import FINDING_SYSTEM, OVERRIDE_SYSTEM
from service.interpreter.interpretation import FindingIndicator, ShownValue
from tests.support.changing import replace
from tests.support.interpretations import (
    PUBLIC_URL,
    call,
    cards_of,
    finding,
    interpretation,
    orders,
    result,
)

OVERLAY = finding("severe-cytopenias", FindingIndicator.CRITICAL)
QUALITY = finding("data-quality", FindingIndicator.INFO)
B12_ORDER = finding("b12-order-without-deficiency")
IRON_ORDER = finding("iron-order-without-deficiency")


def draft(name: str = "cyanocobalamin", number: str = "1") -> MedicationDraft:
    return MedicationDraft(number, frozenset({ValueSetName.B12_MEDICATION}), name, True)


def topics(cards):
    return [card.source.topic.code for card in cards]


def findings(card):
    return card.extension["heme-hooks"]["findings"]


def labels(card):
    return [suggestion.label for suggestion in card.suggestions]


def test_a_finding_its_marrow_and_its_work_up_are_one_card():
    cards = cards_of(interpretation())

    assert topics(cards) == ["index-pattern"]
    assert findings(cards[0]) == ["index-pattern"]


def test_an_overlay_leads_and_everything_else_is_named_behind_it():
    lower = finding("drug-agranulocytosis", FindingIndicator.CRITICAL)
    card = cards_of(interpretation(overlay=OVERLAY, lower_overlays=(lower,), data_quality=QUALITY))[
        0
    ]

    assert topics([card]) == ["severe-cytopenias"]
    assert card.summary == "Summary of severe-cytopenias."
    assert findings(card) == [
        "severe-cytopenias",
        "drug-agranulocytosis",
        "index-pattern",
        "data-quality",
    ]
    assert "Also: Summary of drug-agranulocytosis; Summary of index-pattern." in card.detail


def test_one_other_finding_is_named_with_its_whole_summary():
    given = interpretation(overlay=OVERLAY, finding=finding(summary="Low counts: refer."))

    assert "Also: Low counts: refer." in cards_of(given)[0].detail


def test_beside_neutropenic_fever_no_cause_is_made_likely():
    fever = finding("neutropenic-fever", FindingIndicator.CRITICAL)
    nadir = finding("recent-chemotherapy", summary="Low counts: treatment nadir likely.")

    detail = cards_of(interpretation(overlay=fever, finding=nadir))[0].detail

    assert "Also: Low counts." in detail
    assert "likely" not in detail


def test_the_indicator_is_the_highest_of_what_the_card_holds_data_quality_apart():
    blasts = finding("circulating-blasts", FindingIndicator.WARNING)
    cause = finding(indicator=FindingIndicator.CRITICAL)
    loud = finding("data-quality", FindingIndicator.WARNING)

    assert cards_of(interpretation(overlay=blasts, finding=cause))[0].indicator == "critical"
    quiet = interpretation(finding=finding(indicator=FindingIndicator.INFO), data_quality=loud)
    assert cards_of(quiet)[0].indicator == "info"


def test_data_quality_has_a_card_only_where_no_other_stands():
    given = interpretation(finding=None, orders=(), data_quality=QUALITY)

    assert topics(cards_of(given)) == ["data-quality"]
    assert topics(cards_of(interpretation(data_quality=QUALITY))) == ["index-pattern"]


def test_a_suppressed_finding_has_no_card_and_no_suggestions():
    silent = finding("known-hematologic-disorder-suppressed", has_card=False)

    assert cards_of(interpretation(finding=silent, orders=())) == ()


def test_no_finding_is_no_card():
    assert cards_of(interpretation(finding=None, orders=())) == ()


def test_without_orders_a_card_has_no_suggestions():
    card = cards_of(interpretation(orders=()))[0]

    assert card.suggestions == ()
    assert card.selectionBehavior is UNSET


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_an_order_hook_says_nothing_that_patient_view_says(hook):
    given = interpretation(overlay=OVERLAY, data_quality=QUALITY)

    assert cards_of(given, hook=hook) == ()
    with_draft = replace(given, order_findings=((B12_ORDER, draft()),))
    assert topics(cards_of(with_draft, hook=hook)) == ["b12-order-without-deficiency"]


def test_patient_view_says_nothing_of_drafts():
    given = interpretation(order_findings=((B12_ORDER, draft()),))

    assert topics(cards_of(given)) == ["index-pattern"]


def test_two_drafts_with_one_problem_are_one_card_with_one_suggestion_that_removes_both():
    both = (draft("cyanocobalamin", "1"), draft("hydroxocobalamin", "2"))
    given = interpretation(orders=(), order_findings=tuple((B12_ORDER, each) for each in both))
    (card,) = cards_of(given, hook="order-sign")

    assert "Drafted: cyanocobalamin, hydroxocobalamin." in card.detail
    assert labels(card) == ["Remove the drafted cyanocobalamin, hydroxocobalamin"]
    (removal,) = card.suggestions
    assert removal.isRecommended is UNSET
    assert [action.type for action in removal.actions] == ["delete", "delete"]
    assert [action.resourceId for action in removal.actions] == [
        "MedicationRequest/1",
        "MedicationRequest/2",
    ]
    assert all(action.resource is UNSET for action in removal.actions)


def test_a_draft_without_an_id_is_named_and_cannot_be_removed():
    given = interpretation(orders=(), order_findings=((B12_ORDER, draft("cobalamin", "")),))
    (card,) = cards_of(given, hook="order-select")

    assert "Drafted: cobalamin." in card.detail
    assert card.suggestions == ()


def test_first_tests_stand_on_the_first_order_card_only():
    given = interpretation(
        orders=orders("hematology-referral", "peripheral-smear", "hiv-screen"),
        order_findings=((B12_ORDER, draft()), (IRON_ORDER, draft("ferrous sulfate", "2"))),
    )
    first, second = cards_of(given, hook="order-sign")

    assert labels(first) == ["Remove the drafted cyanocobalamin", "First tests: smear"]
    assert labels(second) == ["Remove the drafted ferrous sulfate"]


def test_values_of_the_other_findings_stand_behind_those_of_the_leading_one():
    hemoglobin = ShownValue(Analyte.HEMOGLOBIN, result(Analyte.HEMOGLOBIN, "6.5", "g/dL"))
    b12 = ShownValue(Analyte.VITAMIN_B12, result(Analyte.VITAMIN_B12, "1480", "pg/mL"))
    given = interpretation(
        overlay=replace(OVERLAY, values=(hemoglobin,)), finding=finding(values=(b12, hemoglobin))
    )

    line = cards_of(given)[0].detail.splitlines()[0]
    assert line.startswith("**Hgb 6.5 g/dL · B12 1480 pg/mL**")


def test_every_card_names_its_source_topic_link_and_override_reasons():
    (card,) = cards_of(interpretation())

    assert card.source.label == "heme-hooks"
    assert card.source.topic.system == FINDING_SYSTEM
    assert card.links[0].label == "About this rule"
    assert card.links[0].url == f"{PUBLIC_URL}/knowledge#index-pattern"
    assert card.links[0].type == "absolute"
    assert [reason.code for reason in card.overrideReasons] == [
        "already-known",
        "work-up-in-progress",
        "not-appropriate-for-patient",
        "result-wrong",
        "other",
    ]
    assert {reason.system for reason in card.overrideReasons} == {OVERRIDE_SYSTEM}
    assert all(reason.display for reason in card.overrideReasons)


def test_a_trailing_slash_of_the_public_address_does_not_double():
    card = cards_of(interpretation(), public_url="https://x.example/hooks/")[0]

    assert card.links[0].url == "https://x.example/hooks/knowledge#index-pattern"


def test_no_uuid_is_given_twice():
    cards = cards_of(interpretation(overlay=OVERLAY))
    uuids = [card.uuid for card in cards]
    uuids += [suggestion.uuid for card in cards for suggestion in card.suggestions]

    assert len(uuids) == len(set(uuids))


def test_a_summary_that_is_too_long_is_cut_not_refused():
    card = cards_of(interpretation(finding=finding(summary="x" * 200)))[0]

    assert len(card.summary) == 139


def test_the_call_of_the_helpers_is_a_patient_view():
    assert call().hook == "patient-view"
