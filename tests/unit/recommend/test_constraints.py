# SPDX-License-Identifier: Apache-2.0
"""What Placement or Nova would refuse is not recommended, and said why."""

import dataclasses
import itertools
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvm_insight.model import cluster
from kvm_insight.recommend import board as boards
from kvm_insight.recommend import sanity, sieve
from tests.unit.recommend import clouds

SSD = cluster.Aggregate(id='ssd', metadata={'ssd': 'true', 'tier': '3'})
OWNED = cluster.Aggregate(id='owned', metadata={'filter_tenant_id': 'p1,p2'})
CLOSED = cluster.Aggregate(
    id='closed', metadata={'trait:CUSTOM_X': 'required'}
)
IMAGES = cluster.Aggregate(id='images', metadata={'os_type': 'windows'})
AGGREGATES = [SSD, OWNED, CLOSED, IMAGES]
CELL = cluster.NumaCell(
    index=0,
    dedicated=8,
    dedicated_free=8,
    shared=8,
    memory_bytes=64 * clouds.GIB,
    memory_free_bytes=32 * clouds.GIB,
    pages=[cluster.HugePages(size_kib=2048, total=8192, free=8192)],
)
GUEST = cluster.GuestCell(host_cell=0, vcpus=4, memory_bytes=8 * clouds.GIB)
CPU = cluster.HostCpu(model='Icelake-Server', features=['aes', 'avx512f'])
OLD = cluster.HostCpu(model='Skylake-Server', features=['aes'])
PINNED = {
    'flavor': clouds.flavor(hw__cpu_policy='dedicated'),
    'numa': [GUEST],
    'resources': {'PCPU': 4, 'MEMORY_MB': 8192},
}
HUGE = {
    **PINNED,
    'flavor': clouds.flavor(
        hw__cpu_policy='dedicated', hw__mem_page_size='2MB'
    ),
}
PCPU = {
    'VCPU': cluster.Inventory(total=16, allocation_ratio=4.0),
    'PCPU': cluster.Inventory(total=64),
    'MEMORY_MB': cluster.Inventory(total=131072),
}


@dataclasses.dataclass(frozen=True)
class Case:
    """Instances that ask, a host that suits, and one that does not."""

    filter: str
    asks: dict[str, Any]
    bad: dict[str, Any]
    good: dict[str, Any] = dataclasses.field(default_factory=dict)
    #: Of the hot host, where everybody is.
    home: dict[str, Any] = dataclasses.field(default_factory=dict)


def inventory(**changes: Any) -> dict[str, cluster.Inventory]:
    memory = cluster.Inventory(**{'total': 131072, **changes})
    return {
        'VCPU': cluster.Inventory(total=16, allocation_ratio=4.0),
        'MEMORY_MB': memory,
    }


