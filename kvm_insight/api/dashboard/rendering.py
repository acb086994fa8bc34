# SPDX-License-Identifier: Apache-2.0
"""Rendering: pages as HTML; whatever they are filled with stays text."""

from collections.abc import Mapping
from typing import Any
from urllib import parse

import flask
import jinja2

from kvm_insight.api import session
from kvm_insight.api.dashboard import asset, figure, page, reading

#: Address, name, and what has to be allowed for it.
_NAVIGATION = (
    ('/', 'Cluster', '/v1/instances'),
    ('/instances', 'Instances', '/v1/instances'),
    ('/findings', 'Findings', '/v1/findings'),
    ('/recommendations', 'Recommendations', '/v1/recommendations'),
    ('/report', 'Report', '/v1/projects/{id}/report'),
    ('/advice', 'Advice', '/v1/configuration-findings'),
    ('/overcommit', 'Overcommit', '/v1/overcommit'),
    ('/orders', 'Orders', '/v1/mutes'),
    ('/health', 'Health', '/v1/health'),
)


class Renderer:
    """Makes HTML of pages."""

    def __init__(self, assets: Mapping[str, asset.Asset]) -> None:
        """Refer to these files."""
        self._assets = assets
        self._environment = jinja2.Environment(
            loader=jinja2.PackageLoader(
                'kvm_insight.api.dashboard', 'template'
            ),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            finalize=figure.visible,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(figure.FILTERS)
        self._environment.filters['path'] = _path
        self._environment.globals['asset'] = self._address

    def text(self, made: page.Page, reader: reading.Reader | None) -> str:
        """Return a page as HTML; without a reader one that needs none."""
        template = self._environment.get_template(made.template)
        request = flask.request
        values: dict[str, Any] = {
            'refused': None,
            'told': page.Told(),
            'reader': reader,
            'navigation': _navigation(reader) if reader else [],
            'here': request.path,
            'url': request.full_path.rstrip('?'),
            'csrf_field': session.FIELD,
            'csrf': session.word(request),
        }
        return template.render({**values, **made.values})

    def _address(self, name: str) -> str:
        return f'/static/{name}?v={self._assets[name].digest}'


def _navigation(reader: reading.Reader) -> list[tuple[str, str]]:
    return [
        (address, name)
        for address, name, needed in _NAVIGATION
        if reader.may(needed)
    ]


def _path(text: str) -> str:
    """Return a name as it stands in an address; slashes stay."""
    return parse.quote(text, safe='/')
