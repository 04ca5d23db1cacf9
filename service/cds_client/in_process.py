"""The service within this process, for `heme-hooks try`: the same Flask application, no socket."""

from __future__ import annotations

from http import HTTPStatus
from io import StringIO
from typing import TYPE_CHECKING

from service.app import create_app, utc_now
from service.base_urls import parse_base_url
from service.cds_client.call import EXIT_REFUSED, EXIT_USAGE, TryFailed
from service.settings import SettingsRefused, load_settings

if TYPE_CHECKING:
    from datetime import datetime

    from service.settings import Settings

_MOST_BYTES = 512 * 1024 * 1024
_MOST_ENTRIES = 10_000_000


class InProcessTransport:
    """Answers calls with the application itself.

    The FHIR server that the person names is allowed, whatever the settings say; `at` stands in for
    the clock. Raises TryFailed when the settings or the address cannot be used.
    """

    def __init__(self, fhir_server: str | None = None, at: datetime | None = None) -> None:
        clock = utc_now if at is None else lambda: at
        # The log lines of the service are for its operators; here one person reads its answer.
        self._log = StringIO()
        app = create_app(_settings(fhir_server), clock=clock, log_stream=self._log)
        self._client = app.test_client()

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Call the application."""
        answer = self._client.post(path, data=body, content_type="application/json")
        if answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
            # The last line of the log names the place and never the patient.
            last = self._log.getvalue().strip().rpartition("\n")[2]
            raise TryFailed(f"The service failed: {last}", EXIT_REFUSED)
        return answer.status_code, answer.data


def _settings(fhir_server: str | None) -> Settings:
    try:
        settings = load_settings()
        servers = settings.fhir_servers
        if fhir_server:
            servers = (*servers, str(parse_base_url(fhir_server)))
        return settings.model_copy(
            update={
                "fhir_servers": servers,
                "explanations": True,
                "clients_file": None,
                "database_url": "",
                "audit_log": "",
                "max_request_bytes": _MOST_BYTES,
                "max_entries": _MOST_ENTRIES,
            }
        )
    except SettingsRefused as error:
        raise TryFailed(" ".join(error.problems), EXIT_USAGE) from error
    except ValueError as error:
        raise TryFailed(f"--fhir-server: {error}", EXIT_USAGE) from error
