# SPDX-License-Identifier: Apache-2.0
"""Limits of a domain's disks, and whether it keeps running into them."""

from kvm_insight.advise import check
from kvm_insight.advise.domain import question

#: Of the samples; less is a burst.
_OFTEN = 0.05
#: Fewer samples tell nothing.
_LEAST = 30


@question.reads('disks')
def _has_room(case: check.DomainCase) -> check.Outcome:
    limited = [one for one in case.domain.disks if one.limits]
    if not limited:
        return check.NotConcerned('none of its disks has a limit')
    use = case.use
    if use is None:
        return check.CannotTell('nobody has measured its disks')
    if use.samples < _LEAST:
        return check.CannotTell(f'{use.samples} samples are too few')
    unread = [x.name for x in limited if x.name not in use.disk_limited_ratio]
    if unread:
        return check.CannotTell(f'disk {unread[0]} was not measured')
    ratios = {x.name: use.disk_limited_ratio[x.name] for x in limited}
    evidence = tuple(
        (
            f"devices/disk[target/@dev='{one.name}']/iotune",
            f'{_words(one.limits)}; reached in {ratios[one.name]:.0%} of'
            f' {use.samples} samples',
        )
        for one in limited
    )
    worst = max(ratios, key=lambda name: ratios[name])
    if ratios[worst] < _OFTEN:
        return check.Good(evidence)
    what = f'{worst} is at its limit {ratios[worst]:.0%} of the time'
    return check.Bad(evidence, what)


def _words(limits: dict[str, int]) -> str:
    return ', '.join(f'{name}={limit}' for name, limit in limits.items())


CHECKS = (
    check.Check(
        id='limit.disk',
        subject='limit',
        about='domain',
        severity='medium',
        title='A disk keeps running into its limit',
        reason='Requests are held back by QEMU though the disk behind could'
        ' serve them; the guest sees a disk that is slow.',
        libvirt='virsh blkdeviotune DOMAIN DISK --total-iops-sec N --live'
        ' --config (or --total-bytes-sec; -max and -length allow bursts).',
        nova='Flavor quota:disk_total_iops_sec (quota:disk_read_bytes_sec,'
        ' ...) and a resize; volumes: the QoS specs of their type in Cinder'
        ' and a retype.',
        source=question.EXTRA_SPECS,
        unless='the limit is what was paid for, or protects others on the'
        ' same storage.',
        look=_has_room,
    ),
)
