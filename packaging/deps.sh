#!/usr/bin/env bash
# Installs what is missing to build and test selfsame on Debian 12 or later. Does nothing where all is there.
#   packaging/deps.sh [build|demo|test|rig|deb|diff|all]      (default: all, which is build and test)
set -euo pipefail

# to build: a linker, the TPM stack's and SQLite's headers
build=(gcc libc6-dev pkg-config libtss2-dev libsqlite3-dev)
# to run the demo: a TPM simulator, a bus
demo=(swtpm dbus-daemon dbus-bin util-linux mount)
# to run the tests: beside that others' tools (busctl, gdbus-codegen), polkit, a token in software and what
# writes down the calls to it
run=("${demo[@]}" systemd libglib2.0-dev-bin polkitd softhsm2 opensc-pkcs11)
# to run the examples: other languages' ways to a bus, and ssh
run+=(python3-gi gjs libsystemd-dev openssh-client openssh-server)
# to run tests/container: what makes a Debian tree and boots it
rig=(systemd-container mmdebstrap debian-archive-keyring util-linux mount)
# to build the package and to look at it; to load its AppArmor profile into nothing
deb=(git dpkg-dev debhelper dh-apparmor lintian apparmor binutils python3-minimal rsync util-linux)
# to see where two builds differ, which is called for only where they do
diff=(diffoscope-minimal)

case "${1:-all}" in
    build) wanted=("${build[@]}") ;;
    demo) wanted=("${build[@]}" "${demo[@]}") ;;
    test) wanted=("${run[@]}") ;;
    rig) wanted=("${rig[@]}") ;;
    deb) wanted=("${build[@]}" "${deb[@]}") ;;
    diff) wanted=("${diff[@]}") ;;
    all) wanted=("${build[@]}" "${run[@]}") ;;
    *) echo "usage: packaging/deps.sh [build|demo|test|rig|deb|diff|all]" >&2; exit 2 ;;
esac

missing=()
for package in "${wanted[@]}"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done

if [ "${#missing[@]}" -gt 0 ]; then
    echo "installing: ${missing[*]}"
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "not root and no sudo: install ${missing[*]} yourself" >&2; exit 1; }
        as_root=(sudo)
    fi
    # nothing of it is started on this machine: an ssh server, say, which is for a test of ours
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 0755 "$policy"
        trap '"${as_root[@]}" rm -f "$policy"' EXIT
    fi
    # An update calls what a mirror does not give a warning, and whoever else installs has the lock for a while: whether it is
    # all there, the install tells.
    for try in 1 2 3; do
        "${as_root[@]}" apt-get update -q || true
        if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
            install -q -y --no-install-recommends "${missing[@]}"; then
            break
        fi
        [ "$try" -lt 3 ] || exit 1
        sleep 10
    done
fi

if ! command -v cargo >/dev/null; then
    echo "no cargo: install the stable Rust toolchain (1.95 or later) with rustup; Debian's own is too old for zbus" >&2
    exit 1
fi
for part in fmt clippy; do
    cargo "$part" --version >/dev/null 2>&1 || echo "cargo $part is missing, tests/run.sh needs it: rustup component add rustfmt clippy" >&2
done
