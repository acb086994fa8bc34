# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What quickstart and check install: OS packages, .venv. Sourced by both.
#
# OS packages as root; otherwise the one command to run is printed. Debian 12
# and 13, Ubuntu 24.04. Nothing that is there already is installed again.

VENV=$TREE/.venv
LOG=$TREE/.setup.log
PATH=${PATH//$VENV\/bin:/} # an activated .venv must not make itself anew

# profile | Debian and Ubuntu package | how to tell that it is there
PACKAGES='
python | python3-venv       | has_module ensurepip
build  | python3-dev        | has_headers
build  | gcc                | has gcc
build  | pkg-config         | has pkg-config
build  | libvirt-dev        | has pkg-config && pkg-config --exists libvirt
form   | shellcheck         | has shellcheck
agent  | libbpf1            | has_library libbpf.so.1
lab    | qemu-system-x86    | has qemu-system-x86_64
lab    | libvirt-daemon     | has libvirtd
lab    | libvirt-daemon-driver-qemu | has_file "/usr/lib*/*/libvirt/connection-driver/libvirt_driver_qemu.so"
lab    | libvirt-clients    | has virsh
lab    | busybox-static     | is_static /bin/busybox
lab    | cpio               | has cpio
lab    | xz-utils           | has xz
lab    | zstd               | has zstd
lab    | openssl            | has openssl
broker | default-jre-headless | has java
broker | maven              | has mvn
units  | systemd            | has systemd-analyze
units  | duktape            | has duk
# The object in the tree is compared with what this very clang makes.
ledger | clang-16           | has clang-16 || ! offered clang-16
ledger | llvm-16            | has llvm-strip-16 || ! offered llvm-16
cloud  | mariadb-server-core | has mariadbd
cloud  | mariadb-client-core | has mariadb
cloud  | rabbitmq-server | has_file "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"
cloud  | qemu-utils     | has qemu-img
cloud  | libvirt-daemon-system | has_file /etc/libvirt/qemu.conf && getent passwd libvirt-qemu
cloud  | util-linux     | has nsenter && has unshare
store  | postgresql      | has_file "/usr/lib/postgresql/*/bin/postgres"
store  | mariadb-server-core | has mariadbd
store  | mariadb-client-core | has mariadb
browser | chromium          | has chromium
browser | chromium-driver   | has chromedriver
browser | fonts-dejavu-core | has_file "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
browser | npm               | has npm
ledger | libbpf-dev         | has_file "/usr/include/bpf/bpf_helpers.h"
'

has() { command -v "$1" > /dev/null || [ -x "/usr/sbin/$1" ]; }
has_file() { compgen -G "$1" > /dev/null; }
has_library() { has_file "/usr/lib/*/$1" || has_file "/usr/lib*/$1" || has_file "/lib/*/$1"; }
has_module() { "$PYTHON" -c "import $1" 2> /dev/null; }
has_headers() {
    "$PYTHON" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))'
}
offered() { apt-cache policy "$1" 2> /dev/null | grep -q 'Candidate: [0-9]'; }
is_static() { [ -x "$1" ] && ! { "$1" --help 2>&1 | head -1 | grep -qv BusyBox; } && ! ldd "$1" > /dev/null 2>&1; }

