# SPDX-License-Identifier: Apache-2.0
"""Page: a template and what it is filled with."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any
from urllib import parse

from kvm_insight.api.dashboard import reading


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """What one address shows."""

    template: str
    values: Mapping[str, Any]
    status: int = 200
    #: A whole page that another room made, instead of the template.
    text: str | None = None
    media: str = 'text/html'


class Told(dict[str, str]):
    """What was said in a form; nothing is an empty text."""

    def __missing__(self, name: str) -> str:
        return ''


#: Makes a page of what its reader may read.
Make = Callable[[reading.Reader], Page]


def more(reader: reading.Reader, links: list[Any]) -> str | None:
    """Return the query of a list's next part, if there is one."""
    for link in links:
        if link.rel == 'next':
            asked = parse.parse_qs(parse.urlsplit(link.href).query)
            words = {**reader.arguments, 'marker': asked['marker'][0]}
            return '?' + parse.urlencode(words)
    return None
