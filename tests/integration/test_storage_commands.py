"""`heme-hooks storage` and `heme-hooks feedback report`, as an operator runs them."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from service.commands.feedback import feedback
from service.commands.storage import prepare_store, storage
from tests.support.ehr import Ehr, item
from tests.support.vignette_charts import T0

if TYPE_CHECKING:
    from pathlib import Path

DAYS = "3650d"


@pytest.fixture
def at(new_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HEME_HOOKS_DATABASE_URL", new_url)
    return new_url


def test_upgrade_makes_a_store_and_may_be_run_again(at: str) -> None:
    for _ in range(2):
        done = CliRunner().invoke(storage, ["upgrade"])
        assert (done.exit_code, done.output) == (0, "The store is up to date.\n")
    assert Ehr(at).http.get("/health/ready").status_code == 200


def test_the_report_prints_what_became_of_the_cards(at: str) -> None:
    prepare_store(at)
    ehr = Ehr(at)
    for number in range(5):
        card = ehr.open_chart(patient=f"p{number}")[0]
        ehr.give(item(card) | {"overrideReason": {"userComment": "because"}})
    printed = {
        form: CliRunner().invoke(feedback, ["report", "--last", DAYS, "--format", form]).output
        for form in ("table", "csv", "json")
    }
    row = next(csv.DictReader(io.StringIO(printed["csv"])))
    assert (row["finding"], row["shown"], row["overridden"]) == ("index-pattern", "5", "5")
    assert "no-reason 5" in printed["table"]
    document = json.loads(printed["json"])
    assert document["rows"][0]["byDay"] == {T0.date().isoformat(): {"shown": 5, "shadow": 0}}
    assert "because" not in "".join(printed.values())
    pruned = CliRunner().invoke(storage, ["prune", "--older-than", "0d"])
    assert pruned.output == "5 comments deleted.\n"


@pytest.mark.parametrize("command", ["upgrade", "prune"])
def test_a_database_that_is_away_is_one_sentence(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEME_HOOKS_DATABASE_URL", "postgresql+psycopg://x:secret@127.0.0.1:9/x")
    more = ["--older-than", "1d"] if command == "prune" else []
    done = CliRunner().invoke(storage, [command, *more])
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert "[storage-unavailable]" in done.output
    assert "secret" not in done.output


def test_a_development_store_that_cannot_be_made_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_store(f"sqlite:///{tmp_path}/missing/folder/store.sqlite3")
    assert "cannot be made ready" in capsys.readouterr().err
