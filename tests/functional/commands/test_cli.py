"""The `heme-hooks` commands, as a person types them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.plandefinition import PlanDefinition

from service import samples
from service.cds_client.call import HttpTransport
from service.cds_hooks.bundle_prefetch import encode
from service.cli import COMMANDS, main
from service.commands.serve import gunicorn_command
from tests.support.vignette_charts import T0

AT = T0.isoformat()


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    import os

    for name in list(os.environ):
        if name.startswith("HEME_HOOKS_") and name != "HEME_HOOKS_REQUIRE_SERVERS":
            monkeypatch.delenv(name)


@pytest.fixture
def seed_file(tmp_path):
    path = tmp_path / "seed.json"
    path.write_bytes(encode(samples.sample_bundle(samples.SEED, T0)))
    return str(path)


def run(*arguments: str):
    return CliRunner().invoke(main, list(arguments))


def test_help_names_every_command():
    result = run("--help")

    assert result.exit_code == 0
    assert all(name in result.stdout for name in COMMANDS)


def test_an_unknown_command_is_wrong_usage():
    assert run("tyr").exit_code == 2


def test_try_prints_the_cards_of_a_bundle(seed_file):
    result = run("try", "--bundle", seed_file, "--at", AT)

    assert result.exit_code == 0, result.stderr
    assert "index-pattern" in result.stdout
    assert "Refer to hematology (urgent)" in result.stdout
    assert "Marrow aspirate and biopsy" in result.stdout
    assert "Decision support, not a diagnosis." in result.stdout
    assert result.stderr == ""


def test_try_prints_the_raw_response(seed_file):
    result = run("try", "--bundle", seed_file, "--at", AT, "--json")

    topics = [c["source"]["topic"]["code"] for c in json.loads(result.stdout)["cards"]]
    assert topics == ["index-pattern"]


def test_try_explains_a_patient_without_cards(tmp_path):
    normal = tmp_path / "normal.json"
    normal.write_bytes(encode(samples.sample_bundle("normal", T0)))

    result = run("try", "--bundle", str(normal), "--at", AT, "--evidence")

    assert result.exit_code == 0, result.stderr
    assert "No cards" in result.stdout
    assert "WHY" in result.stdout
    assert "RULES IN THE ORDER TRIED" in result.stdout


def test_try_takes_old_counts_for_old_unless_told_the_day(seed_file):
    assert "index-pattern" not in run("try", "--bundle", seed_file, "--at", "2027-06-15").stdout


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_try_asks_about_drafts(tmp_path, seed_file, hook):
    drafts = tmp_path / "drafts.json"
    drafts.write_text(
        json.dumps(
            {
                "resourceType": "MedicationRequest",
                "id": "d1",
                "status": "draft",
                "intent": "order",
                "subject": {"reference": f"Patient/{samples.SAMPLES[samples.SEED].patient_id}"},
                "medicationCodeableConcept": {
                    "coding": [
                        {
                            "system": "http://www.nlm.nih.gov/research/umls/rxnorm",
                            "code": "11248",
                        }
                    ]
                },
            }
        )
    )

    result = run("try", "--bundle", seed_file, "--at", AT, "--hook", hook, "--drafts", str(drafts))

    assert result.exit_code == 0, result.stderr
    assert "b12-order-without-deficiency" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Name either --fhir-server with --patient, or --bundle."),
        (("--fhir-server", "http://x.example/fhir"), "--fhir-server needs --patient ID."),
        (("--fhir-server", "nonsense", "--patient", "1"), "--fhir-server"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(arguments, sentence):
    result = run("try", *arguments)

    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("no json", "The file is not JSON (line 1, column 1)."),
        ("{}", "The file holds no FHIR Bundle."),
        ('{"resourceType": "Bundle", "type": "collection"}', "The Bundle holds no Patient."),
    ],
)
def test_a_file_that_is_no_chart_is_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "x.json"
    path.write_text(content)

    result = run("try", "--bundle", str(path))

    assert result.exit_code == 2
    assert result.stderr == f"heme-hooks try: x.json: {sentence}\n"


def test_an_order_hook_without_drafts_is_one_sentence(seed_file):
    result = run("try", "--bundle", seed_file, "--hook", "order-sign")

    assert result.exit_code == 2
    assert "--drafts" in result.stderr


def test_a_fhir_server_that_is_down_is_exit_code_3():
    result = run("try", "--fhir-server", "http://127.0.0.1:9/fhir", "--patient", "p")

    assert result.exit_code == 3
    assert "412" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_service_that_is_down_is_exit_code_4(seed_file):
    result = run("try", "--bundle", seed_file, "--service-url", "http://127.0.0.1:9")

    assert result.exit_code == 4
    assert "No service answers at http://127.0.0.1:9" in result.stderr


def test_the_same_call_through_a_running_service(httpserver, seed_file):
    httpserver.expect_request("/base/cds-services/pancytopenia-patient-view").respond_with_json(
        {"cards": []}
    )

    result = run("try", "--bundle", seed_file, "--service-url", httpserver.url_for("/base/"))

    assert result.exit_code == 0, result.stderr
    sent = json.loads(httpserver.log[0][0].data)
    assert sent["prefetch"]["patient"]["resourceType"] == "Patient"
    assert sent["context"]["patientId"] == sent["prefetch"]["patient"]["id"]


def test_a_discovery_address_is_taken_for_the_service_too(httpserver):
    httpserver.expect_request("/cds-services/x").respond_with_data(b"{}")

    transport = HttpTransport(httpserver.url_for("/cds-services"))

    assert transport.post("/cds-services/x", b"{}")[0] == 200


def test_a_token_goes_to_the_service_and_nowhere_else(httpserver, tmp_path):
    token = tmp_path / "token"
    token.write_text("secret-token\n")
    httpserver.expect_request("/cds-services/pancytopenia-patient-view").respond_with_json(
        {"cards": []}
    )

    result = run(
        "try",
        "--fhir-server",
        "https://ehr.example/fhir",
        "--patient",
        "p1",
        "--token-file",
        str(token),
        "--service-url",
        httpserver.url_for("/"),
    )

    assert result.exit_code == 0, result.stderr
    sent = json.loads(httpserver.log[0][0].data)
    assert sent["fhirAuthorization"]["access_token"] == "secret-token"
    assert sent["fhirServer"] == "https://ehr.example/fhir"
    assert "secret-token" not in result.output


def test_what_a_service_refuses_is_shown_with_its_reason(httpserver, seed_file):
    httpserver.expect_request("/cds-services/pancytopenia-patient-view").respond_with_json(
        {
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "error", "code": "invalid", "details": {"text": "Not so."}}],
        },
        status=400,
    )

    result = run("try", "--bundle", seed_file, "--service-url", httpserver.url_for("/"))

    assert result.exit_code == 1
    assert result.stderr == "heme-hooks try: The service answered 400: Not so.\n"


def test_an_answer_that_is_no_card_response_is_one_sentence(httpserver, seed_file):
    httpserver.expect_request("/cds-services/pancytopenia-patient-view").respond_with_data(
        b"<html>proxy</html>"
    )

    result = run("try", "--bundle", seed_file, "--service-url", httpserver.url_for("/"))

    assert result.exit_code == 1
    assert "no card response" in result.stderr


def test_samples_are_listed_and_shown():
    listed = run("samples", "list")
    shown = run("samples", "show", samples.SEED)

    assert listed.exit_code == 0
    assert all(name in listed.stdout for name in samples.NAMES)
    Bundle.model_validate_json(shown.stdout)


def test_a_sample_that_is_none_is_one_sentence():
    result = run("samples", "show", "nobody")

    assert result.exit_code == 2
    assert "There is no sample named nobody" in result.stderr


@pytest.mark.parametrize("command", ["load", "remove"])
def test_samples_need_a_server_that_answers(command):
    result = run("samples", command, "--fhir-server", "http://127.0.0.1:9/fhir")

    assert result.exit_code == 1
    assert result.stderr.startswith("heme-hooks samples: ")
    assert "Traceback" not in result.stderr


def test_knowledge_is_shown_and_exported():
    shown = run("knowledge", "show")
    exported = run("knowledge", "export")
    everything = run("knowledge", "export", "--all")

    assert "index-pattern" in shown.stdout
    PlanDefinition.model_validate_json(exported.stdout)
    Bundle.model_validate_json(everything.stdout)


def test_knowledge_check_finds_nothing_wrong():
    result = run("knowledge", "check")

    assert result.stderr == ""
    assert result.exit_code == 0
    assert "Every rule is reached by a worked example" in result.stdout


def test_serve_runs_gunicorn_with_threads_and_tells_cards_the_address():
    command = gunicorn_command("127.0.0.1", 8123, 2, 8)

    assert command[1:3] == ["-m", "gunicorn"]
    assert command[command.index("--worker-class") + 1] == (
        "service.commands.gunicorn_worker.CallWorker"
    )
    assert command[command.index("--bind") + 1] == "127.0.0.1:8123"
    assert "HEME_HOOKS_PUBLIC_URL=http://127.0.0.1:8123" in command
    assert command[-1] == "service.app:create_app()"


def test_a_public_address_that_is_set_stays():
    command = gunicorn_command("0.0.0.0", 80, 1, 1, "https://hooks.example")

    assert "HEME_HOOKS_PUBLIC_URL=https://hooks.example" in command


def test_links_never_start_with_an_address_that_only_means_every_interface():
    assert "HEME_HOOKS_PUBLIC_URL=http://localhost:80" in gunicorn_command("0.0.0.0", 80, 1, 1)
