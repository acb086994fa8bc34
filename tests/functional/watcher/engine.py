# SPDX-License-Identifier: Apache-2.0
"""Runs in Watcher's own environment: an audit of ours, up to its actions.

Watcher's syncer, loaders, strategy base, planner and database are real; the
cluster model is made of its own elements instead of being read from Nova. The
request is JSON on stdin: parameters, and where instances and nodes are.
"""

import json
import logging
import pathlib
import sys
import uuid
from typing import Any

from watcher import objects
from watcher.applier.loading import default as applier_loading
from watcher.common import config, context, service
from watcher.db.sqlalchemy import migration
from watcher.decision_engine import sync
from watcher.decision_engine.loading import default as loading
from watcher.decision_engine.model import element, model_root

NAME = 'kvm_insight'


class Lines(logging.Handler):
    """Keeps what our part of Watcher's log says."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def model(request: dict[str, Any]) -> Any:
    """Return the cluster as Watcher would have read it."""
    made = model_root.ModelRoot()
    nodes = {}
    for name, about in request['nodes'].items():
        nodes[name] = element.ComputeNode(
            uuid=str(uuid.uuid4()), hostname=name, **about
        )
        made.add_node(nodes[name])
    for name, about in request['instances'].items():
        host = about.pop('host')
        one = element.Instance(
            uuid=name, **{'name': f'i-{name[:4]}', 'state': 'active'} | about
        )
        made.add_instance(one)
        made.map_instance(one, nodes[host])
    return made


def audit(known: context.RequestContext) -> Any:
    """Return an audit of our goal, in the database."""
    goal = objects.Goal.get_by_name(known, NAME)
    strategy = objects.Strategy.get_by_name(known, NAME)
    made = objects.Audit(
        known,
        name=str(uuid.uuid4()),
        audit_type=objects.audit.AuditType.ONESHOT.value,
        state=objects.audit.State.PENDING,
        goal_id=goal.id,
        strategy_id=strategy.id,
        interval=None,
        auto_trigger=False,
        force=False,
        parameters={},
        scope=[],
    )
    made.create()
    return made


def planned(known: context.RequestContext, solution: Any) -> list[Any]:
    """Return the actions that Watcher's planner makes of the solution."""
    planner = loading.DefaultPlannerLoader().load('weight')
    plan = planner.schedule(known, audit(known).id, solution)
    rows = objects.Action.list(known, filters={'action_plan_id': plan.id})
    loader = applier_loading.DefaultActionLoader()
    for row in rows:
        action = loader.load(row.action_type)
        action.input_parameters = row.input_parameters
        action.validate_parameters()
    return [[row.action_type, row.input_parameters] for row in rows]


def main() -> None:
    """Answer one request."""
    request = json.loads(sys.stdin.read())
    objects.register_all()
    # Only what this module registers is missing.
    assert service.CONF
    folder = pathlib.Path(sys.argv[1])
    file = folder / 'watcher.conf'
    file.write_text(
        '[DEFAULT]\ntransport_url = fake:/\n'
        f'[database]\nconnection = sqlite:///{folder}/watcher.db\n'
        '[oslo_messaging_notifications]\ndriver = noop\n'
    )
    config.parse_args(['test'], default_config_files=[str(file)])
    migration.create_schema()
    sync.Syncer().sync()
    lines = Lines()
    logging.getLogger('kvm_insight').addHandler(lines)
    known = context.make_context()
    answers = []
    for one in request:
        strategy = loading.DefaultStrategyLoader().load(NAME)
        strategy._compute_model = model(one)
        strategy.input_parameters.update(one['parameters'])
        lines.said = []
        solution = strategy.execute()
        answers.append(
            {
                'actions': planned(known, solution)
                if solution.actions
                else [],
                'log': lines.said,
            }
        )
    loaded = sorted(x for x in sys.modules if x.startswith('kvm_insight.'))
    sys.stdout.write(json.dumps({'answers': answers, 'loaded': loaded}))


if __name__ == '__main__':
    main()
