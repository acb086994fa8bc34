# SPDX-License-Identifier: Apache-2.0
"""Orders: mutes, opt-outs, blackout windows and acknowledgements."""

from collections.abc import Callable, Mapping

from kvm_insight.api import moment, problem
from kvm_insight.api.dashboard import page, reading

_LISTS = {
    'mutes': 'mutes',
    'opt-outs': 'opt_outs',
    'blackout-windows': 'blackout_windows',
    'acknowledgements': 'acknowledgements',
}
_FIELDS = ('about', 'subject', 'name', 'reason', 'every_s')


def index(reader: reading.Reader) -> page.Page:
    """Return all that holds or is to hold."""
    lists = {
        noun: getattr(reader.get(f'/v1/{noun}', limit=200), field)
        for noun, field in _LISTS.items()
    }
    return page.Page(
        'orders.html',
        {
            'lists': lists,
            'may_say': {
                noun: reader.may(f'/v1/{noun}', 'POST') for noun in _LISTS
            },
        },
    )


def say(noun: str) -> Callable[[reading.Reader, Mapping[str, str]], str]:
    """Return what says it as the form has it."""

    def do(reader: reading.Reader, told: Mapping[str, str]) -> str:
        body = {
            name: told[name].strip()
            for name in _FIELDS
            if told.get(name, '').strip()
        }
        if body.get('about') == 'cloud':
            body.pop('subject', None)
        for name in ('begins', 'ends'):
            body.update(moment_us(told, name))
        reader.ask('POST', f'/v1/{noun}', body=body)
        return f'/orders?said=ordered#{noun}'

    return do


def take_back(reader: reading.Reader, told: Mapping[str, str]) -> str:
    """Take one of them back."""
    noun = reader.path['kind']
    if noun not in _LISTS:
        raise problem.unknown()
    path = {'id': told.get('id', '')}
    reader.ask('DELETE', f'/v1/{noun}/{{id+}}', path=path)
    return f'/orders?said=taken_back#{noun}'


def moment_us(told: Mapping[str, str], name: str) -> dict[str, str]:
    """Return a time of a form, which is in UTC, as bodies have it."""
    text = told.get(name, '').strip()
    if not text:
        return {}
    try:
        return {f'{name}_us': str(moment.us(text, name))}
    except problem.Problem as why:
        raise problem.Problem(400, problem.BAD_BODY, why.detail) from None
