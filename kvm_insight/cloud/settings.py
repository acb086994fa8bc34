# SPDX-License-Identifier: Apache-2.0
"""Settings: which OpenStack, who we are there, and how it is asked."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

CpuMode = Literal['host-passthrough', 'host-model', 'custom', 'none']


def named(host: str, region: str | None) -> str:
    """Return what we call a host: region/host where a region is given."""
    return f'{region}/{host}' if region else host


def bare(host: str, region: str | None) -> str:
    """Return what Nova calls a host of ours."""
    return host.removeprefix(f'{region}/') if region else host


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Which cloud, who we are there, and how it is asked."""

    #: A name in clouds.yaml; otherwise ``auth`` has it all.
    cloud: str | None = None
    clouds_file: str | None = None
    auth_type: str | None = None
    #: As keystoneauth names it; has secrets, so it is never shown.
    auth: Mapping[str, str] = dataclasses.field(
        default_factory=dict, repr=False
    )
    region: str | None = None
    region_in_names: bool = False
    #: None is what clouds.yaml says, public where it says nothing.
    interface: str | None = None
    ca_file: str | None = None
    timeout_s: float = 30.0
    requests_per_s: float = 100.0
    poll_s: float = 30.0
    sweep_s: float = 1800.0
    max_age_s: int = 300
    confirm_s: float = 5.0
    server_groups: bool = True
    cpu_mode: CpuMode = 'host-model'

    @property
    def naming_region(self) -> str | None:
        """Return the region, where hosts' names have it."""
        return self.region if self.region_in_names else None
