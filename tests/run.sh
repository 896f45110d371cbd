#!/usr/bin/env bash
# Installs what is missing, and runs all checks. SELFSAME_FULL=1: long tests with their full counts, else a tenth.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" -ne 0 ]; then
    echo "run as root, in a container say: the tests of the bus policy call as several users" >&2
    exit 1
fi

began=$SECONDS
step() { printf '\n== %s (%d s)\n' "$1" "$((SECONDS - began))"; }

step "what is missing"
packaging/deps.sh
packaging/deps.sh deb
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
cargo test --workspace --exclude selfsame-tests --locked

step "the whole way through; copies, thieves and honest hosts, with their counts"
cargo test -p selfsame-tests --locked --no-run
# A TPM that misbehaves is mostly waited for: nine minutes with the full counts, in which the rest goes on. And the package's
# programs are built meanwhile, with what time the tests leave.
faults=${CARGO_TARGET_DIR:-target}/tpm_faults.log package=${CARGO_TARGET_DIR:-target}/build-deb.log
setsid cargo test -p selfsame-tests --locked --test tpm_faults -- --show-output >"$faults" 2>&1 &
waited_for=$!
setsid nice -n 19 packaging/build-deb.sh >"$package" 2>&1 &
built=$!
trap 'kill -- -"$waited_for" -"$built" 2>/dev/null || true' EXIT
others=(--lib --bins --test harness)
for target in tests/tests/*; do
    name=$(basename "$target" .rs)
    [ "$name" = tpm_faults ] || others+=(--test "$name")
done
cargo test -p selfsame-tests --locked "${others[@]}" -- --show-output
cargo test -p selfsame-tests --locked --doc
step "a TPM that misbehaves, which went on beside that"
wait "$waited_for" || { cat "$faults"; exit 1; }
cat "$faults"
step "the package, which was built beside that"
wait "$built" || { cat "$package"; exit 1; }
trap - EXIT
cat "$package"

step "who asks, on a bus that pins processes"
packaging/deps.sh rig
newer=$(tests/container/newer_bus.sh "${CARGO_TARGET_DIR:-target}/container")
SELFSAME_DBUS_DAEMON=$newer cargo test -p selfsame-tests --locked --test callers -- --show-output

step "the Debian package, and the agent as its unit on a Debian that was booted"
tests/container/run.sh release

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
