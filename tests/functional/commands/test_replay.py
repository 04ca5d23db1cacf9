"""`heme-hooks replay FILE` answers a saved request as it was answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from service.cli import main
from tests.support.hook_calls import NOW, call, client, post, seed_prefetch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "request.json"
    path.write_text(json.dumps(call(prefetch=seed_prefetch())))
    return path


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["replay", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_a_saved_request_gives_the_same_cards(saved: Path) -> None:
    code, out, _ = run(str(saved), "--at", NOW.isoformat(), "--json")
    assert code == 0
    answered = post(client(), json.loads(saved.read_text())).json
    again = json.loads(out)
    assert [c["summary"] for c in again["cards"]] == [c["summary"] for c in answered["cards"]]  # type: ignore[index]
    assert "extension" not in again


def test_the_reasons_are_given_when_asked_for(saved: Path) -> None:
    code, out, _ = run(str(saved), "--at", "2026-11-03", "--evidence")
    assert code == 0
    assert "index-pattern" in out
    assert "Card 1 of" in out


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        ("{", 2, "not JSON (broken off at line 1, column 2)"),
        ("[]", 2, "no JSON object"),
        ('{"hook": "encounter-start"}', 2, "no hook of this service"),
        ('{"hook": 1}', 2, "no hook of this service"),
        (json.dumps(call(prefetch={})), 3, "answered 412"),
        (json.dumps(call(prefetch={}, context={"patientId": "1"})), 1, "400: context.userId"),
    ],
)
def test_what_cannot_be_replayed_is_said_in_a_sentence(
    tmp_path: Path, content: str, code: int, says: str
) -> None:
    path = tmp_path / "request.json"
    path.write_text(content)
    got, out, error = run(str(path))
    assert (got, out) == (code, "")
    assert says in error
    assert "Traceback" not in error


def test_a_service_may_be_named(saved: Path) -> None:
    code, _, error = run(str(saved), "--service", "pancytopenia-order-sign")
    assert code == 1
    assert "hook must be order-sign" in error
