#!/bin/sh
# A host proves to a relying party that it is still itself: both sides, on one host. Debian: systemd (busctl).
#
#     prove.sh [WHOM]        WHOM you mean to talk to; the relying party here is called `door`
#
# For steady proofs, of some kilobytes: bytes are arguments here, one each, and a proof after a long time is more than
# the kernel takes of these. Use another language, or the command `selfsame`, where a host may have been away.
set -eu

# Calls a method of the agent. What it prints is `ay 3 1 2 3`, and just so it goes into the next call.
# (DBUS_SYSTEM_BUS_ADDRESS names another bus.)
call() {
    interface=$1 method=$2
    shift 2
    busctl call org.selfsame.Agent1 /org/selfsame/Agent1 "org.selfsame.$interface" "$method" "$@"
}

# at the relying party; then on the host, with a payload of five bytes; then at the relying party again
challenge=$(call Verifier1 Challenge 'ssa{sv}' door web1 0)
# shellcheck disable=SC2086 # each byte is an argument
proof=$(call Identity1 Prove 'sayaya{sv}' "${1-door}" ${challenge#ay } 5 104 101 108 108 111 0)
case $(call Verifier1 Peers) in
*' "web1" '*) method=Verify said=still ;;
# trust on first use: whoever answers is web1 from now on. `Meet`, by a channel that you trust, is better.
*) method=Enrol said=met ;;
esac
# shellcheck disable=SC2086
verdict=$(call Verifier1 "$method" 'saya{sv}' web1 ${proof#ay } 0)
# … "subject" a{sv} 3 "uid" u 0 "gid" … "payload" ay 5 104 101 108 108 111 …
user=${verdict#*'"uid" u '}
case $verdict in
*'"payload" ay 5 104 101 108 108 111'*) echo "$said web1: user ${user%% *} says hello" ;;
*) echo "web1 says something else: $verdict" >&2 && exit 1 ;;
esac
