"""Which cards one interpretation gives (clinical-knowledge 3.4)."""

from __future__ import annotations

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest
from msgspec import UNSET

from fhir_mappings.context import MedicationDraft, ValueSetName
from service.cards.build import FINDING_SYSTEM, OVERRIDE_SYSTEM
from service.interpreter.interpretation import FindingIndicator, Pattern, Priority, ProposedOrder
from tests.support.interpretations import (
    PUBLIC_URL,
    cards_of,
    finding,
    interpretation,
    orders,
    states,
)


def topics(cards):
    return [card.source.topic.code for card in cards]


def suggested(card):
    return [
        suggestion.actions[0].resource["code"].get("coding", [{}])[0].get("code")
        for suggestion in card.suggestions
    ]


def labels(card):
    return [suggestion.label for suggestion in card.suggestions]


OVERLAY = finding("severe-cytopenias", FindingIndicator.CRITICAL)


def test_a_finding_its_marrow_and_its_work_up_are_three_cards():
    cards = cards_of(interpretation())

    assert topics(cards) == ["index-pattern", "marrow-evaluation", "work-up"]


def test_an_overlay_takes_card_one_and_the_finding_card_two():
    cards = cards_of(interpretation(overlay=OVERLAY))

    assert topics(cards) == ["severe-cytopenias", "index-pattern", "marrow-evaluation", "work-up"]


def test_only_the_first_card_carries_the_referral():
    first, second, *_ = cards_of(interpretation(overlay=OVERLAY))

    assert labels(first) == ["Hematology referral / consultation"]
    assert second.suggestions == ()


def test_the_marrow_card_exists_only_when_a_marrow_is_proposed():
    cards = cards_of(interpretation(orders=orders("hematology-referral", "ldh")))

    assert topics(cards) == ["index-pattern", "work-up"]


def test_without_orders_only_the_finding_is_shown():
    cards = cards_of(interpretation(orders=()))

    assert topics(cards) == ["index-pattern"]
    assert cards[0].suggestions == ()
    assert cards[0].selectionBehavior is UNSET


def test_the_marrow_card_has_the_urgency_of_the_gravest_card_before_it():
    marrow = cards_of(interpretation(overlay=OVERLAY))[2]

    assert marrow.indicator == "critical"
    assert marrow.suggestions[0].label == (
        "Bone marrow aspirate and biopsy with cytogenetics and flow cytometry, performed and "
        "interpreted by hematology"
    )


@pytest.mark.parametrize(
    ("indicator", "shown"),
    [
        (FindingIndicator.INFO, "info"),
        (FindingIndicator.WARNING, "warning"),
        (FindingIndicator.CRITICAL, "warning"),
    ],
)
def test_the_work_up_card_is_at_most_a_warning(indicator, shown):
    cards = cards_of(interpretation(finding=finding(indicator=indicator)))

    assert cards[-1].source.topic.code == "work-up"
    assert cards[-1].indicator == shown


def test_an_overlay_without_a_finding_keeps_its_orders_in_the_work_up_card():
    blasts = finding("circulating-blasts", FindingIndicator.CRITICAL)
    given = interpretation(
        overlay=blasts,
        finding=None,
        orders=orders("hematology-referral", "peripheral-smear", "fibrinogen", "marrow-biopsy"),
    )

    cards = cards_of(given)

    assert topics(cards) == ["circulating-blasts", "marrow-evaluation", "work-up"]
    assert labels(cards[2]) == ["Peripheral smear with pathologist review", "Fibrinogen"]
    assert cards[2].indicator == "warning"


def test_orders_keep_the_order_that_the_interpreter_gave_them():
    given = interpretation(orders=orders("hiv-screen", "ldh", "peripheral-smear"))

    assert labels(cards_of(given)[-1]) == [
        "HIV Ag/Ab screen",
        "Lactate dehydrogenase",
        "Peripheral smear with pathologist review",
    ]


def test_a_suppressed_finding_has_no_card_and_no_suggestions():
    silent = finding("known-hematologic-disorder-suppressed", has_card=False)

    assert cards_of(interpretation(finding=silent, orders=())) == ()


def test_order_cards_follow_and_data_quality_comes_last():
    draft = MedicationDraft("1", frozenset({ValueSetName.B12_MEDICATION}), "Cobalamin", True)
    given = interpretation(
        overlay=OVERLAY,
        order_findings=((finding("b12-order-without-deficiency"), draft),),
        data_quality=finding("data-quality", FindingIndicator.INFO),
    )

    assert topics(cards_of(given)) == [
        "severe-cytopenias",
        "index-pattern",
        "marrow-evaluation",
        "work-up",
        "b12-order-without-deficiency",
        "data-quality",
    ]


