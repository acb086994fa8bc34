# SPDX-License-Identifier: Apache-2.0
"""Routes: all addresses with their methods, in one table.

``{name+}`` also matches what has slashes in it: a host's name has one after
its region.
"""

from kvm_insight.api import route
from kvm_insight.api.handler import (
    configuration,
    finding,
    health,
    host,
    instance,
    ledger,
    order,
    overcommit,
    recommendation,
    report,
    timeline,
)
from kvm_insight.api.resource import configuration as configuration_resource
from kvm_insight.api.resource import document
from kvm_insight.api.resource import finding as finding_resource
from kvm_insight.api.resource import health as health_resource
from kvm_insight.api.resource import host as host_resource
from kvm_insight.api.resource import instance as instance_resource
from kvm_insight.api.resource import ledger as ledger_resource
from kvm_insight.api.resource import order as order_resource
from kvm_insight.api.resource import overcommit as overcommit_resource
from kvm_insight.api.resource import recommendation as advice_resource
from kvm_insight.api.resource import report as report_resource
from kvm_insight.api.resource import timeline as timeline_resource
from kvm_insight.model import control, tenant_report

Methods = dict[str, route.Route]

_HOSTS: dict[str, Methods] = {
    '/v1/hosts': {
        'GET': route.Route(
            host.index,
            'insight:hosts:read',
            host_resource.Hosts,
            host_resource.HostsQuery,
        ),
    },
    '/v1/hosts/{name+}': {
        'GET': route.Route(
            host.show, 'insight:hosts:read', host_resource.HostDetail
        ),
    },
    '/v1/hosts/{name+}/ledger': {
        'GET': route.Route(
            ledger.of_host,
            'insight:hosts:read',
            ledger_resource.HostLedger,
            document.Between,
        ),
    },
    '/v1/hosts/{name+}/hours': {
        'GET': route.Route(
            timeline.of_host,
            'insight:hosts:read',
            timeline_resource.HostTimeline,
            timeline_resource.TimelineQuery,
        ),
    },
    '/v1/aggregates': {
        'GET': route.Route(
            host.aggregates, 'insight:hosts:read', host_resource.Aggregates
        ),
    },
    '/v1/availability-zones': {
        'GET': route.Route(
            host.zones, 'insight:hosts:read', host_resource.Zones
        ),
    },
}
_INSTANCES: dict[str, Methods] = {
    '/v1/instances': {
        'GET': route.Route(
            instance.index,
            'insight:instances:read',
            instance_resource.Instances,
            instance_resource.InstancesQuery,
        ),
    },
    '/v1/instances/{uuid}': {
        'GET': route.Route(
            instance.show,
            'insight:instances:read',
            instance_resource.InstanceDetail,
        ),
    },
    '/v1/instances/{uuid}/ledger': {
        'GET': route.Route(
            ledger.of_instance,
            'insight:instances:read',
            ledger_resource.InstanceLedger,
            document.Between,
        ),
    },
    '/v1/instances/{uuid}/hours': {
        'GET': route.Route(
            timeline.of_instance,
            'insight:instances:read',
            timeline_resource.InstanceTimeline,
            timeline_resource.TimelineQuery,
        ),
    },
}
_FINDINGS: dict[str, Methods] = {
    '/v1/findings': {
        'GET': route.Route(
            finding.index,
            'insight:findings:read',
            finding_resource.Findings,
            finding_resource.FindingsQuery,
        ),
    },
    '/v1/findings/{id}': {
        'GET': route.Route(
            finding.show,
            'insight:findings:read',
            finding_resource.FindingDetail,
        ),
    },
    '/v1/configuration-findings': {
        'GET': route.Route(
            configuration.index,
            'insight:configuration_findings:read',
            configuration_resource.ConfigurationFindings,
            configuration_resource.ConfigurationFindingsQuery,
        ),
    },
}
_RECOMMENDATIONS: dict[str, Methods] = {
    '/v1/recommendations': {
        'GET': route.Route(
            recommendation.index,
            'insight:recommendations:read',
            advice_resource.Recommendations,
            advice_resource.RecommendationsQuery,
        ),
    },
    '/v1/recommendations/{id}': {
        'GET': route.Route(
            recommendation.show,
            'insight:recommendations:read',
            advice_resource.RecommendationDetail,
        ),
    },
    '/v1/recommendations/{id}/approve': {
        'POST': route.Route(
            recommendation.approve,
            'insight:recommendations:decide',
            order_resource.Order,
            body=order_resource.Decision,
            body_optional=True,
            status=202,
        ),
    },
    '/v1/recommendations/{id}/reject': {
        'POST': route.Route(
            recommendation.reject,
            'insight:recommendations:decide',
            order_resource.Order,
            body=order_resource.Decision,
            body_optional=True,
            status=202,
        ),
    },
}


def _orders(
    noun: str,
    kind: control.Kind,
    index: route.Handler,
    give: route.Handler,
    listed: type[document.Document],
    body: type[document.Body],
) -> dict[str, Methods]:
    """Return how orders of a kind are listed, given and taken back."""
    rule = f'insight:{noun.replace("-", "_")}'
    return {
        f'/v1/{noun}': {
            'GET': route.Route(
                index, f'{rule}:read', listed, order_resource.OrdersQuery
            ),
            'POST': route.Route(
                give,
                f'{rule}:write',
                order_resource.Order,
                body=body,
                status=202,
            ),
        },
        f'/v1/{noun}/{{id+}}': {
            'DELETE': route.Route(
                order.take_back(kind), f'{rule}:write', None, status=202
            ),
        },
    }


_ORDERS: dict[str, Methods] = {
    **_orders(
        'mutes',
        'mute',
        order.mutes,
        order.mute,
        order_resource.Mutes,
        order_resource.Mute,
    ),
    **_orders(
        'acknowledgements',
        'acknowledgement',
        order.acknowledgements,
        order.acknowledge,
        order_resource.Acknowledgements,
        order_resource.Acknowledgement,
    ),
    **_orders(
        'opt-outs',
        'opt_out',
        order.opt_outs,
        order.opt_out,
        order_resource.OptOuts,
        order_resource.OptOut,
    ),
    **_orders(
        'blackout-windows',
        'blackout',
        order.blackout_windows,
        order.black_out,
        order_resource.BlackoutWindows,
        order_resource.BlackoutWindow,
    ),
}
_CLOUD: dict[str, Methods] = {
    '/v1/projects/{id}/report': {
        'GET': route.Route(
            report.show,
            'insight:reports:read',
            tenant_report.TenantReport,
            report_resource.ReportQuery,
            texts=('text/csv', 'text/html'),
        ),
    },
    '/v1/overcommit': {
        'GET': route.Route(
            overcommit.index,
            'insight:overcommit:read',
            overcommit_resource.Overcommits,
            overcommit_resource.OvercommitQuery,
        ),
    },
    '/v1/health': {
        'GET': route.Route(
            health.show, 'insight:health:read', health_resource.Health
        ),
    },
}

ROUTES: dict[str, Methods] = {
    **_HOSTS,
    **_INSTANCES,
    **_FINDINGS,
    **_RECOMMENDATIONS,
    **_ORDERS,
    **_CLOUD,
}
