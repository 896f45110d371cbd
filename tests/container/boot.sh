#!/usr/bin/env bash
# What run.sh runs in namespaces of its own: installs the package in the tree, boots it, and passes on what the
# checks in it print. Every file that it makes is in a tmpfs that goes with the namespace.
#   PACKAGE=FILE TREE=DIR ROOM=DIR CGROUP=DIR CGROUP_OF_MEMORY=[DIR] tests/container/boot.sh [CHECK...]
set -euo pipefail
here=tests/container

mkdir -p "$ROOM"
mount -t tmpfs -o mode=0700 tmpfs "$ROOM"
# where systemd-nspawn keeps its locks and sockets
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir "$ROOM"/{upper,work,root,rig}
root=$ROOM/root
mount -t overlay overlay -o "lowerdir=$TREE,upperdir=$ROOM/upper,workdir=$ROOM/work" "$root"

# the package, as dpkg installs it; and the same as two later versions, for the checks of upgrades
cp "$PACKAGE" "$root/selfsame.deb"
chroot "$root" dpkg --install /selfsame.deb >"$ROOM/installed" 2>&1 || { cat "$ROOM/installed"; exit 1; }
rm "$root/selfsame.deb"
cp "$PACKAGE" "$ROOM/rig/selfsame.deb"
mkdir "$ROOM/again"
dpkg-deb --raw-extract "$PACKAGE" "$ROOM/again"
for later in higher highest; do
    sed -i -E "s/^(Version: .*)/\1+$later/" "$ROOM/again/DEBIAN/control"
    dpkg-deb --build --root-owner-group -Znone "$ROOM/again" "$ROOM/rig/$later.deb" >/dev/null
done

put() { install -D -m 0644 -t "$root/$1" "${@:2}"; }
# and what is the rig's own
put usr/lib/systemd/system "$here"/inside/*.service
put usr/lib/sysusers.d "$here"/inside/sysusers.conf
put etc/selfsame "$here"/inside/agent.toml
cp -r "$here"/inside/*.sh "$here/inside/agent.toml" "$here/checks" packaging/debian/tests packaging/examples "$ROOM/rig"
printf '%s\n' "$@" >"$ROOM/rig/wanted"

# gets one at its boot; a missing file would be a first boot, with its questions
: >"$root/etc/machine-id"
# as the package's trigger does
journalctl --root="$root" --update-catalog
systemd-sysusers --root="$root" 2>"$ROOM/console"
systemctl --root="$root" --quiet enable swtpm.service checks.service

# console: what systemd itself has to say, of use only where the checks were never reached
mkfifo "$ROOM/rig/told"
cat "$ROOM/rig/told" &
binds=(--bind="$ROOM/rig:/rig")
[ -z "$CGROUP_OF_MEMORY" ] || binds+=(--bind="$CGROUP_OF_MEMORY:/rig/memory-v1")
[ -z "$CGROUP_OF_MEMORY" ] || mkdir "$ROOM/rig/memory-v1"
code=0
# The filter: systemd-nspawn lets nobody lock memory, nor have secret memory, else.
# The limit: a container has 4096 descriptors else, and a bus wants 65536.
# The time: a check is given up after a minute, and all of them took a minute.
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 timeout --kill-after=10 600 \
    sh -c 'echo $$ >"$0/cgroup.procs"; exec systemd-nspawn "$@"' "$CGROUP" \
    --quiet --boot --directory="$root" --machine=selfsame-rig --register=no --keep-unit --private-network \
    --link-journal=no --console=pipe --system-call-filter='memfd_secret @memlock' --rlimit=RLIMIT_NOFILE=1024:524288 \
    "${binds[@]}" systemd.show_status=no \
    </dev/null >>"$ROOM/console" 2>&1 || code=$?
if [ ! -s "$ROOM/rig/result" ]; then
    cat "$ROOM/console"
    echo "the container ended ($code) before its checks had"
    echo "0 passed, 1 failed"
    exit 1
fi
# the last line is on its way
wait
read -r passed failed <"$ROOM/rig/result"
[ "$code" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
