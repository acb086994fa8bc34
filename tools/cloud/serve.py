# SPDX-License-Identifier: Apache-2.0
"""``serve.py MODULE PORT``: serve a WSGI module on the loopback interface.

Runs with the cloud's own Python. The modules read ``sys.argv`` while they are
imported, so it is emptied first.
"""

import importlib
import signal
import sys

_THREADS = 6


def main() -> None:
    """Serve until ended."""
    module, port = sys.argv[1], int(sys.argv[2])
    sys.argv = [module]
    application = importlib.import_module(module).application
    # After the application, which may patch the standard library.
    waitress = importlib.import_module('waitress')
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    waitress.serve(
        application,
        host='127.0.0.1',
        port=port,
        threads=_THREADS,
        clear_untrusted_proxy_headers=True,
        max_request_body_size=1 << 32,
        ident=None,
    )


if __name__ == '__main__':
    main()
