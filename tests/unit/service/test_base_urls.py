"""FHIR base URLs are compared part by part, never as text."""

from __future__ import annotations

import pytest

from service.base_urls import parse_base_url


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://ehr.example/fhir", "https://ehr.example/fhir"),
        ("https://EHR.Example/fhir/", "https://ehr.example/fhir"),
        ("HTTPS://ehr.example:443/fhir", "https://ehr.example/fhir"),
        ("http://ehr.example:80", "http://ehr.example"),
        ("http://ehr.example:8080/a/b", "http://ehr.example:8080/a/b"),
        ("http://[::1]:8080/fhir", "http://[::1]:8080/fhir"),
    ],
)
def test_a_base_url_is_normalised(text: str, normal: str) -> None:
    assert str(parse_base_url(text)) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fhir",
        "/fhir",
        "//ehr.example/fhir",
        "ftp://ehr.example/fhir",
        "file:///fhir",
        "javascript:alert(1)",
        "https://",
        "https:///fhir",
        "https://user@ehr.example/fhir",
        "https://user:secret@ehr.example/fhir",
        "https://@ehr.example/fhir",
        "https://ehr.example/fhir?x=1",
        "https://ehr.example/fhir?",
        "https://ehr.example/fhir#x",
        "https://ehr.example/fhir#",
        "https://ehr.example:99999/fhir",
        "https://ehr.example:port/fhir",
        "https://ehr.example/a/../fhir",
        "https://ehr.example/%2e%2e/fhir",
        "https://ehr.example/a%2f..%2ffhir",
        "https://ehr.example/a%5c..%5cfhir",
        "https://ehr.example/fh ir",
        "https://ehr.example/fhir\n",
        "\thttps://ehr.example/fhir",
        "https://ehr.example\\@evil.example/fhir",
        "https://ehr.exämple/fhir",
        "https://[::1/fhir",
        "{{fhirServer}}",
    ],
)
def test_what_is_no_plain_absolute_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must") as raised:
        parse_base_url(text)
    assert "ehr" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://ehr.example/fhir",
        "https://ehr.example/fhir/",
        "https://ehr.example/fhir/Observation",
        "https://ehr.example:443/fhir/Observation",
        "https://EHR.example/fhir//Observation",
    ],
)
def test_a_url_below_the_base_is_covered(url: str) -> None:
    assert parse_base_url("https://ehr.example/fhir").covers(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://ehr.example/fhir/Observation",
        "https://ehr.example:8443/fhir/Observation",
        "https://ehr.example.evil.example/fhir",
        "https://evil.example/fhir",
        "https://evil.example/?x=https://ehr.example/fhir",
        "https://ehr.example/fhir-evil/Observation",
        "https://ehr.example/",
        "https://ehr.example/fhir/../admin",
        "https://ehr.example/fhir/%2E%2e/admin",
        "https://ehr.example/fhir/x%2f..%2F..%2fadmin",
        "https://ehr.example@evil.example/fhir",
        "https://user@ehr.example/fhir",
        "/fhir/Observation",
        "",
    ],
)
def test_a_url_elsewhere_is_not_covered(url: str) -> None:
    assert not parse_base_url("https://ehr.example/fhir").covers(url)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("localhost", True),
        ("[::1]", True),
        ("127.1", False),
        ("0.0.0.0", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("169.254.169.254", False),
        ("10.0.0.1", False),
        ("2130706433", False),
    ],
)
def test_loopback_is_this_machine_and_nothing_that_looks_like_it(host: str, loopback: bool) -> None:
    assert parse_base_url(f"http://{host}/fhir").is_loopback is loopback
