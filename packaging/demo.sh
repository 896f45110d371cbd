#!/usr/bin/env bash
# In two minutes you know what selfsame does: builds it, starts a private bus, a TPM simulator and the agent, and
# plays a host and a relying party; and a host whose memory is stolen, and the thief. Touches nothing but a temporary directory, and ends all that it started.
set -euo pipefail
cd "$(dirname "$0")/.."
# refusals are part of the story: one stream keeps them in their place
exec 2>&1

if [ "$(id -u)" -ne 0 ]; then
    echo "run as root, in a container say: the last act steals a running agent's memory, and only root can" >&2
    exit 1
fi

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' plain=$'\e[0m'; else bold='' dim='' green='' plain=''; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
tell() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "demo: $*"; tail -n 20 "$place"/*.log; exit 1; }

packaging/deps.sh demo
tell "building (a few minutes the first time) ..."
cargo build --locked --quiet --bins -p selfsame-agent -p selfsame-command -p selfsame-tpm-sim -p selfsame-tests
target=${CARGO_TARGET_DIR:-target}/debug
target=$(cd "$target" && pwd)

place=$(mktemp -d "${TMPDIR:-/tmp}/selfsame-demo.XXXXXX")
started=()
cleanup() {
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$place"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# waits until a condition holds, 20 s at most
until_true() {
    local what=$1; shift
    for _ in $(seq 200); do
        "$@" && return
        kill -0 "${started[-1]}" 2>/dev/null || fail "$what: what should bring it has ended"
        sleep 0.1
    done
    fail "$what: not after 20 s"
}

# the two sides: on the host, through the bus; at the relying party, in a file of its own
bus="unix:path=$place/bus"
host() { "$target/selfsame" --bus-address "$bus" "$@"; }
door() { "$target/selfsame" --store "$place/door.db" "$@"; }
show() { printf '%s$ %s%s\n' "$dim" "$*" "$plain"; }

start_agent() {
    TSS2_LOG=all+none "$target/selfsame-agent" --bus-address "$bus" --tcti "$(cat "$place/tcti")" --beat 1 \
        --state-dir "$place/state" 2>>"$place/agent.log" &
    agent=$!
    started+=("$agent")
    until_true "the agent on the bus" is_there
}
is_there() { host id >"$place/id" 2>/dev/null; }

"$target/tpm-sim" >"$place/tcti" 2>"$place/tpm.log" &
started+=($!)
until_true "the TPM simulator" test -s "$place/tcti"
dbus-daemon --session --nofork --address="$bus" >"$place/bus.log" 2>&1 &
started+=($!)
until_true "the bus" test -S "$place/bus"

say "1. Born. The agent draws from the TPM, the CPU, the kernel and what the host is doing. No key is made."
start_agent
show selfsame status
host status

say "2. Met. A relying party, \"door\", challenges whoever comes as \"web1\", and takes the answer: trust on first use."
show "selfsame challenge web1 --audience door          (at the relying party)"
challenge=$(door challenge web1 --audience door)
show "selfsame prove --audience door CHALLENGE         (on the host)"
proof=$(host prove --audience door "$challenge")
show "selfsame enrol web1 PROOF                        (at the relying party)"
door enrol web1 "$proof"

say "3. Verified. It proves continuity: this is still the host that you met before."
verify() {
    local challenge proof
    challenge=$(door challenge web1 --audience door)
    proof=$(host prove --audience door --payload "$1" "$challenge")
    show "selfsame verify web1 PROOF                       (${#proof} characters)"
    door verify web1 "$proof"
    last_proof=$proof
}
verify "good morning"

say "4. And again after a while. The secret that answered before is long gone: it was used once, and erased."
sleep 5
verify "good evening"

say "5. A proof is for one use: shown once more, it is refused."
show "selfsame verify web1 PROOF                       (the same)"
if door verify web1 "$last_proof"; then fail "a replay was accepted"; else code=$?; fi
[ "$code" -eq 1 ] || fail "a replay was refused with exit code $code, not 1"
tell "(exit code $code)"

say "6. The agent is started anew. Nothing was stored, so it is another lineage, and says so: no key could bring it back."
challenge=$(door challenge web1 --audience door)
kill "$agent"
wait "$agent" || fail "the agent did not end cleanly"
start_agent
show selfsame id
host id
show "selfsame prove --audience door CHALLENGE         (the challenge is for the lineage that was met)"
if host prove --audience door "$challenge"; then fail "another lineage answered"; else code=$?; fi
[ "$code" -eq 4 ] || fail "another lineage was refused with exit code $code, not 4"
tell "(exit code $code)"
tell "It names the one that it follows. Whether it is the same host is for a person to say; here it is met under a new name:"
challenge=$(door challenge web1-anew --audience door)
proof=$(host prove --audience door "$challenge")
show "selfsame enrol web1-anew PROOF"
door enrol web1-anew "$proof"
show selfsame peers
door peers

say "7. Copied. Now somebody who was root steals the memory of a host, \"mail1\", and runs a second agent from it."
tell "(Both are real agents, each on a bus of its own. The thief's part is played by a test program: it copies the locked page"
tell "and the history out of the running agent. From secret memory, which agents take where they can, it could not.)"
mail() { "$target/selfsame" --bus-address "$bus-mail1" "$@"; }
copy() { "$target/selfsame" --bus-address "$bus-copy" "$@"; }
mail_is_there() { mail introduce >/dev/null 2>&1; }
copy_is_there() { copy introduce >/dev/null 2>&1; }
# the challenge of the door, answered by one of the two
answer() {
    local who=$1 challenge
    challenge=$(door challenge mail1 --audience door)
    "$who" prove --audience door "$challenge"
}
expect() {
    local wanted=$1 code=0; shift
    "$@" || code=$?
    [ "$code" -eq "$wanted" ] || fail "exit code $code, not $wanted: $*"
    tell "(exit code $code)"
}

for side in mail1 copy; do
    dbus-daemon --session --nofork --address="$bus-$side" >>"$place/bus.log" 2>&1 &
    started+=($!)
    until_true "the bus of $side" test -S "$place/bus-$side"
done
printf 'require = []\nsources = ["rdseed", "kernel"]\nmemory = "locked"\n' >"$place/mail1.toml"
"$target/selfsame-agent" --bus-address "$bus-mail1" --beat 1 --config "$place/mail1.toml" --state-dir "$place/mail1" \
    2>>"$place/mail1.log" &
mail_agent=$!
started+=("$mail_agent")
until_true "the agent of mail1" mail_is_there
proof=$(answer mail)
show "selfsame enrol mail1 PROOF                       (the door meets the host)"
door enrol mail1 "$proof"
lineage=$(mail introduce | mail inspect - | awk '$1 == "lineage" { print $2; exit }')
"$target/selfsame-thief" "$mail_agent" "$bus-copy" >"$place/thief.log" 2>&1 &
started+=($!)
until_true "the copy" copy_is_there
cat "$place/thief.log"
tell "Host and thief go on, each for itself."
sleep 3

proof=$(answer copy)
show "selfsame verify mail1 PROOF                      (the copy answers: nobody can tell, yet)"
door verify mail1 "$proof"
# until the host has made moments of its own since: those show it
sleep 3

tell
tell "The host is asked next. The challenge names the head that the door accepted; the host never handed that out:"
show "selfsame prove --audience door CHALLENGE         (on the host)"
expect 6 answer mail

tell
tell "An alarm is for a person. Can it be proved? The door says what to ask the host for, and the host answers:"
show "selfsame questions mail1                         (at the door)"
door questions mail1 >"$place/questions"
head -n 4 "$place/questions"
tell "… $(wc -l <"$place/questions") in all"
asked=0 fork=
while read -r verb index tier <&3; do
    asked=$((asked + 1))
    # what is not kept any more can't be answered: the next question, then
    hop=$(mail "$verb" "$index" "$tier" 2>/dev/null) || continue
    code=0
    fork=$(door confront mail1 "$hop" 2>"$place/confronted") || code=$?
    [ "$code" -ne 6 ] || break
    [ "$code" -eq 0 ] || fail "confront ended with exit code $code, not 0 or 6"
    fork=
done 3<"$place/questions"
[ -n "$fork" ] || fail "no answer showed a fork"
show "selfsame hop $index $tier                             (on the host: answer $asked shows it)"
show "selfsame confront mail1 HOP                      (at the door)"
cat "$place/confronted"

tell
tell "The fork is a proof for anyone. A third party has never met the host, and knows nothing but the lineage's id,"
tell "$lineage:"
show "selfsame inspect FORK                            (anywhere)"
"$target/selfsame" inspect "$fork" >"$place/inspected"
sed -n '/^$/q; 1,9p' "$place/inspected"
grep -q "lineage $lineage was copied: checked from the genesis" "$place/inspected" ||
    fail "the third party was not convinced"

tell
tell "From now on nothing of that lineage is accepted again, from the host neither: nobody picks a winner but a person."
proof=$(answer copy)
show "selfsame verify mail1 PROOF                      (the copy tries once more)"
expect 6 door verify mail1 "$proof"

say "What is written down: the relying party's file, and the host's last public head. Nothing secret."
(cd "$place" && ls -l door.db state/)

printf '\n%sAll as it should be.%s Next: README.md, docs/, and selfsame inspect CHALLENGE.\n' "$green" "$plain"
