# SPDX-License-Identifier: Apache-2.0
"""XML from somebody else to a tree, with hostile input refused.

A tenant chooses part of what stands in a domain's XML, so nothing is expanded
and nothing grows beyond a bound: a document type (and with it every entity
bomb and external entity) ends the parse before it costs anything.
"""

from xml.etree import ElementTree
from xml.parsers import expat

from kvm_insight import exception

#: Real domains stay under 100 kB; libvirt itself refuses over 4 MB.
LARGEST = 4 * 1024 * 1024
DEEPEST = 100
_MOST_ELEMENTS = 100_000


def parse(text: str) -> ElementTree.Element:
    """Return the root, names as ``{namespace}tag``; else CollectorError."""
    if len(text) > LARGEST:
        raise exception.CollectorError(f'XML of {len(text)} characters')
    reader = _Reader()
    try:
        reader.parser.Parse(text.encode(), True)
    except (expat.ExpatError, UnicodeEncodeError) as why:
        raise exception.CollectorError(f'XML is broken: {why}') from why
    return reader.builder.close()


class _Reader:
    """Builds the tree, counts elements and depth."""

    def __init__(self) -> None:
        self.builder = ElementTree.TreeBuilder()
        self.parser = expat.ParserCreate(namespace_separator='}')
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self.builder.data
        self.parser.StartDoctypeDeclHandler = self._doctype
        self._depth = 0
        self._elements = 0

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > DEEPEST or self._elements > _MOST_ELEMENTS:
            raise exception.CollectorError('XML is too deep or too long')
        self.builder.start(_clark(name), attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self.builder.end(_clark(name))

    def _doctype(self, *_: object) -> None:
        raise exception.CollectorError('XML has a document type')


def _clark(name: str) -> str:
    return '{' + name if '}' in name else name
