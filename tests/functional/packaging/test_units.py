# SPDX-License-Identifier: Apache-2.0
"""systemd's own words on units, users and folders; polkit's engine's on
the rule."""

import pathlib
import re
import shutil
import subprocess

import pytest

#: 0 is sandboxed altogether, 100 not at all; each is what is reached today.
EXPOSURE = {
    'agent': 21,
    'analyzer': 15,
    'api': 15,
    'feed': 15,
    'planner': 15,
    'recorder': 15,
}
MONITOR = 'org.libvirt.unix.monitor'


def say(*words: str | pathlib.Path) -> str:
    done = subprocess.run(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def units(tree: pathlib.Path) -> pathlib.Path:
    return tree / 'etc/systemd'


@pytest.mark.parametrize('name', EXPOSURE)
def test_systemd_understands_each_unit(
    units: pathlib.Path, tmp_path: pathlib.Path, name: str
) -> None:
    text = (units / f'kvm-insight-{name}.service').read_text()
    program = re.search(r'^ExecStart=(\S+)', text, re.MULTILINE)
    assert program
    assert program[1] == f'/usr/bin/kvm-insight-{name}'
    # The program itself is somewhere else here.
    there = shutil.which('true')
    assert there
    copy = tmp_path / f'kvm-insight-{name}.service'
    copy.write_text(text.replace(program[1], there))
    assert say('systemd-analyze', 'verify', copy) == ''


@pytest.mark.parametrize('name', EXPOSURE)
def test_no_unit_may_do_more_than_it_needs(
    units: pathlib.Path, name: str
) -> None:
    say(
        'systemd-analyze',
        'security',
        '--offline=true',
        f'--threshold={EXPOSURE[name]}',
        units / f'kvm-insight-{name}.service',
    )


def test_no_unit_is_left_out(units: pathlib.Path) -> None:
    found = {path.stem for path in units.glob('*.service')}
    assert found == {f'kvm-insight-{name}' for name in EXPOSURE}


def test_only_the_agent_has_capabilities(units: pathlib.Path) -> None:
    rights = {
        name: re.findall(
            r'^(?:Ambient|CapabilityBounding)\w+=(.*)$',
            (units / f'kvm-insight-{name}.service').read_text(),
            re.MULTILINE,
        )
        for name in EXPOSURE
    }
    assert rights.pop('agent') == ['CAP_BPF CAP_PERFMON'] * 2
    assert set(map(tuple, rights.values())) == {('',)}


def test_user_and_folders_are_made_and_closed_to_others(
    units: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    root = f'--root={tmp_path}'
    (tmp_path / 'etc').mkdir()
    say('systemd-sysusers', root, units / 'kvm-insight.sysusers.conf')
    users = (tmp_path / 'etc/passwd').read_text()
    found = re.search(r'^kvm-insight:x:(\d+):(\d+):', users, re.MULTILINE)
    assert found, users
    mine = (int(found[1]), int(found[2]))
    config = tmp_path / 'etc/kvm-insight/kvm-insight.conf'
    config.parent.mkdir()
    config.touch(mode=0o644)
    for _ in range(2):
        say(
            'systemd-tmpfiles',
            '--create',
            root,
            units / 'kvm-insight.tmpfiles.conf',
        )
        assert {
            name: (
                oct(status.st_mode & 0o777),
                (status.st_uid, status.st_gid),
            )
            for name in ('etc', 'var/lib', 'run')
            for status in [(tmp_path / name / 'kvm-insight').stat()]
        } == {
            'etc': ('0o750', (0, mine[1])),
            'var/lib': ('0o750', mine),
            'run': ('0o755', mine),
        }
        assert config.stat().st_mode & 0o777 == 0o640
        assert config.stat().st_gid == mine[1]


@pytest.mark.parametrize(
    ('action', 'user', 'result'),
    [
        (MONITOR, 'kvm-insight', 'yes'),
        (MONITOR, 'somebody', 'undefined'),
        ('org.libvirt.unix.manage', 'kvm-insight', 'undefined'),
        ('org.libvirt.api.domain.migrate', 'kvm-insight', 'undefined'),
    ],
)
def test_polkit_lets_the_agent_look_and_nothing_else(
    tree: pathlib.Path,
    tmp_path: pathlib.Path,
    action: str,
    user: str,
    result: str,
) -> None:
    rule = (tree / 'etc/polkit/50-kvm-insight.rules').read_text()
    script = tmp_path / 'rule.js'
    # Duktape is what polkitd runs rules with, and gives them this much.
    script.write_text(
        f"""
var rules = [];
var polkit = {{
    Result: {{YES: 'yes', NO: 'no'}},
    addRule: function (rule) {{ rules.push(rule); }}
}};
{rule}
print(rules[0]({{id: {action!r}}}, {{user: {user!r}}}));
"""
    )
    assert say('duk', script).strip() == result
