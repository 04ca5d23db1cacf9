"""`heme-hooks doctor` finds nothing wrong with a real HAPI and with the embedded server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner

from service import samples
from service.cli import main

if TYPE_CHECKING:
    from datetime import datetime

    import requests

CHOSEN = (samples.SEED, "cbc-panel-members")


def test_nothing_is_wrong_with_a_real_server(
    fhir_server: str, session: requests.Session, now: datetime
) -> None:
    samples.load(fhir_server, session, now, CHOSEN)
    patients = [samples.SAMPLES[name].patient_id for name in CHOSEN]
    named = [text for patient in patients for text in ("--patient", patient)]
    done = CliRunner().invoke(main, ["doctor", "--fhir-server", fhir_server, "--json", *named])
    checks = json.loads(done.stdout)
    assert [check for check in checks if check["verdict"] == "wrong"] == []
    assert done.exit_code == 0
    told = {f"{check['topic']}: {check['text']}" for check in checks if check["verdict"] == "ok"}
    assert "codes and units: read of 2 patients: HGB, WBC, ANC, PLT" in told
    assert "capabilities: FHIR 4.0.1" in told
    assert any(text.startswith("search: answered: patient, bloodCounts") for text in told)
