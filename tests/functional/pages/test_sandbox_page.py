"""`/sandbox` over HTTP: where it is, what it allows, and the little that only the page asks for."""

from __future__ import annotations

import hashlib
import json
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fhir_mappings.panel import DataGroup
from service import samples
from service.app import create_app
from service.settings import Settings, SettingsRefused, load_settings
from tests.support.hook_calls import NOW, client, post

if TYPE_CHECKING:
    from flask.testing import FlaskClient

ROOT = Path(__file__).parents[3]
STATIC = ROOT / "service" / "static"
VENDORED = [STATIC / "vendor", ROOT / "tests" / "browser" / "vendor"]
PRODUCTION = {
    "environment": "production",
    "fhir_servers": ("https://ehr.example/fhir",),
    "public_url": "https://hooks.example",
    "client_authentication": "proxy",
    "database_url": "sqlite:////var/lib/heme-hooks/store.sqlite",
    "hash_key": "0123456789abcdef0123456789abcdef",
}


@pytest.fixture(scope="module")
def browser() -> FlaskClient:
    return client(database_url="")


def test_the_page_is_there_in_development_with_a_strict_policy(browser: FlaskClient) -> None:
    answer = browser.get("/sandbox")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_is_off_in_production_and_where_it_is_switched_off() -> None:
    for settings in (Settings(**PRODUCTION), Settings(database_url="", sandbox=False)):
        switched_off = create_app(settings, log_stream=StringIO()).test_client()
        for path in ("/sandbox", "/sandbox/static/sandbox/main.js", "/sandbox/data/setup"):
            assert switched_off.get(path).status_code == 404


def test_production_refuses_to_start_with_the_page() -> None:
    with pytest.raises(SettingsRefused, match="HEME_HOOKS_SANDBOX"):
        load_settings(**PRODUCTION, sandbox=True)


def test_every_module_that_is_imported_is_served_as_javascript(browser: FlaskClient) -> None:
    for file in STATIC.rglob("*.*js"):
        answer = browser.get(f"/sandbox/static/{file.relative_to(STATIC)}")
        assert answer.status_code == 200
        assert answer.mimetype == "text/javascript"
        assert answer.get_data() == file.read_bytes()
        answer.close()


@pytest.mark.parametrize("name", ["../sandbox.py", "vendor/vendored.json", "nothing.js", "vendor"])
def test_nothing_else_is_served(browser: FlaskClient, name: str) -> None:
    assert browser.get(f"/sandbox/static/{name}").status_code == 404


