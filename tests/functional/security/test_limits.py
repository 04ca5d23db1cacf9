"""What one call may hold: bytes, entries, values, depth."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.hook_calls import URL, call, client, empty_prefetch, post

if TYPE_CHECKING:
    from werkzeug.test import TestResponse


def with_text(key: str, text: str) -> bytes:
    """A call with this JSON under a prefetch key."""
    prefetch: dict[str, Any] = empty_prefetch() | {key: "@@"}
    return json.dumps(call(prefetch=prefetch)).replace('"@@"', text).encode()


def bundle(entries: int, entry: str = '{"resource":{"resourceType":"Observation"}}') -> str:
    return f'{{"resourceType":"Bundle","entry":[{",".join([entry] * entries)}]}}'


def code_of(answer: TestResponse) -> tuple[int, str]:
    issue = answer.json["issue"][0]  # type: ignore[index]
    return answer.status_code, issue["details"]["coding"][0]["code"]


def test_entries_are_counted_over_all_keys() -> None:
    browser = client(max_entries=100)
    fits = with_text("bloodCounts", bundle(100))
    assert post(browser, fits).status_code in {200, 412}
    assert code_of(post(browser, with_text("bloodCounts", bundle(101)))) == (
        413,
        "too-many-entries",
    )
    prefetch: dict[str, Any] = empty_prefetch()
    for key in ("bloodCounts", "differential", "conditions"):
        prefetch[key] = json.loads(bundle(40))
    assert code_of(post(browser, call(prefetch=prefetch))) == (413, "too-many-entries")


def test_entries_whose_key_is_written_in_escapes_are_counted() -> None:
    body = with_text(
        "bloodCounts", bundle(300, '{"\\u0072esource":{}}').replace("entry", "\\u0065ntry")
    )
    assert code_of(post(client(max_entries=100), body)) == (413, "too-many-entries")


@pytest.mark.parametrize("item", ["{}", "[]", "1", '""', "null"])
@pytest.mark.parametrize("place", ["bloodCounts", "nobodysKey"])
def test_a_body_of_tiny_values_is_refused_at_once(item: str, place: str) -> None:
    body = with_text(place, f'{{"resourceType":"Bundle","entry":[{",".join([item] * 3_000_000)}]}}')
    started = time.process_time()
    answer = post(client(), body)
    assert code_of(answer) == (413, "too-many-values")
    assert time.process_time() - started < 3


@pytest.mark.parametrize("key", ["bloodCounts", "patient", "nobodysKey"])
@pytest.mark.parametrize("depth", [100, 900, 1000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_depth_is_refused_or_read_and_never_fails(
    key: str, depth: int, opening: str, closing: str
) -> None:
    browser = client()
    text = opening * depth + "1" + closing * depth
    for nested in (text, bundle(1, f'{{"resource":{{"resourceType":"Observation","x":{text}}}}}')):
        answer = browser.post(URL, data=with_text(key, nested), content_type="application/json")
        assert answer.status_code in ({400} if depth >= 1000 else {200, 412})
