"""The README shows what the product really says; `make golden` rewrites it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from fhir_mappings.panel import OBSERVATION_GROUPS, Analyte
from fhir_mappings.vocabulary.analytes import default_terminology
from service import samples
from service.app import create_app
from service.cds_client.terminal import render_response
from service.cds_hooks.bundle_prefetch import encode, read_bundle
from service.cds_hooks.discovery import load_catalogue
from service.interpreter import thresholds
from service.interpreter.rules import RULES
from service.interpreter.rules.sources import SOURCES
from service.settings import Settings

if TYPE_CHECKING:
    import pytest

README = Path(__file__).parents[3] / "README.md"
NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
WIDTH = 100
BLOCK = re.compile(r"(?<=<!-- the seed's card, by `make golden` -->\n```text\n).*?(?=```)", re.S)


def _card() -> str:
    """The seed's card as the demo prints it."""
    settings = Settings(public_url="http://127.0.0.1:8000")
    client = create_app(settings, clock=lambda: NOW, log_stream=StringIO()).test_client()
    document = encode(samples.sample_bundle(samples.SEED, NOW))
    prefetch = read_bundle(document, load_catalogue().templates).prefetch
    call = samples.hook_call(samples.SEED, NOW, prefetch=prefetch)
    answer = client.post(
        "/cds-services/pancytopenia-patient-view",
        data=encode(call),
        content_type="application/json",
    )
    assert answer.status_code == 200
    return render_response(json.loads(answer.data), WIDTH) + "\n"


def test_the_quick_start_shows_the_seeds_card(pytestconfig: pytest.Config) -> None:
    readme = README.read_text("utf-8")
    (shown,) = BLOCK.findall(readme)
    card = _card()
    if pytestconfig.getoption("update_snapshots", default=False):
        README.write_text(BLOCK.sub(lambda _: card, readme), "utf-8")
        return
    assert shown == card


def test_the_readme_fits_two_screens_without_the_card() -> None:
    text = BLOCK.sub("", README.read_text("utf-8"))
    assert len(text.splitlines()) < 100


def test_what_the_readme_counts_is_there() -> None:
    text = " ".join(README.read_text("utf-8").split())
    codes = {c for group in OBSERVATION_GROUPS for c in default_terminology().codes_of(group)}
    for said in (
        f"{len(samples.NAMES)} sample patients",
        f"{len(codes)} LOINC codes for {len(Analyte)} analytes",
        f"{len(RULES)} rules and {len(list(thresholds.table()))} limits with",
        f"with {len(SOURCES)} sources",
    ):
        assert said in text, said


def test_the_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README.read_text("utf-8")):
        assert "://" in target or (README.parent / target).exists(), target


def test_the_make_targets_of_the_readme_exist() -> None:
    makefile = (README.parent / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"`make ([a-z]+)", README.read_text("utf-8"))):
        assert f"\n{target}:" in makefile, target