def test_two_drafts_with_one_problem_are_one_card_naming_both():
    one = MedicationDraft("1", frozenset(), "cyanocobalamin", True)
    two = MedicationDraft("2", frozenset(), "hydroxocobalamin", True)
    warning = finding("b12-order-without-deficiency")
    cards = cards_of(
        interpretation(finding=None, orders=(), order_findings=((warning, one), (warning, two)))
    )

    assert len(cards) == 1
    assert "`cyanocobalamin`, `hydroxocobalamin`" in cards[0].detail


def test_no_finding_is_no_card():
    assert cards_of(interpretation(finding=None, orders=())) == ()


def test_only_the_six_named_orders_are_recommended():
    names = (
        "hematology-referral",
        "marrow-biopsy",
        "peripheral-smear",
        "reticulocytes",
        "methylmalonic-acid",
        "homocysteine",
        "vitamin-b12",
        "ldh",
        "cbc-differential",
        "hiv-screen",
    )
    cards = cards_of(interpretation(orders=orders(*names)))
    suggestions = [suggestion for card in cards for suggestion in card.suggestions]

    assert sum(suggestion.isRecommended is True for suggestion in suggestions) == 6
    assert all(suggestion.isRecommended in (True, UNSET) for suggestion in suggestions)


def test_every_draft_is_a_valid_r4_service_request_for_the_patient_of_the_call():
    given = interpretation(
        orders=(
            ProposedOrder("hematology-referral", Priority.STAT, note="pediatric hematology"),
            *orders("marrow-biopsy", "vitamin-b12", "ultrasound-abdomen"),
        )
    )
    drafts = [
        suggestion.actions[0].resource
        for card in cards_of(given)
        for suggestion in card.suggestions
    ]

    assert len(drafts) == 4
    for draft in drafts:
        ServiceRequest.model_validate(draft)
        assert draft["status"] == "draft"
        assert draft["intent"] == "proposal"
        assert draft["subject"] == {"reference": "Patient/pat-1"}
        assert draft["supportingInfo"][0] == {"reference": "Observation/hgb-1"}
        assert draft["reasonCode"][0]["coding"][0]["code"] == "127034005"
    assert drafts[0]["priority"] == "stat"
    assert {"text": "pediatric hematology"} in drafts[0]["note"]


def test_a_site_may_choose_the_intent_order():
    cards = cards_of(interpretation(), order_intent="order")

    assert cards[0].suggestions[0].actions[0].resource["intent"] == "order"


def test_bicytopenia_is_the_reason_of_its_orders():
    given = interpretation(states=states(pattern=Pattern.BICYTOPENIA))
    draft = cards_of(given)[0].suggestions[0].actions[0].resource

    assert draft["reasonCode"] == [{"text": "bicytopenia"}]


def test_a_first_b12_is_not_called_a_repeat():
    given = interpretation(states=states(used=()), orders=orders("vitamin-b12"))
    suggestion = cards_of(given)[-1].suggestions[0]

    assert suggestion.label == "Serum vitamin B12"
    assert suggestion.actions[0].resource["code"]["text"] == "Serum vitamin B12"


def test_anonymous_results_are_not_referred_to():
    computed = [
        result_with(source="", derived_from=("Observation/a", "Observation/b")),
        result_with(source="#contained"),
    ]
    given = interpretation(states=states(used=tuple(computed)))
    draft = cards_of(given)[0].suggestions[0].actions[0].resource

    assert draft["supportingInfo"] == [
        {"reference": "Observation/a"},
        {"reference": "Observation/b"},
    ]


def result_with(**changes):
    from tests.support.changing import replace
    from tests.support.interpretations import NEUTROPHILS

    return replace(NEUTROPHILS, **changes)


def test_every_card_names_its_source_topic_link_and_override_reasons():
    for card in cards_of(interpretation()):
        assert card.source.label == "heme-hooks"
        assert card.source.topic.system == FINDING_SYSTEM
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


def test_a_marrow_that_only_the_overlay_asks_for_names_the_overlays_rule():
    given = interpretation(
        overlay=finding("circulating-blasts", FindingIndicator.CRITICAL),
        finding=finding("bicytopenia", FindingIndicator.INFO),
        orders=orders("marrow-biopsy"),
    )
    marrow = cards_of(given)[2]

    assert marrow.source.topic.code == "marrow-evaluation"
    assert marrow.links[0].url.endswith("#circulating-blasts")
