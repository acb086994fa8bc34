# SPDX-License-Identifier: Apache-2.0
"""Health: whether what is shown can be believed."""

from typing import Any

from kvm_insight.api import asking, moment
from kvm_insight.api.resource import document, health
from kvm_insight.model import inventory, mark
from kvm_insight.store import facts, pipeline

_MANY = 100


def show(ask: asking.Ask[document.Query, None]) -> health.Health:
    """Return how agents, planner and recorder are."""
    store = ask.store
    planner = facts.fact(store, 'planner', inventory.PlannerStatus)
    since_hour = (ask.now_us - moment.DAY_US) // moment.HOUR_US
    return health.Health(
        now_us=ask.now_us,
        hosts=health.HostCounts(**pipeline.counts(store, ask.fresh_us)),
        silent=[
            health.Silent(
                name=name,
                report_us=report_us,
                silent_s=_age_s(ask, report_us),
            )
            for name, report_us in pipeline.silent(store, ask.fresh_us, _MANY)
        ],
        gaps=[
            health.Gap(
                name=row['name'],
                samples=int(row['samples']),
                missing=int(row['missing']),
                coverage=min(
                    1.0, int(row['measured_us']) / _told_us(row['hours'])
                ),
            )
            for row in pipeline.gaps(store, since_hour, _MANY)
        ],
        agents=[health.Agent(**row) for row in _agents(ask)],
        newest_us=pipeline.newest(store),
        planner=planner,
        planner_age_s=_age_s(ask, planner.time_us if planner else None),
        marks=facts.fact(store, 'marks', mark.Marks),
        recorder=[health.Read(**row) for row in pipeline.offsets(store)],
    )


def _agents(
    ask: asking.Ask[document.Query, None],
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name, one in pipeline.agents(ask.store):
        failures = sum(one.identity_failures.values())
        if one.spooled or one.dropped or failures:
            found.append(
                {
                    'name': name,
                    'version': one.version,
                    'spooled': one.spooled,
                    'dropped': one.dropped,
                    'identity_failures': failures,
                }
            )
    found.sort(key=lambda one: (-one['dropped'], -(one['spooled'] or 0)))
    return found[:_MANY]


def _told_us(hours: int) -> int:
    return max(1, hours) * moment.HOUR_US


def _age_s(
    ask: asking.Ask[document.Query, None], then_us: int | None
) -> int | None:
    if then_us is None:
        return None
    return max(0, ask.now_us - then_us) // 1_000_000
