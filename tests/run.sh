#!/usr/bin/env bash
# Installs what is missing, and runs all checks. SELFSAME_FULL=1: long tests with their full counts, else a tenth.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" -ne 0 ]; then
    echo "run as root, in a container say: the tests of the bus policy call as several users" >&2
    exit 1
fi

# a panic's message is what tells; a backtrace is the test runner's own
export RUST_BACKTRACE=0
# a registry may fail for longer than Cargo's three attempts
export CARGO_NET_RETRY=${CARGO_NET_RETRY:-10}

logs=${CARGO_TARGET_DIR:-target}/logs
rm -rf "$logs"
mkdir -p "$logs"
running=()
# What goes on beside is ended, and what failed is the last that is printed: a log may be cut anywhere else.
finish() {
    local status=$?
    for group in "${running[@]}"; do kill -- -"$group" 2>/dev/null || true; done
    [ "$status" -eq 0 ] && return
    printf '\n== what failed\n'
    awk 'FNR == 1 || /^test result: |^ok / { on = left = 0 } /^failures:$/ { on = 1 } /^error/ { left = 8 } /^FAILED/ { left = 40 }
        on || left-- > 0 { print substr($0, 1, 300) }' "$logs"/* | tail -n 200
}
trap finish EXIT
logged() { tee "$logs/$1"; }

began=$SECONDS
step() { printf '\n== %s (%d s)\n' "$1" "$((SECONDS - began))"; }

step "what is missing"
packaging/deps.sh
packaging/deps.sh deb
packaging/deps.sh rig
if ! command -v cargo-deny >/dev/null; then
    # unoptimised: it is built once and runs a second; without its downloads of advisories
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/cargo-deny" \
        cargo install cargo-deny --locked --no-default-features --version 0.20.2
fi

step "format"
cargo fmt --all --check
cargo fmt --manifest-path tests/fuzz/Cargo.toml --check

step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

step "licences and sources"
# the database of advisories is not in any package registry: `cargo deny check advisories` needs a network
cargo deny check bans licenses sources

step "the programs that the tests run"
cargo build --workspace --bins --locked

step "tests (SELFSAME_FULL=${SELFSAME_FULL:-unset})"
cargo test --workspace --exclude selfsame-tests --locked --no-fail-fast 2>&1 | logged units

step "the whole way through; copies, thieves and honest hosts, with their counts"
cargo test -p selfsame-tests --locked --no-run
# A TPM that misbehaves is mostly waited for: nine minutes with the full counts, in which the rest goes on. And the package's
# programs are built meanwhile, with what time the tests leave.
setsid cargo test -p selfsame-tests --locked --test tpm_faults -- --show-output >"$logs/tpm_faults" 2>&1 &
waited_for=$!
setsid nice -n 19 packaging/build-deb.sh >"$logs/package" 2>&1 &
built=$!
running=("$waited_for" "$built")
others=(--lib --bins --test harness)
for target in tests/tests/*; do
    name=$(basename "$target" .rs)
    [ "$name" = tpm_faults ] || others+=(--test "$name")
done
failed=
cargo test -p selfsame-tests --locked --no-fail-fast "${others[@]}" -- --show-output 2>&1 | logged targets || failed=yes
cargo test -p selfsame-tests --locked --doc 2>&1 | logged examples
step "a TPM that misbehaves, which went on beside that"
wait "$waited_for" || failed=yes
cat "$logs/tpm_faults"
[ -z "$failed" ]
step "the package, which was built beside that"
wait "$built" || { cat "$logs/package"; exit 1; }
running=()
cat "$logs/package"

step "who asks, on a bus that pins processes"
newer=$(tests/container/newer_bus.sh "${CARGO_TARGET_DIR:-target}/container")
SELFSAME_DBUS_DAEMON=$newer cargo test -p selfsame-tests --locked --test callers -- --show-output 2>&1 | logged newer_bus

step "the Debian package, and the agent as its unit on a Debian that was booted"
tests/container/run.sh release 2>&1 | logged container

step "each test that SECURITY.md names is there"
there="${CARGO_TARGET_DIR:-target}/tests-there"
# those of `tests/tests/command` are made from functions, in either place; clippy refuses one that is not listed there
{
    grep -rhA2 --include='*.rs' --exclude-dir=target -E '#\[(tokio::)?test' agent continuity dbus tests tpm-sim
    grep -rhE --include='*.rs' 'fn [a-z0-9_]+\(place: Place\)' tests/tests/command
} | grep -oE 'fn [a-z0-9_]+' | cut -d' ' -f2 | sort -u >"$there"
for name in $(grep -oE '`[a-z0-9]+(_[a-z0-9]+){2,}`' SECURITY.md | tr -d '`' | sort -u); do
    grep -qx "$name" "$there" || { echo "no test $name"; exit 1; }
done

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked --quiet

step "all checks passed"
