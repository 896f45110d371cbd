# The TPM's helper in a unit of its own; and a machine whose TPM is not there, or comes late.
# shellcheck shell=bash

the_tpm_is_drawn_from_in_a_unit_of_its_own() {
    up
    until_true "the TPM is healthy" _tpm_is true
    equal "processes of the agent's unit" "$(main_pid)" "$(processes)"
    local pid user
    pid=$(_helper)
    has "what it runs" "tpm-helper" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"
    user=$(stat --format=%u "/proc/$pid")
    [ "$user" -ne 0 ] && [ "$user" -ne "$(id -u _selfsame)" ] || fail "it runs as uid $user"
    has "its groups" "\b$(getent group tss | cut -d: -f3)\b" "$(grep ^Groups: "/proc/$pid/status")"
    has "capabilities" '^CapEff:\s+0+$' "$(cat "/proc/$pid/status")"
    # of the agent's files, and of the machine's network, it sees nothing
    nsenter --target "$pid" --mount setpriv --reuid="$user" --clear-groups ls /var/lib >/dev/null
    equal "its view of the agent's files" "" "$(nsenter --target "$pid" --mount setpriv --reuid="$user" --clear-groups \
        ls /var/lib/selfsame 2>/dev/null || true)"
    [ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/1/ns/net)" ] || fail "it is in the machine's network"
}
# sources, and the TPM's is true or false
_tpm_is() { of_agent Sources | grep -q "\"tpm\" \"tpm\" $1"; }
_helpers() { systemctl list-units --plain --no-legend --state=active 'selfsame-tpm-helper@*' | cut -d' ' -f1; }
# the one that serves
_helper() {
    local name
    until_true "one helper serves" _is_one
    name=$(_helpers)
    systemctl show --property=MainPID --value "$name"
}
_is_one() { [ "$(_helpers | wc -l)" -eq 1 ]; }

it_ends_with_the_agent_and_in_order() {
    up
    until_true "the TPM is healthy" _tpm_is true
    local pid
    pid=$(_helper)
    systemctl stop "$unit"
    until_true "the helper has ended" test ! -d "/proc/$pid"
    until_true "its unit is gone" _is_none
    equal "failed units" "" "$(systemctl --failed --plain --no-legend)"
}
_is_none() { [ -z "$(systemctl list-units --all --plain --no-legend 'selfsame-tpm-helper@*')" ]; }

one_that_hangs_holds_up_neither_a_proof_nor_a_restart_and_is_replaced() {
    _draws_every_second
    local pid before begun
    pid=$(_helper)
    before=$(lineage)
    rm -f /run/door.db
    selfsame --store /run/door.db enrol host "$(_proof)" >/dev/null
    kill -STOP "$pid"

    until_true "the agent has left it" _tpm_is false
    _verifies
    begun=$(date +%s%N)
    systemctl restart "$unit"
    served
    echo "a restart beside it: $((($(date +%s%N) - begun) / 1000000)) ms"
    has "the helper that hangs" '^State:\s+T' "$(cat "/proc/$pid/status")"
    equal "lineage" "$before" "$(lineage)"
    _verifies

    # its unit's watchdog
    until_true "it was killed" test ! -d "/proc/$pid"
    until_true "another has its place" _tpm_is true
    [ "$(_helper)" -ne "$pid" ] || fail "the same process"
    equal "lineage" "$before" "$(lineage)"
    has "what the journal says of it" "Watchdog timeout" "$(journalctl --unit='selfsame-tpm-helper@*' --output=cat --since=-1min)"
}
_draws_every_second() {
    systemctl stop "$unit"
    trap 'cp /rig/agent.toml /etc/selfsame/agent.toml; systemctl restart "$unit"' EXIT
    echo 'tpm_interval_s = 1' >>/etc/selfsame/agent.toml
    up
    until_true "the TPM is healthy" _tpm_is true
}
_proof() { selfsame prove --audience door "$(selfsame --store /run/door.db challenge host --audience door)"; }
_verifies() { selfsame --store /run/door.db verify host "$(_proof)" >/dev/null; }

# as one would that is stuck in the kernel, and does not even die of its watchdog: here it has none
while_one_hangs_no_other_has_the_tpm() {
    mkdir -p /run/systemd/system/selfsame-tpm-helper@.service.d
    printf '[Service]\nWatchdogSec=0\n' >/run/systemd/system/selfsame-tpm-helper@.service.d/never.conf
    systemctl daemon-reload
    _draws_every_second
    rm -r /run/systemd/system/selfsame-tpm-helper@.service.d
    systemctl daemon-reload
    local pid
    pid=$(_helper)
    kill -STOP "$pid"
    until_true "another was refused" _is_refused
    has "the one that hangs" '^State:\s+T' "$(cat "/proc/$pid/status")"
    kill -KILL "$pid"
    until_true "another has its place" _tpm_is true
}
_is_refused() { { selfsame doctor || true; } | grep "another helper hangs, and has the TPM"; }

a_machine_without_a_tpm_is_told_so_and_nothing_starts_again_and_again() {
    systemctl stop "$unit"
    trap 'cp /rig/agent.toml /etc/selfsame/agent.toml; systemctl restart "$unit"' EXIT
    # as it is shipped
    rm /etc/selfsame/agent.toml
    up
    until_true "the TPM has failed" _is_degraded
    until_true "its unit says why" _says_why
    echo "$(of_unit StatusText)"
    exits 1 selfsame doctor
    has "the doctor" "/dev/tpmrm0 is not there" "$output"
    equal "restarts" 0 "$(of_unit NRestarts)"
    equal "failed units" "" "$(systemctl --failed --plain --no-legend)"
}
# a source that has not answered yet is told as one that failed: the condition tells them apart
_is_degraded() { _tpm_is false && [ "$(of_agent Condition)" = 's "degraded"' ]; }
_says_why() { of_unit StatusText | grep "degraded: source tpm: .*/dev/tpmrm0"; }

one_that_comes_late_is_found_by_the_same_agent() {
    systemctl stop "$unit" swtpm.service
    trap 'systemctl start swtpm.service' EXIT
    up
    until_true "the TPM has failed" _is_degraded
    local before pid
    before=$(lineage)
    pid=$(main_pid)
    systemctl start swtpm.service
    until_true "the TPM is healthy" _tpm_is true
    until_true "the unit says so" _is_well
    equal "process" "$pid" "$(main_pid)"
    equal "lineage" "$before" "$(lineage)"
}
# warming: the agent has not seen enough yet to judge how the host behaves
_is_well() { [[ "$(of_unit StatusText)" =~ ^(steady|warming)$ ]]; }
