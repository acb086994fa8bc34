# SPDX-License-Identifier: Apache-2.0
"""A network service without networks: guests have none.

Nova asks it for ports when an instance is deleted or moves; there are none.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any


def application(
    environ: dict[str, Any], start: Callable[..., object]
) -> Iterable[bytes]:
    """Answer each list with an empty one."""
    name = environ['PATH_INFO'].rstrip('/').rpartition('/')[2]
    body = json.dumps({name.removesuffix('.json') or 'versions': []})
    start('200 OK', [('Content-Type', 'application/json')])
    return [body.encode()]
