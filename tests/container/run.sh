#!/usr/bin/env bash
# Boots a Debian tree with real systemd, system bus, polkit and logind, the agent in it as its unit has it and a swtpm
# beside it, and runs tests/container/checks. Needs root. Prints each check, and `N passed, N failed` at last; ends
# non-zero on any failure. Nothing is left but the tree and the package, in the target directory.
#   tests/container/run.sh [debug|release] [CHECK...]      (default: debug, all)
# debug: the package is of this project's debug build; release: as it is shipped.
# CHECK: a file of tests/container/checks, without its .sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
profile=${1:-debug}
shift || true
case "$profile" in
    debug | release) ;;
    *) echo "usage: tests/container/run.sh [debug|release] [CHECK...]" >&2; exit 2 ;;
esac
[ "$(id -u)" -eq 0 ] || { echo "run as root: it boots a container" >&2; exit 1; }

# All that runs is in namespaces of its own, of processes and of mounts. They end with their first process, that one
# with unshare, and unshare with this shell: so nothing goes on even where this shell is killed. In the background,
# since a shell that waits for a command in the foreground is deaf to signals.
confined() {
    setpriv --pdeathsig KILL \
        unshare --mount --propagation private --pid --fork --kill-child --mount-proc "$@" &
    child=$!
    local code=0
    wait "$child" || code=$?
    child=
    return "$code"
}

packaging/deps.sh rig
if [ "$profile" = release ]; then
    packaging/build-deb.sh
else
    # all, as tests/run.sh does: with fewer members Cargo may choose other features, and build much anew
    cargo build --workspace --bins --locked --quiet
    packaging/build-deb.sh --of "${CARGO_TARGET_DIR:-target}/debug"
fi
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
cache=$target/container

# Version 2's tree of cgroups: the only one, or beside version 1's. The container gets a group of its own below its
# root, and with it the controllers that are there.
above=$(findmnt --noheadings --first-only --types cgroup2 --output TARGET) ||
    { echo "no cgroup2 is mounted: systemd in the container needs it" >&2; exit 1; }
cgroup=$above/selfsame-rig.$$
# where the host has memory's controller still in version 1, a group there can be given a limit (checks/memory.sh)
memory=
if [ -d /sys/fs/cgroup/memory ]; then memory=/sys/fs/cgroup/memory/selfsame-rig.$$; fi

# a group with those below it; what has just been killed is in it for a moment still, 10 s at most
remove() {
    local below
    for _ in $(seq 100); do
        below=$(find "$1" -depth -type d 2>/dev/null || true)
        [ -n "$below" ] || return 0
        xargs rmdir 2>/dev/null <<<"$below" || sleep 0.1
    done
    echo "left behind: $1" >&2
}
# groups are the one thing that does not go with the last process; beside ours, systemd-nspawn makes one of the same
# name in the tree of version 1 that is systemd's own
cleanup() {
    [ -z "${child:-}" ] || kill -KILL "$child" 2>/dev/null || true
    wait 2>/dev/null
    local group
    for group in "$cgroup" /sys/fs/cgroup/*/"${cgroup##*/}"; do remove "$group"; done
}
# those of a run that was killed
for old in "$above"/selfsame-rig.* /sys/fs/cgroup/*/selfsame-rig.*; do
    if [ -d "$old" ] && [ ! -d "/proc/${old##*.}" ]; then remove "$old"; fi
done
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

confined tests/container/tree.sh "$cache"
mkdir "$cgroup" ${memory:+"$memory"}

# of one version alone: those of others are removed when it is built
packages=("$target/deb/$profile"/selfsame_*.deb)
export PACKAGE=${packages[0]} TREE=$cache/tree ROOM=$cache/room CGROUP=$cgroup CGROUP_OF_MEMORY=$memory
confined tests/container/boot.sh "$@"
