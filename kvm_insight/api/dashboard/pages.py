# SPDX-License-Identifier: Apache-2.0
"""Pages: all addresses of people, in one table."""

from kvm_insight.api.dashboard import (
    cloud,
    cluster,
    finding,
    host,
    instance,
    order,
    page,
    recommendation,
    report,
)

PAGES: dict[str, page.Make] = {
    '/': cluster.show,
    '/hosts/<path:name>': host.show,
    '/instances': instance.index,
    '/instances/<uuid>': instance.show,
    '/findings': finding.index,
    '/findings/<id>': finding.show,
    '/recommendations': recommendation.index,
    '/recommendations/<id>': recommendation.show,
    '/report': report.show,
    '/report/page': report.whole,
    '/report/<table>.csv': report.sheet,
    '/advice': cloud.advice,
    '/overcommit': cloud.overcommit,
    '/orders': order.index,
    '/health': cloud.health,
}
