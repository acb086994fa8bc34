# SPDX-License-Identifier: Apache-2.0
"""Inventory: what the planner knows of the cloud and others need beside.

Names for identities, and what is usual for instances that are alike. Each
record has a key of its own (``key``), the newest counts. A sample carries
what a host itself can tell; readers join the rest from here.
"""

from typing import Annotated, Literal

import msgspec

from kvm_insight.model import execution, mark, sample

_Host = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]

HOST_SCHEMA = 'kvm_insight.inventory_host/1'
PROJECT_SCHEMA = 'kvm_insight.inventory_project/1'
USER_SCHEMA = 'kvm_insight.inventory_user/1'
GROUP_SCHEMA = 'kvm_insight.inventory_group/1'
FLAVOR_SCHEMA = 'kvm_insight.inventory_flavor/1'
OUTLOOK_SCHEMA = 'kvm_insight.inventory_outlook/1'
AGGREGATE_SCHEMA = 'kvm_insight.inventory_aggregate/1'
PLANNER_SCHEMA = 'kvm_insight.inventory_planner/1'


Resource = Literal['cpu', 'memory', 'disk']
Cores = Annotated[float, msgspec.Meta(ge=0.0)]


class Cohort(sample.Wire, frozen=True, kw_only=True):
    """What is usual for instances that are alike, wherever they are.

    Each instance counts once, with all that was measured of it.
    """

    since_us: sample.Count
    until_us: sample.Count
    instances: sample.Count
    hosts: sample.Count
    #: Median of the parts of the wanted CPU time that they waited.
    suffering: sample.Ratio
    #: Median, over the instances, of the deviations from that.
    deviation: sample.Ratio
    #: Median of the parts of their vCPUs that they want, and the part that
    #: 99 % of all of their five minutes did not exceed.
    use: Cores
    peak: Cores


class HostFacts(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=HOST_SCHEMA
):
    """Where a host is, as Nova and Placement have it."""

    host: _Host
    provider: sample.Uuid | None = None
    availability_zone: sample.Text | None = None
    #: Names, or ids where there is no name.
    aggregates: list[sample.Text] = []
    enabled: bool = True
    maintenance: bool = False
    #: UUID -> name, as Nova has it now; a renamed one's domain still has
    #: the old name in its metadata.
    instances: dict[sample.Uuid, sample.Text] = {}


class ProjectFacts(
    sample.Wire,
    frozen=True,
    kw_only=True,
    tag_field='schema',
    tag=PROJECT_SCHEMA,
):
    """A project's name."""

    project_id: sample.Text
    name: sample.Text | None = None


class UserFacts(
    sample.Wire,
    frozen=True,
    kw_only=True,
    tag_field='schema',
    tag=USER_SCHEMA,
):
    """The name of a user who owns an instance: for operators' eyes."""

    user_id: sample.Text
    name: sample.Text | None = None


class GroupFacts(
    sample.Wire,
    frozen=True,
    kw_only=True,
    tag_field='schema',
    tag=GROUP_SCHEMA,
):
    """A server group: its policy, its members, and what is usual for them."""

    group: sample.Text
    name: sample.Text | None = None
    policy: sample.Text | None = None
    members: list[sample.Uuid] = []
    cohort: Cohort | None = None


class FlavorFacts(
    sample.Wire,
    frozen=True,
    kw_only=True,
    tag_field='schema',
    tag=FLAVOR_SCHEMA,
):
    """A flavor, and what is usual for its instances."""

    flavor: sample.Text
    extra_specs: dict[str, str] = {}
    cohort: Cohort | None = None


class Outlook(
    sample.Wire,
    frozen=True,
    kw_only=True,
    tag_field='schema',
    tag=OUTLOOK_SCHEMA,
):
    """Whether a host is too hot, now and soon."""

    host: _Host
    #: Of what it has too little in most of the last minutes.
    now: list[Resource] = []
    #: Whether more CPU will be wanted than is well; ``unknown`` where its
    #: instances have too little history.
    state: Literal['hot', 'cool', 'unknown'] = 'unknown'
    probability: sample.Ratio = 0.0
    #: Not expected sooner than the first, but within the second.
    not_before_h: sample.Count = 0
    within_h: sample.Count = 0
    #: Expected and high peak within these hours, and what is too much.
    expected_cores: Cores = 0.0
    high_cores: Cores = 0.0
    limit_cores: Cores = 0.0
    #: Instances that are too young to have a history.
    young: sample.Count = 0


