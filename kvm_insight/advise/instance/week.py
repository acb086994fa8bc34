# SPDX-License-Identifier: Apache-2.0
"""Whether an instance is left running while nobody works with it.

Told by the hours of the week, all weeks together: idle at night and at the
weekend, in use in working hours. That is how a guest for development or
tests looks, whatever it is called.
"""

import dataclasses
from collections.abc import Iterable

from kvm_insight.advise import check
from kvm_insight.advise.instance import idle
from kvm_insight.model import history, sizing, usage

_FROM, _UNTIL = 7, 19
_WORKING = 'working hours'
_NIGHTS = 'nights'
_WEEKENDS = 'weekends'
#: Of each, as much as there is in one week.
_LEAST_H = {_WORKING: 60, _NIGHTS: 60, _WEEKENDS: 48}
#: Of the hours off duty, so that a nightly job is no work.
_IDLE_PART = 0.9
#: Of the working hours.
_USED_PART = 0.2
_QUARTER, _MOST = 0.25, 0.97
#: So many times the limit of idle is use.
_USED_TIMES = 2.0
_OFF_PART = 1 - _LEAST_H[_WORKING] / sizing.WEEK


@dataclasses.dataclass(slots=True)
class _Hours:
    """One kind of the week's hours."""

    measured_us: int = 0
    slots: int = 0
    idle: int = 0
    used: int = 0

    @property
    def idle_part(self) -> float:
        return self.idle / self.slots if self.slots else 0.0

    @property
    def used_part(self) -> float:
        return self.used / self.slots if self.slots else 0.0


def _kind(slot: int) -> str:
    day, hour = divmod(slot, 24)
    if day >= 5:
        return _WEEKENDS
    return _WORKING if _FROM <= hour < _UNTIL else _NIGHTS


def _told(
    week: Iterable[sizing.Slot], limit_cores: float
) -> dict[str, _Hours]:
    """Return the kinds of hours; what was not measured is in none."""
    told = {name: _Hours() for name in _LEAST_H}
    for slot, (measured_us, wanted_us) in enumerate(week):
        if measured_us <= 0:
            continue
        one = told[_kind(slot)]
        cores = wanted_us / measured_us
        one.measured_us += measured_us
        one.slots += 1
        one.idle += cores <= limit_cores
        one.used += cores > _USED_TIMES * limit_cores
    return told


def _missing(told: dict[str, _Hours]) -> str | None:
    """Return of which hours too few were measured, and how many more are
    needed."""
    missing = [
        f'{name}: {one.measured_us / 3.6e9:.0f} h of at least'
        f' {_LEAST_H[name]} h'
        for name, one in told.items()
        if one.measured_us < _LEAST_H[name] * 3.6e9
    ]
    return f'measured {", ".join(missing)}' if missing else None


def by_day(sized: sizing.Sized | None) -> check.Outcome | None:
    """Return the answer that needs no hours of a week; None if there is
    none, so that they have to be read.

    Who is idle for 90 % of what are 64 % of a week wants on average hardly
    anything then, and so for at least half of that time no more than twice
    as much.
    """
    if sized is None or not sized.histogram or not sized.vcpus:
        return check.CannotTell('not measured')
    why = sizing.too_little(sized.measured_us, idle.LEAST_S)
    if why:
        return check.CannotTell(why)
    limit = idle.limit_cores(sized.vcpus)
    quarter = usage.quantile(sized.histogram, _QUARTER) or 0.0
    most = usage.quantile(sized.histogram, _MOST) or 0.0
    evidence = (
        ('usage: p25 of wanted cores', f'{quarter:.3f}, idle up to {limit:g}'),
    )
    if quarter > _USED_TIMES * limit:
        return check.Good(evidence)
    if most <= limit:
        return check.NotConcerned('it is hardly used in working hours, either')
    return None


def _is_off_when_idle(case: check.InstanceCase) -> check.Outcome:
    one = case.instance
    if one.gone:
        return check.NotConcerned('it is gone')
    told = by_day(one.sized)
    if told is not None or one.sized is None:
        return told or check.CannotTell('not measured')
    if not one.sized.week:
        return check.CannotTell(
            'its use by hours is not known: only days are kept'
        )
    return _by_hours(case, one, one.sized)


def _by_hours(
    case: check.InstanceCase, one: history.Instance, sized: sizing.Sized
) -> check.Outcome:
    limit = idle.limit_cores(sized.vcpus)
    told = _told(sized.week, limit)
    missing = _missing(told) or sizing.sparse(one.coverage, case.rule)
    if missing:
        return check.CannotTell(missing)
    evidence = tuple(
        (
            f'usage: {name} ({_words(name, one)})',
            f'idle in {hours.idle_part:.0%} of them',
        )
        for name, hours in told.items()
    )
    off = min(told[_NIGHTS].idle_part, told[_WEEKENDS].idle_part)
    if off < _IDLE_PART:
        return check.Good(evidence)
    if told[_WORKING].used_part < _USED_PART:
        return check.NotConcerned('it is hardly used in working hours, either')
    return check.Bad(
        evidence,
        f'idle in {off:.0%} or more of nights and weekends, in use from'
        f' Monday to Friday between {_FROM}:00 and {_UNTIL}:00'
        f' ({one.timezone}): by its use, a guest to work with',
        check.Saving(core_s=_OFF_PART * sized.vcpus * one.known_us / 1e6),
    )


def _words(name: str, one: history.Instance) -> str:
    if name == _WEEKENDS:
        return f'Saturday, Sunday in {one.timezone}'
    between = f'{_FROM}-{_UNTIL}' if name == _WORKING else 'the rest'
    return f'Monday to Friday, {between} in {one.timezone}'


CHECKS = (
    check.Check(
        id='sizing.left-running',
        subject='sizing',
        about='instance',
        severity='low',
        title='An instance runs at night and at weekends, and nobody uses it',
        reason='Its memory and vCPUs could be had by others for two thirds of'
        ' the week, as by work that is done at night.',
        libvirt='A timer on the host: virsh managedsave DOMAIN in the evening'
        ' and virsh start DOMAIN in the morning.',
        nova='openstack server shelve SERVER in the evening and openstack'
        ' server unshelve in the morning, from a timer (Mistral, cron); a'
        ' stopped server keeps what it has reserved.',
        source='https://docs.openstack.org/nova/latest/user/launch-instances'
        '.html',
        unless='it has to answer at any time, or its people work elsewhere at'
        ' other hours.',
        look=_is_off_when_idle,
    ),
)
