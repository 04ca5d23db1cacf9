"""Whatever goes wrong is answered as an OperationOutcome that a developer can work with."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome

from service.app import create_app
from service.settings import Settings
from tests.support.hook_calls import URL, call, client, empty_prefetch, post

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse


@pytest.fixture(scope="module")
def browser() -> FlaskClient:
    return client()


def issue_of(answer: TestResponse) -> dict[str, Any]:
    assert answer.mimetype == "application/fhir+json"
    outcome = json.loads(answer.data)
    OperationOutcome.model_validate(outcome)
    (issue,) = outcome["issue"]
    assert issue["severity"] == "error"
    coding = issue["details"]["coding"][0]
    assert coding["system"] == "https://heme-hooks.org/fhir/CodeSystem/error"
    assert answer.headers["X-Request-Id"] in issue["diagnostics"]
    assert "Traceback" not in answer.text
    return issue


def code_of(answer: TestResponse) -> str:
    return str(issue_of(answer)["details"]["coding"][0]["code"])


def test_a_malformed_field_is_named(browser: FlaskClient) -> None:
    answer = post(browser, call(context={"userId": "Practitioner/1"}))
    assert answer.status_code == 400
    issue = issue_of(answer)
    assert issue["expression"] == ["context.patientId"]
    assert issue["code"] == "invalid"
    assert "context.patientId" in issue["details"]["text"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xef\xbb\xbf{}", b'{"a": NaN}', b"[" * 60_000, b"\xff\xfe", b"null"],
    ids=lambda body: str(body[:12]),
)
def test_a_body_that_is_no_json_object_is_400(browser: FlaskClient, body: bytes) -> None:
    answer = post(browser, body)
    assert answer.status_code == 400
    assert code_of(answer) == "invalid-hook-call"


@pytest.mark.parametrize("url", ["/cds-services/other", "/cds-services//other"])
def test_an_unknown_service_is_404_whatever_the_body(browser: FlaskClient, url: str) -> None:
    answer = post(browser, b"{", url)
    assert (answer.status_code, code_of(answer)) == (404, "unknown-service")


@pytest.mark.parametrize("url", ["/cds", f"{URL}/feedback/x", "/cds-services/a/b/c"])
def test_an_unknown_address_is_404(browser: FlaskClient, url: str) -> None:
    assert code_of(browser.get(url)) == "not-found"


@pytest.mark.parametrize(
    ("method", "url", "allowed"),
    [
        ("GET", URL, {"POST"}),
        ("PUT", URL, {"POST"}),
        ("DELETE", URL, {"POST"}),
        ("POST", "/cds-services", {"GET"}),
        ("PATCH", "/cds-services/", {"GET"}),
    ],
)
def test_a_wrong_method_is_405_and_says_which_is_right(
    browser: FlaskClient, method: str, url: str, allowed: set[str]
) -> None:
    answer = browser.open(url, method=method)
    assert (answer.status_code, code_of(answer)) == (405, "method-not-allowed")
    assert allowed <= set(answer.headers["Allow"].split(", "))
    assert method not in answer.headers["Allow"]


def test_a_body_that_is_too_large_is_413() -> None:
    answer = post(client(max_request_bytes=2048), call(prefetch={"x": "y" * 4096}))
    assert (answer.status_code, code_of(answer)) == (413, "request-too-large")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "multipart/form-data",
        "",
        "application/json; charset=utf-16",
    ],
)
def test_another_content_type_is_415(browser: FlaskClient, content_type: str) -> None:
    answer = browser.post(URL, data=json.dumps(call()), content_type=content_type)
    assert (answer.status_code, code_of(answer)) == (415, "unsupported-media-type")


def test_a_compressed_body_is_415(browser: FlaskClient) -> None:
    answer = post(browser, call(), **{"Content-Encoding": "gzip"})
    assert (answer.status_code, code_of(answer)) == (415, "unsupported-media-type")


def test_json_with_its_charset_is_taken(browser: FlaskClient) -> None:
    body = json.dumps(call(prefetch=empty_prefetch()))
    answer = browser.post(URL, data=body, content_type="application/json; charset=UTF-8")
    assert answer.status_code == 200


def test_a_fhir_server_that_is_not_listed_is_403(browser: FlaskClient) -> None:
    answer = post(browser, call(fhirServer="https://ehr.example/fhir"))
    assert (answer.status_code, code_of(answer)) == (403, "fhir-server-not-allowed")
    assert "HEME_HOOKS_FHIR_SERVERS" in issue_of(answer)["details"]["text"]
    assert "ehr.example" not in answer.text


def test_a_failure_of_our_own_is_500_without_a_word_of_the_cause() -> None:
    stream = io.StringIO()

    def broken_clock() -> Any:
        raise KeyError("Mrs Doe 1958-02-03")

    app = create_app(Settings(), clock=broken_clock, log_stream=stream)
    answer = post(app.test_client(), call(prefetch=empty_prefetch()))
    assert (answer.status_code, code_of(answer)) == (500, "internal-error")
    assert "Doe" not in answer.text + stream.getvalue()
    line = json.loads(stream.getvalue().splitlines()[-1])
    assert line["error_type"] == "KeyError"
    assert "broken_clock" in line["error_at"]
    assert line["request_id"] == answer.headers["X-Request-Id"]


def test_a_request_id_of_the_client_is_kept_only_when_it_is_a_uuid(browser: FlaskClient) -> None:
    own = "0b8cbf4f-5f4c-4d0e-9e42-2f26bb3d3f1c"
    assert post(browser, b"", **{"X-Request-Id": own}).headers["X-Request-Id"] == own
    for other in ("Mrs-Doe", "1", own + "x", f"{{{own[:34]}}}"):
        answer = post(browser, b"", **{"X-Request-Id": other})
        assert UUID(answer.headers["X-Request-Id"])
        assert answer.headers["X-Request-Id"] != other


ORIGIN = "https://sandbox.cds-hooks.org"


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "/cds-services"),
        ("GET", "/cds-services/"),
        ("GET", "/nowhere"),
        ("GET", URL),
        ("POST", URL),
        ("POST", "/cds-services/other"),
        ("POST", "/cds-services//pancytopenia-patient-view"),
    ],
)
def test_browsers_may_read_every_answer_errors_included(
    browser: FlaskClient, method: str, url: str
) -> None:
    answer = browser.open(url, method=method, headers={"Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Origin"] in {ORIGIN, "*"}
    assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("url", ["/cds-services", "/cds-services/", URL, f"/cds-services/{URL}"])
def test_a_preflight_needs_no_token_and_allows_one(browser: FlaskClient, url: str) -> None:
    url = url.replace("/cds-services//cds-services/", "/cds-services//")
    answer = browser.options(
        url,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST" if "pancytopenia" in url else "GET",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert answer.status_code == 200
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert "authorization" in allowed
    assert "content-type" in allowed
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


def test_only_listed_origins_may_read_when_there_is_a_list() -> None:
    browser = client(cors_origins=("https://ehr.example",))
    ours = browser.get("/cds-services", headers={"Origin": "https://ehr.example"})
    assert ours.headers["Access-Control-Allow-Origin"] == "https://ehr.example"
    for origin in ("https://evil.example", "https://ehr.example.evil.example", "null"):
        answer = browser.get("/cds-services", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3000",
        "http://127.0.0.1:8080",
        "https://localhost",
        "http://[::1]:5000",
        "https://sandbox.cds-hooks.org",
    ],
)
def test_in_development_pages_of_loopback_and_the_public_sandbox_may_read(origin: str) -> None:
    answer = client().get("/cds-services", headers={"Origin": origin})
    assert answer.headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost.evil.example",
        "http://localhost:80.evil.example",
        "http://127.0.0.1.evil.example",
        "https://sandbox.cds-hooks.org.evil.example",
        "http://localhost:3000\t",
        "null",
    ],
)
def test_in_development_no_other_page_may_read(origin: str) -> None:
    answer = client().get("/cds-services", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    answer = client().options(URL, headers=preflight)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_developer_may_open_the_service_to_every_page() -> None:
    answer = client(cors_origins=("*",)).get(
        "/cds-services", headers={"Origin": "https://a.example"}
    )
    assert answer.headers["Access-Control-Allow-Origin"]


@pytest.mark.parametrize("origin", [None, "https://ehr.example", "https://evil.example"])
def test_a_cache_is_told_that_the_answer_depends_on_the_origin(origin: str | None) -> None:
    browser = client(cors_origins=("https://ehr.example",))
    answer = browser.get("/cds-services", headers={"Origin": origin} if origin else {})
    assert answer.headers.getlist("Vary") == ["Origin"]
