"""A site's own order codes: proposed first, and known again when the order stands already."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from service.app import create_app
from service.settings import Settings
from tests.functional.calls.test_vignettes_over_http import TEMPLATES, call, prefetched
from tests.support.vignette_charts import T0, at, chart, subject, vignette

if TYPE_CHECKING:
    from pathlib import Path

LOCAL = {"system": "https://hospital.example/orders", "code": "HEM-MMA"}

SITE_MAPPING = {
    "resourceType": "ConceptMap",
    "status": "active",
    "group": [
        {
            "source": "https://heme-hooks.org/fhir/CodeSystem/order",
            "target": LOCAL["system"],
            "element": [
                {
                    "code": "methylmalonic-acid",
                    "target": [{"code": LOCAL["code"], "equivalence": "equivalent"}],
                }
            ],
        }
    ],
}


def _codings(cards: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [
        action["resource"]["code"]["coding"]
        for card in cards
        for suggestion in card.get("suggestions", [])
        for action in suggestion["actions"]
        if "coding" in action["resource"]["code"]
    ]


def test_a_site_s_own_order_code_comes_first_and_is_known_again(tmp_path: Path) -> None:
    path = tmp_path / "orders.json"
    path.write_text(json.dumps(SITE_MAPPING))
    settings = Settings(site_mappings=path, database_url="")
    client = create_app(settings, clock=lambda: T0).test_client()
    resources = chart(vignette("V01"))
    proposed = _codings(call(client, prefetched(resources, list(TEMPLATES))))
    (mma,) = [codings for codings in proposed if codings[0]["system"] == LOCAL["system"]]
    assert mma[0]["code"] == LOCAL["code"]
    assert mma[1]["code"] == "13964-2"
    placed = {
        "resourceType": "ServiceRequest",
        "id": "placed",
        "status": "active",
        "intent": "order",
        "code": {"coding": [LOCAL]},
        "subject": subject(),
        "authoredOn": at(-2),
    }
    again = _codings(call(client, prefetched([*resources, placed], list(TEMPLATES))))
    assert all(codings[0] != mma[0] for codings in again)
