"""Suggestions: each one decision, its drafts complete, its label short."""

from __future__ import annotations

from decimal import Decimal

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from fhir_mappings.context import MedicationDraft
from fhir_mappings.vocabulary.orders import ORDERS
from service.cards.order_groups import SHORT_NAMES, OrderGroup, group_of
from service.cards.suggestions import MAX_LABEL
from service.interpreter.interpretation import Pattern, Priority, ProposedOrder
from tests.support.changing import replace
from tests.support.interpretations import (
    NEUTROPHILS,
    cards_of,
    finding,
    interpretation,
    orders,
    states,
)

EVERY_ORDER = sorted(ORDERS)


def suggestions(given, **changes):
    return [each for card in cards_of(given, **changes) for each in card.suggestions]


def labels(given, **changes):
    return [each.label for each in suggestions(given, **changes)]


SEED = interpretation(
    orders=orders(
        "hematology-referral",
        "marrow-biopsy",
        "peripheral-smear",
        "reticulocytes",
        "ldh",
        "bilirubin-total",
        "bilirubin-direct",
        "vitamin-b12",
        "methylmalonic-acid",
        "homocysteine",
        "hiv-screen",
        "hepatitis-b-surface-antigen",
        "hepatitis-b-core-antibody",
        "hepatitis-c-antibody",
        "antinuclear-antibody",
        "anti-dsdna",
        "ultrasound-abdomen",
    )
)


def test_the_seeds_patient_has_four_decisions_two_of_them_recommended():
    given = suggestions(SEED)

    assert [each.label for each in given] == [
        "Refer to hematology (urgent)",
        "Marrow aspirate and biopsy with cytogenetics and flow cytometry, for hematology to decide "
        "(urgent)",
        "First tests: smear, reticulocytes, LDH, bilirubin, repeat B12, MMA, homocysteine",
        "Secondary causes: HIV, hepatitis B and C, ANA, anti-dsDNA, abdominal ultrasound",
    ]
    assert [each.isRecommended for each in given] == [True, UNSET, True, UNSET]
    assert [len(each.actions) for each in given] == [1, 1, 8, 7]


def test_a_client_may_choose_among_the_actions_of_a_group():
    behaviors = [each.actionSelectionBehavior for each in suggestions(SEED)]

    assert behaviors == [UNSET, UNSET, "any", "any"]


def test_one_suggestion_an_order_for_ehrs_that_take_no_more():
    given = suggestions(SEED, grouped=False)

    assert [len(each.actions) for each in given] == [1] * 17
    assert [each.label for each in given][:4] == [
        "Refer to hematology (urgent)",
        "Marrow aspirate and biopsy with cytogenetics and flow cytometry, for hematology to decide "
        "(urgent)",
        "Peripheral smear with pathologist review",
        "Reticulocyte count (% and absolute)",
    ]
    assert [each.isRecommended for each in given] == [True, UNSET, *[True] * 8, *[UNSET] * 7]
    assert all(each.actionSelectionBehavior is UNSET for each in given)


def test_single_suggestions_remove_one_draft_each():
    drafts = [MedicationDraft(str(n), frozenset(), f"drug {n}", True) for n in (1, 2)]
    warning = finding("b12-order-without-deficiency")
    given = interpretation(orders=(), order_findings=tuple((warning, each) for each in drafts))

    assert labels(given, grouped=False, hook="order-sign") == [
        "Remove the drafted drug 1",
        "Remove the drafted drug 2",
    ]


def test_the_label_of_first_tests_says_stat_and_names_cbc_smear_and_coagulation_first():
    given = interpretation(
        orders=(
            *orders("ldh", "metabolic-panel"),
            *orders("fibrinogen", "prothrombin-time", "aptt", "cbc-differential"),
            *orders("peripheral-smear", priority=Priority.STAT),
        )
    )

    assert labels(given) == [
        "First tests (stat): CBC, smear, PT, aPTT, fibrinogen, LDH, metabolic panel"
    ]


