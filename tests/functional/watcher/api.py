# SPDX-License-Identifier: Apache-2.0
"""Runs in Watcher's own environment: its real API over a database of its own.

Keystone and the decision engine are not there: whoever asks is taken for
nobody in particular, and what would be sent to the engine is printed.
"""

import json
import pathlib
import sys
import wsgiref.simple_server
from typing import Any

from oslo_log import log
from watcher import objects
from watcher.api import app
from watcher.common import config, context, service
from watcher.db.sqlalchemy import migration
from watcher.decision_engine import rpcapi, sync


def say(**words: object) -> None:
    sys.stdout.write(json.dumps(words) + '\n')
    sys.stdout.flush()


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    """Says what it was asked, instead of logging it."""

    def log_message(self, *_: object) -> None:
        say(
            asked=self.path,
            version=self.headers.get('OpenStack-API-Version'),
            token=self.headers.get('X-Auth-Token'),
        )


def audit(known: Any, name: str, kind: str) -> None:
    goal = objects.Goal.list(known)[0]
    objects.Audit(
        known,
        name=name,
        audit_type=kind,
        state=objects.audit.State.PENDING,
        goal_id=goal.id,
        interval=None,
        auto_trigger=False,
        force=False,
        parameters={},
        scope=[],
    ).create()


def main() -> None:
    """Serve until killed."""
    objects.register_all()
    folder = pathlib.Path(sys.argv[1])
    file = folder / 'watcher.conf'
    file.write_text(
        '[DEFAULT]\ntransport_url = fake:/\n'
        f'[database]\nconnection = sqlite:///{folder}/watcher.db\n'
        '[api]\nenable_webhooks_auth = false\n'
        '[oslo_messaging_notifications]\ndriver = noop\n'
    )
    log.register_options(service.CONF)
    config.parse_args(['test'], default_config_files=[str(file)])
    service.CONF.set_override('enable_authentication', False)
    migration.create_schema()
    sync.Syncer().sync()
    known = context.make_context()
    types = objects.audit.AuditType
    audit(known, 'ours', types.EVENT.value)
    audit(known, 'other', types.ONESHOT.value)

    def trigger(_: Any, asked: Any, audit_uuid: str) -> None:
        one = objects.Audit.get_by_uuid(known, audit_uuid)
        say(triggered=one.name)

    rpcapi.DecisionEngineAPI.trigger_audit = trigger
    server = wsgiref.simple_server.make_server(
        '127.0.0.1', 0, app.setup_app(), handler_class=Quiet
    )
    say(port=server.server_port)
    server.serve_forever()


if __name__ == '__main__':
    main()
