#!/usr/bin/env bash
# Builds the Debian package, and says where it is. Installs what is missing for that; ends non-zero on any failure.
#   packaging/build-deb.sh             as a release, with lintian over it
#   packaging/build-deb.sh --twice     twice, in two places, the second time without a network: the bytes have to be the same
#   packaging/build-deb.sh --of DIR    of the programs that are in DIR, for a look at the package itself: builds no program
# In the target directory: deb/release/selfsame_*.deb, or deb/debug/ where it is --of; beside it what a next build goes on
# from.
set -euo pipefail
cd "$(dirname "$0")/.."
twice= of=
case "${1:-}" in
    "") ;;
    --twice) twice=yes ;;
    --of) of=$(cd "${2:?}" && pwd) ;;
    *) echo "usage: packaging/build-deb.sh [--twice | --of DIR]" >&2; exit 2 ;;
esac

packaging/deps.sh deb
version=$(dpkg-parsechangelog -l packaging/debian/changelog -S Version)
cargos=$(cargo metadata --format-version 1 --no-deps --locked | grep -oP '"name":"selfsame-agent","version":"\K[^"]+')
[ "$version" = "$cargos" ] || { echo "the changelog says version $version, Cargo.toml $cargos" >&2; exit 1; }
cargo fetch --locked --quiet
packaging/copyright.py --check
# read and compiled with all that version 3.0 knows, whatever this kernel does; nothing is loaded
apparmor_parser --skip-kernel-load --skip-cache --kernel-features=/etc/apparmor.d/abi/3.0 \
    packaging/apparmor/usr.sbin.selfsame-agent

place=${CARGO_TARGET_DIR:-target}/deb/${of:+debug}
[ -n "$of" ] || place+=release
mkdir -p "$place"
place=$(cd "$place" && pwd)
# the flags and profiles of whoever calls are not to be in the programs
unset CARGO_TARGET_DIR RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
for variable in ${!CARGO_PROFILE_@}; do unset "$variable"; done

# the files as they are now, with what is not committed yet
rm -rf "$place/staged"
mkdir "$place/staged"
git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard --deduplicate |
    tar --create --exclude=tests/fuzz --ignore-failed-read --null --files-from=- |
    tar --extract --directory="$place/staged"

# build WHERE [COMMAND...]: builds what is staged in WHERE/source, by that command
build() {
    local where=$1; shift
    mkdir -p "$where"
    rm -f "$where"/selfsame_*
    # Cargo goes by times: a file whose content is another than at the last build is of now, all others are as old as they were
    rsync --recursive --links --perms --checksum --delete "$place/staged/" "$where/source"
    cp -r "$where/source/packaging/debian" "$where/source/debian"
    local begun=$SECONDS
    (
        cd "$where/source"
        export CARGO_TARGET_DIR=$where/cargo
        [ -z "$of" ] || export SELFSAME_BINARIES=$of
        "$@" dpkg-buildpackage --build=binary --no-sign >"$where/log" 2>&1
    ) || { tail -n 40 "$where/log"; echo "the package does not build: $where/log" >&2; exit 1; }
    echo "built in $((SECONDS - begun)) s"
}

build "$place"
package=$(echo "$place"/selfsame_"$version"_*.deb)
if [ -z "$of" ]; then
    lintian --allow-root --fail-on error,warning --tag-display-limit 0 "$package"
    echo "lintian: nothing to say"
fi
if [ -n "$twice" ]; then
    # another name, and not of the same length; everything anew; and no network but its own loopback
    rm -rf "$place/second-of-two"
    build "$place/second-of-two" unshare --net
    second=$place/second-of-two/$(basename "$package")
    if ! cmp "$package" "$second"; then
        packaging/deps.sh diff
        diffoscope --max-text-report-size 65536 "$package" "$second" || true
        exit 1
    fi
    rm -rf "$place/second-of-two"
    echo "built twice: the same bytes"
fi
rm -rf "$place/staged"
ls "$place"/selfsame_*.deb | while read -r file; do
    echo "$file: $(stat --format=%s "$file") bytes, $(dpkg-deb --field "$file" Installed-Size) KiB installed"
done
