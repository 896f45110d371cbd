#!/usr/bin/env bash
# Makes CACHE/tree, a Debian tree to boot, which is only ever read: of this machine's own release, so that programs that
# were built here find their libraries. Made once from the machine's own package sources, in 50 to 90 s when measured,
# and kept under a name that says what it was made of.
#   tests/container/tree.sh CACHE
set -euo pipefail
cache=$1
mkdir -p "$cache"
# what is made for a while only, is made there, too
export TMPDIR=$cache

# to boot, and what a host has that the agent talks to
packages=(systemd-sysv dbus libpam-systemd polkitd util-linux procps)
# what the programs link and load; Debian 13 knows these by the same names
packages+=(libtss2-esys-3.0.2-0 libtss2-tctildr0 libtss2-mu0 libtss2-rc0 libsqlite3-0)
packages+=(libtss2-tcti-device0 libtss2-tcti-swtpm0)
# the TPM's group, and the TPM
packages+=(tpm-udev swtpm)

# shellcheck source=/dev/null
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
name=$(printf '%s\n' "$release" "${packages[@]}" "$(<"${BASH_SOURCE[0]}")" | sha256sum | cut -c1-16)
tree=$cache/tree-$name

# one at a time; the lock goes with the shell
exec 9>"$cache/lock"
flock 9
if [ ! -d "$tree" ]; then
    sources() {
        apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
            'Created-By: Packages' 'Origin: Debian' 'Architecture: '"$(dpkg --print-architecture)" |
            grep -E " $release(-updates|-security)? " | sort -u
    }
    # where no list of packages was ever fetched, apt does not know whose they are
    [ -n "$(sources)" ] || apt-get update -q >&2
    [ -n "$(sources)" ] || { echo "apt has no source of Debian $release: see /etc/apt/sources.list.d" >&2; exit 1; }
    echo "making a Debian tree; the next run takes the same" >&2
    # trees of other lists, and what an interrupted run left
    rm -rf "$cache"/tree-* "$cache"/mmdebstrap.*
    sources >"$cache/sources.list"
    begun=$SECONDS
    make() {
        rm -rf "$tree.part"
        timeout --kill-after=10 900 mmdebstrap --mode=root --variant=minbase --quiet \
            --include="$(IFS=,; echo "${packages[*]}")" \
            --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
            --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
            --dpkgopt='path-exclude=/usr/share/locale/*' \
            "$release" "$tree.part" "$cache/sources.list" >&2 9>&-
    }
    # a mirror may be in the middle of an update
    make || { sleep 20; make; }
    mv "$tree.part" "$tree"
    rm "$cache/sources.list"
    echo "made in $((SECONDS - begun)) s" >&2
fi
ln -sfn "${tree##*/}" "$cache/tree"
