# SPDX-License-Identifier: Apache-2.0
"""Whether a guest gets randomness from its host."""

from kvm_insight.advise import check
from kvm_insight.advise.domain import question


@question.reads('rngs')
def _has_one(case: check.DomainCase) -> check.Outcome:
    if case.domain.rngs:
        words = ', '.join(case.domain.rngs)
        return check.Good((('devices/rng/backend/@model', words),))
    evidence = (('devices/rng', 'absent'),)
    return check.Bad(evidence, 'it has no device for random numbers')


CHECKS = (
    check.Check(
        id='rng.missing',
        subject='rng',
        about='domain',
        severity='low',
        title='The guest gets no random numbers from the host',
        reason='A guest sees little that is random: services that make keys'
        ' wait at boot, and guests of one image may make the same.',
        libvirt="<rng model='virtio'><backend model='random'>/dev/urandom"
        '</backend></rng> within <devices>; then shut down and start.',
        nova='No hw_rng:allowed=False in the flavor, and with older Nova image'
        ' property hw_rng_model=virtio (nova.conf [libvirt] rng_dev_path has'
        ' the source); then a hard reboot or a rebuild.',
        source='https://docs.openstack.org/nova/latest/configuration/config'
        '.html#libvirt.rng_dev_path',
        unless='the guest has rdrand and a kernel of 5.4 or newer, which does'
        ' not wait.',
        look=_has_one,
    ),
)
