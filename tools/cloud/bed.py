# SPDX-License-Identifier: Apache-2.0
"""One whole cloud: up, down, gone."""

import os
import pathlib
import shutil
import time

from cloud import config, node, package, place, service, tenancy

_FIRST = ('network', 'glance', 'placement')
_ASKED = ('placement', 'nova')


class Cloud:
    """Keystone, Placement, Glance and Nova with compute nodes."""

    def __init__(
        self, home: pathlib.Path, computes: int = 2, fakes: int = 0
    ) -> None:
        """Use this folder for all state."""
        self.where = place.Place(home)
        self.computes = [f'compute{i}' for i in range(1, computes + 1)]
        self.fakes = [f'fake{i}' for i in range(1, fakes + 1)]

    def up(self) -> None:
        """Install and start what is missing; return when all answers."""
        if os.geteuid():
            raise place.CloudError('this needs root: namespaces, libvirtd')
        began = time.monotonic()
        where = self.where
        self._begin()
        package.guest(where)
        service.start_bus(where)
        self._identify()
        for name in ('placement', 'glance', 'nova'):
            service.schema(where, name)
        port = where.port('rabbit')
        where.wait(
            'RabbitMQ', lambda: service.listening(port), 120, 'rabbitmq'
        )
        for name in (*_FIRST, 'nova'):
            service.start_api(where, name)
        for name in service.CONTROL:
            service.start_control(where, name)
        for index, _ in enumerate(self.computes, 1):
            node.configure(where, index)
            node.start(where, index)
        for name in (*_FIRST, 'nova'):
            service.wait_api(where, name)
        for name in self.computes:
            node.start_nova(where, name)
        for name in self.fakes:
            node.start_fake(where, name)
        tenancy.catalogue(where)
        self._wait_for_computes()
        place.say(f'up after {time.monotonic() - began:.0f} s')

    def serve(self) -> None:
        """Start the APIs that are asked for what is in their databases, and
        no more: no bus, no scheduler, no compute node."""
        self._begin()
        self._identify()
        for name in _ASKED:
            service.schema(self.where, name)
        for name in ('network', *_ASKED):
            service.start_api(self.where, name)
        for name in ('network', *_ASKED):
            service.wait_api(self.where, name)

    def _begin(self) -> None:
        package.install()
        self.where.make()
        config.services(self.where)

    def _identify(self) -> None:
        """Start the database and Keystone, and let it know all."""
        service.start_database(self.where)
        service.schema(self.where, 'keystone')
        service.start_api(self.where, 'keystone')
        service.wait_api(self.where, 'keystone')
        tenancy.identities(self.where)

    def _wait_for_computes(self) -> None:
        where, api = self.where, tenancy.Api(self.where)
        wanted = {*self.computes, *self.fakes}

        def services() -> bool:
            path = '/os-services?binary=nova-compute'
            told = api.call('GET', 'nova', path)['services']
            return wanted <= {x['host'] for x in told if x['state'] == 'up'}

        def hypervisors() -> bool:
            told = api.call('GET', 'nova', '/os-hypervisors')['hypervisors']
            return wanted <= {x['hypervisor_hostname'] for x in told}

        where.wait('the compute services', services, 180)
        if not hypervisors():
            where.command(
                'nova-manage',
                f'--config-file={where.etc}/nova/nova.conf',
                'cell_v2',
                'discover_hosts',
            )
            where.wait('the compute nodes', hypervisors, 60)

    def add_fakes(self, *names: str) -> None:
        """Start nodes with the fake driver; return when Nova has them."""
        self.fakes += names
        for name in names:
            node.start_fake(self.where, name)
        self._wait_for_computes()

    def remove_fakes(self, *names: str) -> None:
        """Stop such nodes, and let Nova forget them; they are empty."""
        self.where.stop(*(f'{name}.nova' for name in names))
        api = tenancy.Api(self.where)
        path = '/os-services?binary=nova-compute'
        for one in api.call('GET', 'nova', path)['services']:
            if one['host'] in names:
                api.call('DELETE', 'nova', f'/os-services/{one["id"]}')
        self.fakes = [name for name in self.fakes if name not in names]

    def stop(self, name: str) -> None:
        """Stop one service."""
        self.where.stop(name)

    def start(self, name: str) -> None:
        """Start one service again; return when it answers."""
        if name in service.CONTROL:
            service.start_control(self.where, name)
        else:
            service.start_api(self.where, name)
            service.wait_api(self.where, name)

    def down(self) -> None:
        """Stop all that was started here, guests too; the state stays."""
        names = self.where.names()

        def stop(*ends: str) -> None:
            chosen = [name for name in names if name.endswith(ends)]
            self.where.stop(*chosen)

        stop('.nova')
        for name in names:
            if name.endswith('.node'):
                node.end_guests(self.where, name.removesuffix('.node'))
        stop('.libvirtd')
        stop('.node', *service.CONTROL, *service.MODULES)
        stop('rabbitmq')
        self.where.stop(*self.where.names())

    def wipe(self) -> None:
        """Stop all, and delete the state."""
        self.down()
        shutil.rmtree(self.where.home, ignore_errors=True)
