#!/usr/bin/env bash
# Makes CACHE/newer-bus/dbus-daemon, the dbus-daemon of Debian 13 (1.16), which pins the processes that connect
# (`ProcessFD`), where this machine's does not: with its libraries, and run by its own loader, beside this machine's. Made
# once from the package source that apt has for this machine's release, in 16 s when measured, and prints its path.
#   SELFSAME_DBUS_DAEMON=$(tests/container/newer_bus.sh CACHE) cargo test -p selfsame-tests --test callers
set -euo pipefail
mkdir -p "$1"
cache=$(cd "$1" && pwd)
bus=$cache/newer-bus
export TMPDIR=$cache
release=trixie

# one at a time; the lock goes with the shell
exec 9>"$cache/newer-bus.lock"
flock 9
if [ ! -x "$bus/dbus-daemon" ]; then
    # shellcheck source=/dev/null
    here=$(. /etc/os-release && echo "$VERSION_CODENAME")
    from() {
        apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' |
            sed -n "s/ $here\$//p" | head -n 1
    }
    # where no list of packages was ever fetched, apt does not know whose they are
    [ -n "$(from)" ] || apt-get update -q >&2
    [ -n "$(from)" ] || { echo "apt has no source of Debian $here: see /etc/apt/sources.list.d" >&2; exit 1; }
    rm -rf "$bus"
    make() {
        rm -rf "$bus.part"
        # extracted, not installed: nothing of it is run but the daemon
        timeout --kill-after=10 600 mmdebstrap --mode=root --variant=extract --quiet --include=dbus-daemon \
            --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
            --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
            "$release" "$bus.part" "deb $(from) $release main" >&2 9>&-
    }
    # a mirror may be in the middle of an update
    make || { sleep 20; make; }
    libraries=$(dirname "$(find "$bus.part/usr/lib" -name libdbus-1.so.3 | head -n 1)")
    loader=$(find "$libraries" -name 'ld-linux*' | head -n 1)
    cat >"$bus.part/dbus-daemon" <<END
#!/bin/sh
exec "${loader/$bus.part/$bus}" --library-path "${libraries/$bus.part/$bus}" "$bus/usr/bin/dbus-daemon" "\$@"
END
    chmod 755 "$bus.part/dbus-daemon"
    mv "$bus.part" "$bus"
fi
echo "$bus/dbus-daemon"