say() { printf '[%3d s] %s\n' "$SECONDS" "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# The newest words of the log while a step runs: on a terminal in place, else
# every ten seconds.
step() { # WHAT COMMAND... -> its status; after a failure its last words
    local what=$1 child code=0 last begin=$SECONDS
    shift
    say "$what"
    printf '== %s\n' "$what" >> "$LOG"
    set -m # a process group of its own, so that all of it can be ended
    "$@" >> "$LOG" 2>&1 < /dev/null &
    set +m
    child=$!
    trap 'kill -- -"$child" 2> /dev/null; exit 130' INT TERM
    while kill -0 "$child" 2> /dev/null; do
        if [ -t 1 ]; then
            last=$(tail -n 1 "$LOG" | tr -d '\r' | cut -c -66)
            printf '\r\033[K        %s' "$last"
        elif [ $((SECONDS - begin)) -ge 10 ]; then
            begin=$SECONDS
            last=$(tail -n 1 "$LOG" | tr -d '\r' | cut -c -66)
            printf '        ... %s\n' "$last"
        fi
        sleep 0.3
    done
    wait "$child" || code=$?
    trap - INT TERM
    [ -t 1 ] && printf '\r\033[K'
    if [ $code != 0 ]; then
        tail -n 25 "$LOG" >&2
        say "$what: failed with status $code (all of it: $LOG)"
    fi
    return $code
}

choose_python() {
    local name path fallback=
    for name in ${KVM_INSIGHT_PYTHON:-} python3 python3.14 python3.13 \
        python3.12 python3.11 /usr/bin/python3; do
        path=$(command -v "$name") || continue
        # Its own name: a version manager's shim is none that can be kept.
        path=$("$path" -c 'import sys
sys.exit(1) if sys.version_info < (3, 11) else print(sys.executable)' \
            2> /dev/null) || continue
        PYTHON=$path
        has_module ensurepip && has_headers && return
        fallback=${fallback:-$path}
    done
    [ -n "$fallback" ] || die 'Python 3.11 or newer is needed'
    PYTHON=$fallback
}

missing_packages() { # PROFILE... -> names of packages, one a line
    local profile package probe
    while IFS='|' read -r profile package probe; do
        profile=${profile// /}
        package=${package// /}
        [ -n "$package" ] || continue
        case " $* " in *" $profile "*) ;; *) continue ;; esac
        (eval "$probe") > /dev/null 2>&1 || echo "$package"
    done <<< "$PACKAGES"
}

apt_install() { # PACKAGE...
    local apt='apt-get -q -y -o DPkg::Lock::Timeout=300'
    export DEBIAN_FRONTEND=noninteractive
    case " $* " in *" postgresql "*) no_cluster ;; esac
    $apt update && $apt install --no-install-recommends "$@"
}

# Only the programs are wanted: its package would make a database, and serve
# it from now on. Whoever has such a cluster keeps it.
no_cluster() {
    local folder=/etc/postgresql-common/createcluster.d
    mkdir -p "$folder"
    echo 'create_main_cluster = false' > "$folder/kvm-insight.conf"
}

# 0: all is there now. 1: the caller has been told what to run. 2: no way.
need_packages() { # PROFILE...
    local missing
    missing=$(missing_packages "$@" | tr '\n' ' ')
    missing=${missing% }
    [ -n "$missing" ] || return 0
    if ! has apt-get; then
        say "missing: $missing (and no apt-get to install them with)"
        return 2
    elif [ "$(id -u)" != 0 ]; then
        say "missing OS packages; run this once:"
        echo "    sudo apt-get install --no-install-recommends $missing"
        return 1
    fi
    # shellcheck disable=SC2086
    step "installing OS packages: $missing" apt_install $missing
    missing=$(missing_packages "$@" | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    say "still missing: $missing"
    return 2
}

stamp() { # FILE... -> a digest of what was asked for
    (cd "$TREE" && "$PYTHON" --version && cat setup.cfg "$@") | cksum
}

make_venv() { # NAME REQUIREMENT-FILE... -- PIP ARGUMENTS
    local name=$1 files=() mark
    shift
    while [ "$1" != -- ]; do files+=("$1"); shift; done
    shift
    mark=$VENV/.installed-$name
    if ! "$VENV/bin/python" -c 'import pip' 2> /dev/null; then
        rm -rf "$VENV"
        step "making .venv with $("$PYTHON" --version)" \
            "$PYTHON" -m venv "$VENV" || die 'no .venv'
    fi
    if [ "$(cat "$mark" 2> /dev/null)" != "$(stamp "${files[@]}")" ]; then
        # pbr asks git for the version; an unpacked archive has no answer.
        [ -e "$TREE/.git" ] || export PBR_VERSION=${PBR_VERSION:-0.1.0}
        step "installing Python packages into .venv ($name)" \
            "$VENV/bin/python" -m pip install --no-input -e "$@" ||
            die 'the Python packages are needed'
        stamp "${files[@]}" > "$mark"
    fi
}