CASES = {
    'machine': Case(
        'Needs',
        {'needs': ['machine type pc-q35-9.1', 'network device br0']},
        {'offers': ['machine type pc-q35-7.2', 'network device br0']},
        {'offers': ['machine type pc-q35-9.1', 'network device br0', 'x']},
    ),
    'full': Case('Inventory', {}, {'inventories': inventory(used=131000)}),
    'reserved': Case(
        'Inventory', {}, {'inventories': inventory(reserved=130000)}
    ),
    'ratio': Case(
        'Inventory', {}, {'inventories': inventory(allocation_ratio=0.05)}
    ),
    'max_unit': Case(
        'Inventory', {}, {'inventories': inventory(max_unit=8000)}
    ),
    'min_unit': Case(
        'Inventory', {}, {'inventories': inventory(min_unit=9000)}
    ),
    'step_size': Case(
        'Inventory', {}, {'inventories': inventory(step_size=3000)}
    ),
    'class': Case(
        'Inventory',
        {'resources': {'VCPU': 4, 'MEMORY_MB': 8192, 'CUSTOM_GOLD': 1}},
        {},
        good={
            'inventories': {
                **inventory(),
                'CUSTOM_GOLD': cluster.Inventory(total=9),
            }
        },
        home={
            'inventories': {
                **inventory(),
                'CUSTOM_GOLD': cluster.Inventory(total=9),
            }
        },
    ),
    'required': Case(
        'Traits',
        {'flavor': clouds.flavor(trait__CUSTOM_X='required')},
        {},
        good={'traits': ['CUSTOM_X']},
    ),
    'required_by_image': Case(
        'Traits',
        {'image': {'trait:CUSTOM_X': 'required'}},
        {},
        good={'traits': ['CUSTOM_X']},
    ),
    'forbidden': Case(
        'Traits',
        {'flavor': clouds.flavor(trait__CUSTOM_X='forbidden')},
        {'traits': ['CUSTOM_X']},
    ),
    'zone': Case(
        'AvailabilityZone',
        {'availability_zone': 'az1'},
        {'availability_zone': 'az2'},
    ),
    'cell': Case('NovaCell', {}, {'nova_cell': 'other'}),
    'disabled': Case('ComputeFilter', {}, {'enabled': False}),
    'down': Case('ComputeFilter', {}, {'up': False}),
    'maintenance': Case('ComputeFilter', {}, {'maintenance': True}),
    'disabled_trait': Case(
        'ComputeFilter', {}, {'traits': ['COMPUTE_STATUS_DISABLED']}
    ),
    'aggregate_specs': Case(
        'AggregateInstanceExtraSpecsFilter',
        {'flavor': clouds.flavor(aggregate_instance_extra_specs__ssd='true')},
        {},
        good={'aggregates': ['ssd']},
    ),
    'unscoped_specs': Case(
        'AggregateInstanceExtraSpecsFilter',
        {'flavor': clouds.flavor(tier='>= 2')},
        {},
        good={'aggregates': ['ssd']},
    ),
    'tenancy': Case(
        'AggregateMultiTenancyIsolation',
        {'project_id': 'p9'},
        {'aggregates': ['owned']},
    ),
    'isolation': Case('IsolatedAggregates', {}, {'aggregates': ['closed']}),
    'image': Case(
        'AggregateImagePropertiesIsolation',
        {'image': {'os_type': 'linux'}},
        {'aggregates': ['images']},
    ),
    'hypervisor': Case(
        'HypervisorVersion',
        {},
        {'hypervisor_version': 8_000_000},
        good={'hypervisor_version': 9_000_000},
        home={'hypervisor_version': 9_000_000},
    ),
    'host_model': Case(
        'CpuModel',
        {'cpu_mode': 'host-model'},
        {'cpu': OLD},
        good={'cpu': CPU},
        home={'cpu': CPU},
    ),
    'passthrough': Case(
        'CpuModel',
        {'cpu_mode': 'host-passthrough'},
        {'cpu': msgspec.structs.replace(CPU, features=['aes'])},
        good={'cpu': CPU},
        home={'cpu': CPU},
    ),
    'custom': Case(
        'CpuModel',
        {'cpu_mode': 'custom', 'cpu_features': ['avx512f']},
        {'cpu': OLD},
        good={'cpu': CPU},
        home={'cpu': CPU},
    ),
    'unknown_cpu': Case(
        'CpuModel',
        {'cpu_mode': 'host-model'},
        {'cpu': None},
        good={'cpu': CPU},
        home={'cpu': CPU},
    ),
    'storage': Case(
        'Storage',
        {'storage': 'ceph'},
        {},
        good={'storage': ['ceph']},
        home={'storage': ['ceph']},
    ),
    'numa': Case(
        'NUMATopologyFilter',
        {'flavor': clouds.flavor(hw__numa_nodes='1'), 'numa': [GUEST]},
        {},
        good={'numa': [CELL]},
        home={'numa': [CELL]},
    ),
    'pinned': Case(
        'NUMATopologyFilter',
        PINNED,
        {
            'numa': [msgspec.structs.replace(CELL, dedicated_free=3)],
            'inventories': PCPU,
        },
        good={'numa': [CELL], 'inventories': PCPU},
        home={'numa': [CELL], 'inventories': PCPU},
    ),
    'hugepages': Case(
        'NUMATopologyFilter',
        HUGE,
        {
            'numa': [msgspec.structs.replace(CELL, pages=[])],
            'inventories': PCPU,
        },
        good={'numa': [CELL], 'inventories': PCPU},
        home={'numa': [CELL], 'inventories': PCPU},
    ),
    'pci': Case(
        'NUMATopologyFilter',
        {'pci': {'gpu': 1}},
        {},
        good={'pci': [cluster.PciPool(aliases=['gpu'], total=9, free=9)]},
        home={'pci': [cluster.PciPool(aliases=['gpu'], total=9, free=0)]},
    ),
}


def cloud(case: Case, *others: cluster.Host) -> cluster.Cluster:
    whole = clouds.hot([*others], host=case.home, aggregates=AGGREGATES)
    return clouds.each(whole, **case.asks)