@pytest.mark.parametrize("folder", VENDORED)
def test_libraries_are_unchanged_and_have_their_licence(folder: Path) -> None:
    for package, noted in json.loads((folder / "vendored.json").read_text()).items():
        names = {file.name for file in (folder / package).iterdir()}
        assert names == set(noted["sha256"])
        assert "LICENSE" in names
        for name, expected in noted["sha256"].items():
            content = (folder / package / name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == expected, f"{package}/{name}"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_other_page_may_read_charts_through_it(browser: FlaskClient, site: str) -> None:
    answer = browser.get("/sandbox/data/samples/normal", headers={"Sec-Fetch-Site": site})
    assert answer.status_code == 403


@pytest.mark.parametrize("name", samples.NAMES)
def test_every_sample_is_a_chart_under_every_key(browser: FlaskClient, name: str) -> None:
    chart = browser.get(f"/sandbox/data/samples/{name}").json
    assert chart is not None
    assert chart["patientId"] == f"heme-hooks-{name}"
    assert len(chart["prefetch"]) == len(DataGroup)
    assert chart["hook"] == samples.SAMPLES[name].hook


def test_numbers_of_a_bundle_keep_their_digits(browser: FlaskClient) -> None:
    bundle = json.dumps(samples.sample_bundle("normal", NOW)).replace(
        '"value": 139,', '"value": 139.00,'
    )
    assert "139.00" in bundle
    answer = post(browser, bundle.encode(), "/sandbox/data/bundle")
    assert "139.00" in answer.get_data(as_text=True)


def test_a_bundle_is_cut_as_discovery_asks_for_it() -> None:
    """Where dates are switched on, the page sends what a client that fills them would send."""
    bundle = samples.sample_bundle("normal", NOW)
    hemoglobin = next(
        each["resource"]
        for each in bundle["entry"]
        if "718-7" in json.dumps(each["resource"].get("code", {}))
    )
    old = hemoglobin | {"id": "old", "effectiveDateTime": "2020-01-01T08:00:00Z"}
    bundle["entry"].append({"resource": old})

    def sent(**settings: Any) -> list[str]:
        page = client(database_url="", **settings)
        chart = post(page, json.dumps(bundle).encode(), "/sandbox/data/bundle").json
        return [each["resource"]["id"] for each in chart["prefetch"]["bloodCounts"]["entry"]]  # type: ignore[index]

    whole = sent()
    assert "old" in whole
    assert sent(prefetch_dates=True) == [each for each in whole if each != "old"]
    assert sent(prefetch_dates=True, prefetch_keys="all") == whole


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("samples/nobody", None, 400),
        ("bundle", {"resourceType": "Bundle"}, 400),
        ("bundle", b"{", 400),
        ("chart", {"server": "ftp://x", "patient": "1"}, 400),
        ("chart", {"server": "https://elsewhere.example/fhir", "patient": "1"}, 403),
        ("chart", {"server": "http://127.0.0.1:9/fhir"}, 400),
        ("chart", {"server": "http://127.0.0.1:9/fhir", "patient": ".."}, 400),
        ("chart", {"server": "http://127.0.0.1:9/fhir", "patient": "a/b"}, 400),
        ("patients", {"server": "http://127.0.0.1:9/fhir", "text": "a"}, 412),
        ("unit", {"value": 1}, 400),
    ],
)
def test_what_the_page_cannot_have_is_refused(
    browser: FlaskClient, path: str, body: Any, status: int
) -> None:
    url = f"/sandbox/data/{path}"
    answer = browser.get(url) if body is None else post(browser, body, url)
    assert answer.status_code == status
    assert answer.json is not None
    assert answer.json["resourceType"] == "OperationOutcome"


def test_a_server_that_is_away_gives_a_chart_that_says_so_per_key(browser: FlaskClient) -> None:
    wanted = {"server": "http://127.0.0.1:9/fhir", "patient": "1"}
    chart = post(browser, wanted, "/sandbox/data/chart").json
    assert chart is not None
    assert chart["prefetch"] == {}
    assert chart["unavailable"]["bloodCounts"] == "the FHIR server could not be reached"


@pytest.mark.parametrize(
    ("sample", "outcome", "part"),
    [
        ({"value": "8.9", "unit": "g/dL", "code": "718-7"}, "read", "8.9 g/dL"),
        ({"value": "89", "unit": "g/L", "code": "718-7"}, "read", "8.9 g/dL"),
        ({"value": "<5", "unit": "10*3/uL", "code": "777-3"}, "read", "<5 10*9/L"),
        ({"value": "8.9", "unit": "kg", "code": "718-7"}, "not-read", "Not read"),
        ({"value": "800", "unit": "g/dL", "code": "718-7"}, "not-read", "Not read"),
        ({"value": "1", "unit": "", "code": "nonsense"}, "unknown-code", "no table"),
        ({"value": "Positive", "unit": "", "code": "7796-6"}, "read-otherwise", "no number"),
        ({"value": "1", "unit": "", "code": "58410-2"}, "not-read", "panel"),
    ],
)
def test_the_unit_bench(browser: FlaskClient, sample: Any, outcome: str, part: str) -> None:
    answer = post(browser, sample, "/sandbox/data/unit").json
    assert answer is not None
    assert (answer["outcome"], part in answer["sentence"]) == (outcome, True), answer
