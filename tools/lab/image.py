# SPDX-License-Identifier: Apache-2.0
"""The guests' kernel and initramfs, made from the distribution's own."""

import dataclasses
import pathlib
import platform
import shutil
import subprocess
import tempfile

from lab import failure

HERE = pathlib.Path(__file__).resolve().parent
BUSYBOX = pathlib.Path('/bin/busybox')
#: In the order in which they must be loaded; absent ones are built in.
MODULES = (
    # Since Debian's 6.1.192 the ring is loaded first.
    'virtio_ring',
    'virtio',
    'virtio_pci_legacy_dev',
    'virtio_pci_modern_dev',
    'virtio_pci',
    'virtio_blk',
    'failover',
    'net_failover',
    'virtio_net',
    'virtio_balloon',
)
UNPACK = {
    '.ko': ['cat'],
    '.xz': ['xz', '-dc'],
    '.zst': ['zstd', '-dcq'],
    '.gz': ['gzip', '-dc'],
}
#: Debian's and Ubuntu's small kernels for guests.
PACKAGES = ('linux-image-cloud-amd64', 'linux-image-virtual')


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """What the initramfs has beside busybox."""

    #: PID 1.
    init: pathlib.Path = HERE / 'guest-init'
    #: Kernel modules, in the order in which they must be loaded.
    modules: tuple[str, ...] = MODULES
    #: Static programs for the guest's /bin.
    programs: tuple[pathlib.Path, ...] = ()


LAB = Recipe()


def make(
    kernel: pathlib.Path, initrd: pathlib.Path, recipe: Recipe = LAB
) -> None:
    """Write both files unless they are there."""
    if kernel.exists() and initrd.exists():
        return
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        image, modules = _installed() or _downloaded(folder)
        root = folder / 'root'
        (root / 'bin').mkdir(parents=True)
        shutil.copy(BUSYBOX, root / 'bin/busybox')
        shutil.copy(recipe.init, root / 'init')
        (root / 'init').chmod(0o755)
        for program in recipe.programs:
            shutil.copy(program, root / 'bin')
        _copy_modules(modules, root / 'modules', recipe.modules)
        _archive(root, initrd)
        partial = kernel.with_suffix('.partial')
        shutil.copyfile(image, partial)
        partial.rename(kernel)


def _installed() -> tuple[pathlib.Path, pathlib.Path] | None:
    """Return the kernel in /boot that fits best, and its modules."""
    found = [
        path
        for path in sorted(pathlib.Path('/boot').glob('vmlinuz-*'))
        if _readable(path)
    ]
    best = [path for path in found if 'cloud' in path.name] or found
    if not best:
        return None
    release = best[-1].name.removeprefix('vmlinuz-')
    return best[-1], pathlib.Path('/lib/modules') / release


def _readable(path: pathlib.Path) -> bool:
    try:
        with path.open('rb') as file:
            return bool(file.read(1))
    except OSError:
        return False


def _downloaded(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Fetch a kernel package and unpack it aside; nothing is installed."""
    package = _kernel_package()
    fetch = folder / 'fetch'
    fetch.mkdir()
    _run(['apt-get', '-q', 'download', package], fetch)
    archives = sorted(fetch.glob('*.deb'))
    _run(['dpkg-deb', '-x', str(archives[0]), 'tree'], fetch)
    image = sorted((fetch / 'tree/boot').glob('vmlinuz-*'))[-1]
    modules = fetch / 'modules'
    for parent in ('lib/modules', 'usr/lib/modules'):
        for path in (fetch / 'tree' / parent).glob('*'):
            modules = path
    return image, modules


def _kernel_package() -> str:
    """Return the package that the distribution's kernel package names."""
    if platform.machine() != 'x86_64':
        raise failure.LabError('the lab knows x86_64 guests only')
    for package in PACKAGES:
        words = ['apt-cache', 'depends', '--important', package]
        done = subprocess.run(
            words, capture_output=True, text=True, check=False
        )
        for line in done.stdout.splitlines():
            name = line.rpartition(' ')[2]
            if name.startswith('linux-image-') and name != package:
                return name
    raise failure.LabError(
        f'no kernel for guests; install {PACKAGES[0]} (Debian)'
        f' or {PACKAGES[1]} (Ubuntu)'
    )


def _run(words: list[str], cwd: pathlib.Path) -> None:
    done = subprocess.run(
        words, cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise failure.LabError(f'{" ".join(words)}: {done.stderr.strip()}')


def _copy_modules(
    modules: pathlib.Path, target: pathlib.Path, names: tuple[str, ...]
) -> None:
    target.mkdir()
    for number, name in enumerate(names):
        for path in modules.rglob(f'{name}.ko*'):
            with (target / f'{number:02}-{name}.ko').open('wb') as sink:
                words = [*UNPACK[path.suffix], str(path)]
                subprocess.run(words, stdout=sink, check=True)


def _archive(root: pathlib.Path, initrd: pathlib.Path) -> None:
    names = '\n'.join(
        str(path.relative_to(root)) for path in sorted(root.rglob('*'))
    )
    archive = subprocess.run(
        ['cpio', '--quiet', '-o', '-H', 'newc', '-R', '0:0'],
        cwd=root,
        input=names.encode(),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    packed = subprocess.run(
        ['gzip', '-c'], input=archive, stdout=subprocess.PIPE, check=True
    ).stdout
    initrd.write_bytes(packed)