class AggregateAdvice(
    sample.Wire,
    frozen=True,
    kw_only=True,
    tag_field='schema',
    tag=AGGREGATE_SCHEMA,
):
    """Which allocation ratio of vCPUs an aggregate's hosts can carry."""

    aggregate: sample.Text
    name: sample.Text | None = None
    hosts: sample.Count
    change: Literal['lower', 'keep', 'raise', 'unknown']
    current: Cores
    advised: Cores
    #: Somebody waits; there is room; there is none; even what is allowed
    #: now is not allocated; or too little is known.
    reason: Literal[
        'waits', 'room', 'bearable', 'not_used', 'too_little_known'
    ]
    #: Part of the wanted CPU time that waited, in all but 1 % of the hours.
    waited: sample.Ratio = 0.0
    host_hours: sample.Count = 0


class PlannerStatus(
    sample.Wire,
    frozen=True,
    kw_only=True,
    tag_field='schema',
    tag=PLANNER_SCHEMA,
):
    """What the active planner does; the last thing of each of its cycles."""

    generation: sample.Count
    time_us: sample.Count
    state: Literal['planning', 'waiting']
    #: Why nothing is planned.
    reasons: list[sample.Text] = []
    #: Hosts of the cluster, and those whose report is fresh.
    hosts: sample.Count = 0
    fresh_hosts: sample.Count = 0
    #: Recommendations that are neither carried out nor given up.
    open: sample.Count = 0
    #: Of the last plan that is on the bus to its end.
    planned_us: sample.Count | None = None
    plan_ms: sample.Count | None = None
    #: Hosts that would need it and got no plan -> why.
    unrelieved: dict[str, list[sample.Text]] = {}
    #: Feed -> ``ok``, ``off``, or what keeps it from being so.
    feeds: dict[str, sample.Text] = {}


Facts = (
    HostFacts
    | ProjectFacts
    | UserFacts
    | GroupFacts
    | FlavorFacts
    | Outlook
    | AggregateAdvice
    | mark.Marks
    | execution.Execution
    | PlannerStatus
)
KINDS: dict[str, type[Facts]] = {
    HOST_SCHEMA: HostFacts,
    PROJECT_SCHEMA: ProjectFacts,
    USER_SCHEMA: UserFacts,
    GROUP_SCHEMA: GroupFacts,
    FLAVOR_SCHEMA: FlavorFacts,
    OUTLOOK_SCHEMA: Outlook,
    AGGREGATE_SCHEMA: AggregateAdvice,
    mark.SCHEMA: mark.Marks,
    execution.SCHEMA: execution.Execution,
    PLANNER_SCHEMA: PlannerStatus,
}


#: How keys begin under which something is called by its name.
_NAMING = ('host/', 'project/', 'user/', 'group/')


def tells_of_cohorts(key: str | None) -> bool:
    """Say whether what lies under a key tells what is usual for some."""
    return key is not None and key.startswith(('group/', 'flavor/'))


def tells_names(key: str | None) -> bool:
    """Say whether what lies under a key tells how people call something."""
    return key is not None and key.startswith(_NAMING)


#: How the key of each begins, and which of its fields goes on.
_KEYS: dict[type, tuple[str, str | None]] = {
    HostFacts: ('host/', 'host'),
    ProjectFacts: ('project/', 'project_id'),
    UserFacts: ('user/', 'user_id'),
    GroupFacts: ('group/', 'group'),
    FlavorFacts: ('flavor/', 'flavor'),
    Outlook: ('outlook/', 'host'),
    AggregateAdvice: ('aggregate/', 'aggregate'),
    execution.Execution: (execution.PREFIX, 'recommendation'),
    mark.Marks: ('marks', None),
    PlannerStatus: ('planner', None),
}


def key(facts: Facts) -> str:
    """Return the key under which the newest of its kind is kept."""
    begin, field = _KEYS[type(facts)]
    return begin if field is None else f'{begin}{getattr(facts, field)}'
