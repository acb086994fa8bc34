# SPDX-License-Identifier: Apache-2.0
"""What the files of the tree must and must not have in them."""

import pathlib
import re
import subprocess

import pytest

LICENSED = {'.py', '.c', '.h', '.sh', '.service'}
SHAPELESS = {'utils', 'util', 'common', 'helpers', 'helper', 'base', 'misc'}
#: A path of one machine; /tmp and /var/tmp are everywhere.
MACHINE = re.compile(r'(?<![\w.}/-])/(?:work|home|root|Users)/[\w.]')
ADDRESS = re.compile(rb'https?://([\w.-]+)')
KNOWN_HOSTS = {
    b'cloud.google.com',
    b'127.0.0.1',
    b'localhost',
    b'example.org',
    b'www.apache.org',
    # XML namespaces and schemas: names, nobody connects there.
    b'openstack.org',
    b'libvirt.org',
    b'libosinfo.org',
    b'json-schema.org',
    b'maven.apache.org',
    b'www.w3.org',
    # Systems, as libosinfo calls them.
    b'debian.org',
    b'microsoft.com',
    b'ubuntu.com',
    # Where a reader of the documentation may go.
    b'docs.openstack.org',
    b'docs.kernel.org',
    b'www.freedesktop.org',
    b'github.com',
    b'www.qemu.org',
}


def files(tree: pathlib.Path) -> list[pathlib.Path]:
    """All files that git has or would have."""
    words = ['git', 'ls-files', '-z', '-c', '-o', '--exclude-standard']
    done = subprocess.run(words, cwd=tree, stdout=subprocess.PIPE, check=True)
    names = done.stdout.decode().split('\0')
    return [tree / name for name in names if name and (tree / name).is_file()]


def texts(tree: pathlib.Path) -> list[tuple[pathlib.Path, str]]:
    """The same with their text; binary files are left out."""
    found = []
    for path in files(tree):
        try:
            found.append((path, path.read_text()))
        except UnicodeDecodeError:
            continue
    return found


def is_program(path: pathlib.Path, text: str) -> bool:
    return path.suffix in LICENSED or text.startswith('#!')


def test_nothing_binary_is_there_but_our_ledger_and_what_is_replayed(
    tree: pathlib.Path,
) -> None:
    texts_of = {path for path, _ in texts(tree)}
    binary = {path.suffix for path in files(tree) if path not in texts_of}
    assert binary <= {'.o', '.parquet', '.zst'}


def test_each_program_says_its_licence(tree: pathlib.Path) -> None:
    silent = [
        str(path.relative_to(tree))
        for path, text in texts(tree)
        if is_program(path, text)
        and text.strip()
        and 'SPDX-License-Identifier: ' not in text[:400]
    ]
    assert silent == []


def test_no_file_names_a_folder_of_one_machine(tree: pathlib.Path) -> None:
    found = {
        str(path.relative_to(tree)): hits
        for path, text in texts(tree)
        if path.name != pathlib.Path(__file__).name
        and (hits := MACHINE.findall(text))
    }
    assert found == {}


def test_no_file_names_a_host_that_we_do_not_know(
    tree: pathlib.Path,
) -> None:
    found = {
        f'{path.relative_to(tree)}: {host.decode()}'
        for path, text in texts(tree)
        for host in ADDRESS.findall(text.encode())
        if host not in KNOWN_HOSTS
    }
    assert found == set()


def test_files_are_named_after_their_one_noun(tree: pathlib.Path) -> None:
    found = [
        str(path.relative_to(tree))
        for path in files(tree)
        if SHAPELESS & {path.stem, *path.relative_to(tree).parts[:-1]}
    ]
    assert found == []


def test_modules_stay_short_enough_to_read(tree: pathlib.Path) -> None:
    long = {
        str(path.relative_to(tree)): lines
        for path in (tree / 'kvm_insight').rglob('*.py')
        if (lines := len(path.read_text().splitlines())) > 300
        # A record's fields are a list, not code to follow.
        and path.name != 'sample.py'
    }
    assert long == {}


@pytest.mark.parametrize('name', ['quickstart', 'check', '.ci/run'])
def test_entry_scripts_can_be_run_and_parsed(
    tree: pathlib.Path, name: str
) -> None:
    path = tree / name
    assert path.stat().st_mode & 0o111
    subprocess.run(['bash', '-n', path], check=True)
