# SPDX-License-Identifier: Apache-2.0
"""HTML of a report: one page that needs nothing else, and no script.

Plots are drawn here, as SVG in the page: a plot library would bring fonts,
scripts or pictures, none of which follow a reader's dark mode or print as
they should, for what are only rectangles.
"""

import datetime
import functools

import jinja2

from kvm_insight.model import tenant_report
from kvm_insight.report import figure, plot, view

#: In the order in which they are stacked.
_CAUSES = (
    'other_projects',
    'neighbours',
    'own_project',
    'own_threads',
    'quota',
    'host',
    'unattributed',
)


def text(made: tenant_report.TenantReport, zone: datetime.tzinfo) -> str:
    """Return the page; ``zone`` is the one that the period says."""
    page = _environment().get_template('report.html')
    return page.render(
        one=made,
        view=view.of(made, zone),
        figure=figure,
        zone=zone,
        plot=plot,
        causes=_CAUSES,
        waits=_waits(made, zone),
        work=_work(made, zone),
        data=_data(made, zone),
        instances=sorted(
            made.instances, key=lambda each: -each.cpu.waited_core_s
        ),
    )


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader('kvm_insight.report', 'template'),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _waits(
    made: tenant_report.TenantReport, zone: datetime.tzinfo
) -> plot.Plot:
    def causes(slot: tenant_report.Slot) -> dict[str, float]:
        return {name: getattr(slot.causes, name) / 3600 for name in _CAUSES}

    def words(kind: str, hours: float) -> str:
        return (
            f'{figure.number(hours)} core-hours waited: {figure.cause(kind)}'
        )

    return plot.stacked(made.timeline, zone, causes, words)


def _work(
    made: tenant_report.TenantReport, zone: datetime.tzinfo
) -> plot.Plot:
    def used(slot: tenant_report.Slot) -> dict[str, float]:
        return {'run': slot.run_core_s / 3600}

    def words(kind: str, hours: float) -> str:
        return f'{figure.number(hours)} core-hours'

    return plot.stacked(made.timeline, zone, used, words)


def _data(
    made: tenant_report.TenantReport, zone: datetime.tzinfo
) -> plot.Plot:
    def covered(slot: tenant_report.Slot) -> dict[str, float]:
        if slot.known_s <= 0:
            return {'measured': 0.0, 'gap': 0.0}
        part = min(1.0, slot.measured_s / slot.known_s)
        return {'measured': part * 100, 'gap': (1 - part) * 100}

    def words(kind: str, percent: float) -> str:
        share = figure.share(percent / 100)
        return f'{share} {"measured" if kind == "measured" else "no data"}'

    return plot.stacked(made.timeline, zone, covered, words, 100.0)
