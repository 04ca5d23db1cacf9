"""A hook call to the installed package: started by `heme-hooks serve`, asked over HTTP.

Standard library only, so that it runs in an environment that holds nothing but the product.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

HERE = Path(sys.executable).parent
OPEN = build_opener(ProxyHandler({}))


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(url, body=None):
    """One request; the JSON of the answer."""
    data = None if body is None else json.dumps(body, default=float).encode()
    request = Request(url, data, {"Content-Type": "application/json"})
    with OPEN.open(request, timeout=30) as answer:
        return json.load(answer)


def wait_for(url, server):
    """Until the service answers."""
    for _ in range(300):
        if server.poll() is not None:
            sys.exit("check: the service ended with %s" % server.returncode)
        try:
            return ask(url)
        except (URLError, OSError):
            time.sleep(0.1)
    sys.exit("check: the service does not answer")


def main():
    """Start, ask, stop."""
    import service
    from service import samples
    from service.cds_hooks.bundle_prefetch import encode, read_bundle
    from service.cds_hooks.discovery import load_catalogue

    if not Path(service.__file__).is_relative_to(HERE.parent):
        sys.exit("check: not the installed package: %s" % service.__file__)
    now = datetime.now(timezone.utc)  # noqa: TID251  a real call at a real moment
    document = encode(samples.sample_bundle(samples.SEED, now))
    prefetch = read_bundle(document, load_catalogue().templates).prefetch
    call = json.loads(encode(samples.hook_call(samples.SEED, now, prefetch=prefetch)))
    base = "http://127.0.0.1:%d" % free_port()
    command = [
        str(HERE / "heme-hooks"),
        "serve",
        "--port",
        base.rpartition(":")[2],
        "--workers",
        "1",
    ]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=_environment())
    try:
        services = wait_for(base + "/cds-services", server)["services"]
        answer = ask(base + "/cds-services/" + services[0]["id"], call)
        found = [card["source"]["topic"]["code"] for card in answer["cards"]]
        ready = ask(base + "/health/ready")["status"]
        described = ask(base + "/openapi.json")["info"]["version"]
    finally:
        server.send_signal(signal.SIGTERM)
        ended = server.wait(40)
    if "index-pattern" not in found or ready != "ready" or ended != 0:
        sys.exit("check: %s, %s, ended with %s" % (found, ready, ended))
    print("heme-hooks %s installed, called and stopped: %s" % (described, ", ".join(found)))


def _environment():
    """This environment without settings of the product."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("HEME_HOOKS_", "PYTHON"))}


if __name__ == "__main__":
    main()