def test_a_label_that_would_be_too_long_names_what_fits():
    given = interpretation(
        orders=orders(*(each for each in EVERY_ORDER if group_of(each) is OrderGroup.FIRST_TESTS))
    )
    (label,) = labels(given)

    assert len(label) <= MAX_LABEL
    assert label.startswith("First tests: CBC, smear, PT, aPTT, fibrinogen, ")
    assert label.endswith(" more")


@given(
    st.lists(st.sampled_from(EVERY_ORDER), unique=True),
    st.sampled_from(Priority),
    st.booleans(),
)
def test_no_label_is_too_long_and_every_order_is_proposed_once(names, priority, grouped):
    given = suggestions(interpretation(orders=orders(*names, priority=priority)), grouped=grouped)

    assert all(0 < len(each.label) <= MAX_LABEL for each in given)
    assert len(given) <= 4 or not grouped
    assert sum(len(each.actions) for each in given) == len(names)


def test_every_order_has_a_short_name():
    unnamed = {"hematology-referral", "marrow-biopsy", "marrow-karyotype", "marrow-flow-cytometry"}

    assert set(ORDERS) - set(SHORT_NAMES) == unnamed


def test_inflammation_puts_secondary_causes_before_first_tests():
    given = replace(SEED, finding=finding("pancytopenia-chronic-disease-iron"))

    assert [label.split(":")[0].split(" ")[0] for label in labels(given)] == [
        "Refer",
        "Marrow",
        "Secondary",
        "First",
    ]


def test_a_child_is_referred_to_pediatric_hematology():
    order = ProposedOrder("hematology-referral", Priority.STAT, note="pediatric hematology")

    assert labels(interpretation(orders=(order,))) == ["Refer to pediatric hematology (stat)"]


def test_every_draft_is_a_valid_r4_service_request_for_the_patient_of_the_call():
    given = interpretation(
        orders=(
            ProposedOrder("hematology-referral", Priority.STAT, note="pediatric hematology"),
            *orders("marrow-biopsy", "vitamin-b12", "ultrasound-abdomen"),
        )
    )
    drafts = [action.resource for each in suggestions(given) for action in each.actions]

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


def test_each_action_says_the_order_and_its_own_priority():
    given = interpretation(
        orders=(
            ProposedOrder("peripheral-smear", Priority.STAT),
            ProposedOrder("ldh", Priority.URGENT),
        )
    )
    (tests,) = suggestions(given)

    assert [action.description for action in tests.actions] == [
        "Draft order, stat: Peripheral smear with pathologist review",
        "Draft order, urgent: Lactate dehydrogenase",
    ]
    assert [action.resource["priority"] for action in tests.actions] == ["stat", "urgent"]


def test_a_site_may_choose_the_intent_order():
    given = suggestions(interpretation(), order_intent="order")

    assert given[0].actions[0].resource["intent"] == "order"


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (Pattern.BICYTOPENIA, "bicytopenia"),
        (Pattern.BICYTOPENIA_THIRD_UNKNOWN, "two low cell lines, third line not known"),
    ],
)
def test_the_pattern_is_the_reason_of_the_orders(pattern, reason):
    given = suggestions(interpretation(states=states(pattern=pattern)))

    assert given[0].actions[0].resource["reasonCode"] == [{"text": reason}]


def test_a_first_b12_is_not_called_a_repeat():
    given = interpretation(states=states(used=()), orders=orders("vitamin-b12"))
    (tests,) = suggestions(given)

    assert tests.label == "First tests: B12"
    assert tests.actions[0].description == "Draft order, urgent: Serum vitamin B12"
    assert tests.actions[0].resource["code"]["text"] == "Serum vitamin B12"
    assert labels(given, grouped=False) == ["Serum vitamin B12"]


def test_anonymous_results_are_not_referred_to():
    computed = [
        replace(NEUTROPHILS, source="", derived_from=("Observation/a", "Observation/b")),
        replace(NEUTROPHILS, source="#contained", value=Decimal("1.2")),
    ]
    given = suggestions(interpretation(states=states(used=tuple(computed))))

    assert given[0].actions[0].resource["supportingInfo"] == [
        {"reference": "Observation/a"},
        {"reference": "Observation/b"},
    ]
