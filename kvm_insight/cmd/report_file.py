# SPDX-License-Identifier: Apache-2.0
"""A tenant's report in each form that it can be had in."""

import datetime
import email.headerregistry
import email.message
import email.policy
import email.utils
import hashlib
import re

from kvm_insight import exception
from kvm_insight.cmd import report_text
from kvm_insight.model import codec, tenant_report
from kvm_insight.report import sheet, view

FORMATS = ('text', 'json', 'csv', 'html', 'eml')
ENDINGS = {'text': 'txt'}
_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]{0,99}')


def rendered(
    made: tenant_report.TenantReport,
    zone: datetime.tzinfo,
    form: str,
    table: str,
    letter: email.message.EmailMessage | None = None,
) -> bytes:
    """Return the report in one of ``FORMATS``; ``letter`` has the addresses
    of a mail."""
    if form == 'json':
        return codec.encode(made) + b'\n'
    if form == 'csv':
        return sheet.text(made, table).encode('utf-8', 'replace')
    if form == 'html':
        return _page(made, zone).encode('utf-8', 'replace')
    if form == 'eml' and letter is not None:
        return _mail(made, zone, letter)
    return report_text.text(made, zone).encode('utf-8', 'replace')


def _page(made: tenant_report.TenantReport, zone: datetime.tzinfo) -> str:
    # Who has no database has no Jinja2.
    from kvm_insight.report import page

    return page.text(made, zone)


def letter(to: str | None, sender: str | None) -> email.message.EmailMessage:
    """Return an empty mail; ConfigError for addresses that are none."""
    made = email.message.EmailMessage(email.policy.SMTP)
    for switch, name, address in (
        ('--from', 'From', sender),
        ('--to', 'To', to),
    ):
        if not address:
            raise exception.ConfigError(
                f'{switch} ADDRESS is missing: a mail needs it'
            )
        try:
            made[name] = address
            wrong = made[name].defects or not made[name].addresses
        except (ValueError, IndexError, AttributeError) as why:
            raise exception.ConfigError(
                f'{switch} {address!r} is no address of mail'
            ) from why
        if wrong or '@' not in address:
            raise exception.ConfigError(
                f'{switch} {address!r} is no address of mail'
            )
    return made


def _mail(
    made: tenant_report.TenantReport,
    zone: datetime.tzinfo,
    addressed: email.message.EmailMessage,
) -> bytes:
    """Return a mail that says it as text and as the page."""
    seen = view.of(made, zone)
    mail = email.message.EmailMessage(email.policy.SMTP)
    for name in ('From', 'To'):
        mail[name] = addressed[name]
    title = ''.join(c if c.isprintable() else '?' for c in seen.project)
    mail['Subject'] = f'{title}: {seen.when}'
    mail['Date'] = email.utils.format_datetime(
        datetime.datetime.fromtimestamp(made.made_us / 1e6, datetime.UTC)
    )
    mail['Auto-Submitted'] = 'auto-generated'
    mail.set_content(report_text.text(made, zone))
    mail.add_alternative(_page(made, zone), subtype='html')
    return mail.as_bytes()


def name(project: str, form: str) -> str:
    """Return a file's name for a project; what is no plain word in the
    project's id does not get into it."""
    ending = ENDINGS.get(form, form)
    if _NAME.fullmatch(project):
        return f'{project}.{ending}'
    digest = hashlib.sha256(project.encode('utf-8', 'replace')).hexdigest()
    return f'project-{digest[:16]}.{ending}'
