# SPDX-License-Identifier: Apache-2.0
"""OpenAPI: the document of all routes, made from their types.

``python -m kvm_insight.api.openapi`` prints it; the documentation has it in
``reference/openapi.json``.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from kvm_insight.api import answering, route, routes, version
from kvm_insight.api.resource import document, failure, root

Tree = dict[str, Any]

_REFERENCE = '#/components/schemas/{name}'
_FAILURES = (400, 401, 403, 404, 406, 409, 412, 413, 415, 503)
_TITLE = 'kvm_insight'


_METRICS: Tree = {
    '/v1/metrics': {
        'get': {
            'operationId': 'get_metrics',
            'summary': 'Return the metrics for Prometheus',
            'description': 'Policy: `insight:metrics:read`',
            'responses': {
                '200': {
                    'description': 'OK',
                    'content': {'text/plain': {'schema': {'type': 'string'}}},
                }
            },
        }
    }
}


def made() -> Tree:
    """Return the whole document."""
    whole = json.dumps(_made())
    # What is called alike in two modules: ours is called so, another one is
    # called by its module, too.
    for name in sorted(set(re.findall(r'kvm_insight(?:[.]\w+)+', whole))):
        *_, module, last = name.split('.')
        prefix = '' if '.api.' in name else module.title().replace('_', '')
        whole = whole.replace(f'/{name}"', f'/{prefix}{last}"')
        whole = whole.replace(f'"{name}":', f'"{prefix}{last}":')
    tree: Tree = json.loads(whole)
    return tree


def _made() -> Tree:
    kinds = _kinds()
    shapes, components = msgspec.json.schema_components(
        kinds, ref_template=_REFERENCE
    )
    by_kind = dict(zip(kinds, shapes, strict=True))
    return {
        'openapi': '3.1.0',
        'info': {
            'title': _TITLE,
            'version': str(version.NEWEST),
            'license': {'name': 'Apache-2.0', 'identifier': 'Apache-2.0'},
        },
        'security': [{'token': []}],
        'paths': {
            **_public(by_kind),
            **_METRICS,
            **{
                _path(address): _item(address, methods, by_kind, components)
                for address, methods in routes.ROUTES.items()
            },
        },
        'components': {
            'schemas': dict(sorted(components.items())),
            'securitySchemes': {
                'token': {
                    'type': 'apiKey',
                    'in': 'header',
                    'name': 'X-Auth-Token',
                }
            },
        },
    }


def _kinds() -> list[type]:
    found: dict[type, None] = {
        failure.Failures: None,
        root.Versions: None,
        root.OneVersion: None,
    }
    for methods in routes.ROUTES.values():
        for one in methods.values():
            for kind in (one.answer, one.query, one.body):
                if kind is not None:
                    found[kind] = None
    return list(found)


def _path(address: str) -> str:
    return address.replace('+}', '}')


def _public(by_kind: dict[type, Tree]) -> Tree:
    """Return what needs no token."""
    return {
        address: {
            'get': {
                'operationId': name,
                'summary': summary,
                'security': [],
                'responses': {'200': _answer('OK', by_kind[kind])},
            }
        }
        for address, name, summary, kind in (
            ('/', 'versions', 'Return all versions', root.Versions),
            ('/v1/', 'version', 'Return this version', root.OneVersion),
        )
    }


def _item(
    address: str,
    methods: routes.Methods,
    by_kind: dict[type, Tree],
    components: Tree,
) -> Tree:
    item: Tree = {}
    names = re.findall(r'\{(\w+)\+?\}', address)
    if names:
        item['parameters'] = [
            {
                'name': name,
                'in': 'path',
                'required': True,
                'schema': {'type': 'string', 'minLength': 1},
            }
            for name in names
        ]
    for method, one in methods.items():
        item[method.lower()] = {
            'operationId': _operation(method, address),
            'summary': one.summary,
            'description': f'Policy: `{one.policy}`',
            'parameters': list(_parameters(one, by_kind, components)),
            **_request(one, by_kind),
            'responses': _responses(one, by_kind),
        }
    return item


def _operation(method: str, address: str) -> str:
    words = re.findall(r'\w+', address.replace('-', '_'))
    return '_'.join([method.lower(), *words[1:]])


def _parameters(
    one: route.Route, by_kind: dict[type, Tree], components: Tree
) -> Iterator[Tree]:
    """Yield what may stand behind the question mark."""
    if one.query is not document.Query:
        reference = by_kind[one.query]['$ref']
        shape = components[reference.rpartition('/')[2]]
        for name, schema in shape['properties'].items():
            yield {'name': name, 'in': 'query', 'schema': schema}
    yield {
        'name': version.HEADER,
        'in': 'header',
        'schema': {
            'type': 'string',
            'pattern': f'^{version.SERVICE} ([0-9]+[.][0-9]+|latest)$',
        },
    }


def _request(one: route.Route, by_kind: dict[type, Tree]) -> Tree:
    if one.body is None:
        return {}
    return {
        'requestBody': {
            'required': not one.body_optional,
            'content': {answering.JSON: {'schema': by_kind[one.body]}},
        }
    }


def _responses(one: route.Route, by_kind: dict[type, Tree]) -> Tree:
    title = 'OK' if one.status == 200 else 'Said'
    found: Tree = {str(one.status): {'description': title}}
    if one.answer is not None:
        found[str(one.status)] = _answer(title, by_kind[one.answer], one.texts)
    if one.status == 200:
        found['304'] = {'description': 'As the asker has it.'}
    for status in _FAILURES:
        found[str(status)] = _answer('Not done', by_kind[failure.Failures])
    return found


def _answer(title: str, shape: Tree, texts: Sequence[str] = ()) -> Tree:
    others = {kind: {'schema': {'type': 'string'}} for kind in texts}
    return {
        'description': title,
        'content': {answering.JSON: {'schema': shape}, **others},
    }


def text() -> str:
    """Return the document, ready to be written to a file."""
    return json.dumps(made(), indent=1, ensure_ascii=False) + '\n'


if __name__ == '__main__':
    sys.stdout.write(text())
