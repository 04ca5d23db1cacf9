"""The first calls of a worker come at once; types that are prepared only then end the process."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SERVED = [
    path
    for package in ("service", "fhir_mappings")
    for path in sorted((ROOT / package).rglob("*.py"))
    if not {"backtest", "commands", "doctor", "mapping_report", "migrations"} & set(path.parts)
]
ONE_THREAD = {
    "service/cds_client/call.py",
    "service/security/trusted_clients.py",
    "service/cds_hooks/discovery.py",
}
"""Run by a person's command, or before the first call."""

CHILD = """
import io, sys, threading
from datetime import UTC, datetime
from service import samples
from service.app import create_app
from service.cds_hooks.bundle_prefetch import read_bundle
from service.cds_hooks.discovery import load_catalogue
from service.settings import Settings
import msgspec

now = datetime(2026, 6, 15, 12, tzinfo=UTC)
sys.setswitchinterval(1e-6)
settings = Settings(database_url="", audit_log="")
app = create_app(settings, clock=lambda: now, log_stream=io.StringIO())
bundle = msgspec.json.encode(samples.sample_bundle(samples.SEED, now))
prefetch = read_bundle(bundle, load_catalogue().templates).prefetch
body = msgspec.json.encode(samples.hook_call(samples.SEED, now, prefetch=prefetch))
path, start, seen = "/cds-services/pancytopenia-patient-view", threading.Barrier(4), []

def call():
    start.wait()
    answer = app.test_client().post(path, data=body, content_type="application/json")
    seen.append(answer.status_code)

threads = [threading.Thread(target=call) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
sys.exit(0 if seen == [200] * 4 else 3)
"""


@pytest.mark.parametrize("process", range(4))
def test_a_fresh_process_answers_its_first_calls_side_by_side(process: int) -> None:
    done = subprocess.run([sys.executable, "-c", CHILD], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, (process, done.returncode, done.stderr[-500:])


def _makes_a_decoder(call: ast.AST) -> bool:
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return isinstance(call, ast.Call) and getattr(call.func, "id", "") == "ResourceKinds"
    typed = any(keyword.arg == "type" for keyword in call.keywords)
    return call.func.attr == "Decoder" or (call.func.attr in {"decode", "convert"} and typed)


@pytest.mark.parametrize("path", SERVED, ids=lambda path: str(path.relative_to(ROOT)))
def test_decoders_are_made_when_a_module_is_imported(path: Path) -> None:
    if str(path.relative_to(ROOT)) in ONE_THREAD:
        return
    tree = ast.parse(path.read_text("utf-8"))
    functions = [
        each
        for each in ast.walk(tree)
        if isinstance(each, ast.FunctionDef) and each.name != "__init__"
    ]
    made = [call.lineno for each in functions for call in ast.walk(each) if _makes_a_decoder(call)]
    assert not made