@pytest.mark.parametrize('name', CASES)
def test_nothing_goes_where_it_would_be_refused(name: str) -> None:
    case = CASES[name]
    bad = clouds.host('bad', **case.bad)
    made = clouds.plan(cloud(case, bad))
    assert clouds.moves(made) == []
    (stay,) = made.stays
    assert stay.host == 'hot'
    assert any(case.filter in reason for reason in stay.reasons)


@pytest.mark.parametrize('name', CASES)
def test_what_suits_is_taken_instead(name: str) -> None:
    case = CASES[name]
    bad = clouds.host('bad', 0.1, **case.bad)
    good = clouds.host('good', 1.0, **case.good)
    made = clouds.plan(cloud(case, bad, good))
    moved = clouds.moves(made)
    assert moved
    assert {one.destination for one in moved} == {'good'}


@pytest.mark.parametrize('name', CASES)
def test_a_filter_that_this_nova_lacks_refuses_nothing(name: str) -> None:
    case = CASES[name]
    if case.filter in ('Inventory', 'NUMATopologyFilter'):
        return
    rules = dataclasses.replace(
        clouds.RULES, without_filters=frozenset({case.filter})
    )
    bad = clouds.host('bad', **case.bad)
    assert clouds.moves(clouds.plan(cloud(case, bad), rules=rules))


BEYOND = {
    'granular': clouds.flavor(resources1__VGPU='1'),
    'capabilities': clouds.flavor(capabilities__foo='1'),
    'mixed': clouds.flavor(hw__cpu_policy='mixed'),
    'threads': clouds.flavor(hw__cpu_thread_policy='isolate'),
    'pages': clouds.flavor(hw__mem_page_size='large'),
    'odd_pages': clouds.flavor(hw__mem_page_size='many'),
    'tpm': clouds.flavor(hw__tpm_version='2.0'),
    'pci': clouds.flavor(hw__pci_numa_affinity_policy='required'),
}


@pytest.mark.parametrize('name', BEYOND)
def test_what_cannot_be_judged_is_not_moved(name: str) -> None:
    whole = clouds.each(clouds.hot([clouds.host('cool')]), flavor=BEYOND[name])
    made = clouds.plan(whole)
    assert clouds.moves(made) == []
    assert any('Unjudged' in reason for reason in made.stays[0].reasons)


def test_a_passthrough_cpu_needs_the_same_cpu() -> None:
    one = Case('', {'cpu_mode': 'host-passthrough'}, {}, home={'cpu': CPU})
    more = msgspec.structs.replace(CPU, features=['aes', 'avx512f', 'vnni'])
    whole = cloud(one, clouds.host('newer', cpu=more))
    assert clouds.moves(clouds.plan(whole)) == []


@settings(deadline=None)
@given(st.permutations(range(4)), st.integers(1, 3))
def test_guest_cells_lie_on_host_cells_of_their_own(
    order: list[int], guests: int
) -> None:
    cells = [
        msgspec.structs.replace(CELL, index=n, dedicated_free=4)
        for n in order[: guests - 1]
    ]
    asks = {**PINNED, 'numa': [GUEST] * guests}
    asks['numa'] = [
        msgspec.structs.replace(GUEST, host_cell=n) for n in range(guests)
    ]
    home = [msgspec.structs.replace(CELL, index=n) for n in range(4)]
    case = Case('', asks, {}, home={'numa': home, 'inventories': PCPU})
    few = clouds.host('few', numa=cells, inventories=PCPU)
    assert clouds.moves(clouds.plan(cloud(case, few))) == []
    enough = clouds.host('enough', numa=home, inventories=PCPU)
    assert clouds.moves(clouds.plan(cloud(case, enough)))


@settings(deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(0, 4),
    st.sampled_from(sorted(CASES)),
)
def test_the_mask_says_what_the_words_say(
    seed: int, count: int, name: str
) -> None:
    case = CASES[name]
    others = [
        clouds.host(f'h{n}', **(case.bad if seed >> n & 1 else case.good))
        for n in range(count)
    ]
    whole = cloud(case, *others)
    board = boards.Board(whole, sanity.check(whole), clouds.RULES)
    asked = sieve.Sieve(board)
    every = board.room[None, :, 0] > -2
    for i, h in itertools.product(range(6), range(len(board.hosts))):
        silent = not asked.refusals(i, h)
        assert asked.allows(i, h) == silent
        assert bool(asked.allowed(np.array([i]), every)[0, h]) == silent
