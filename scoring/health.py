"""The health check of the container: asks the service whether it is alive."""

from __future__ import annotations

import os
import ssl
import sys
import urllib.request

TIMEOUT_SECONDS = 2


def main() -> int:
    """The exit code: 0 if the service answers."""
    scheme = "https" if os.environ.get("SCORING_TLS_CERTIFICATE") else "http"
    url = f"{scheme}://127.0.0.1:{os.environ.get('SCORING_PORT', '8080')}/healthz"
    context = ssl.create_default_context()
    # The certificate is for the public name of the service, not for the loopback address.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS, context=context) as answer:  # noqa: S310 - http(s)
            return int(answer.status != 200)
    except OSError as exc:
        print(exc, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
