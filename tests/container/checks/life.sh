# How the agent ends, and comes back.
# shellcheck shell=bash

a_restart_goes_on_in_secret_memory() { _goes_on secret; }
a_restart_goes_on_in_locked_memory() { _goes_on locked; }
# by `systemctl restart`, after a kill and after a crash: the page waits in systemd's file descriptor store
_goes_on() {
    systemctl stop "$unit"
    cp /etc/selfsame/agent.toml /run/good.toml
    trap 'cp /run/good.toml /etc/selfsame/agent.toml; systemctl stop "$unit"' EXIT
    echo "memory = \"$1\"" >>/etc/selfsame/agent.toml
    up
    equal "memory" "s \"$1\"" "$(of_agent Memory)"
    equal "descriptors that wait" 2 "$(of_unit NFileDescriptorStore)"
    local before pid restarts
    before=$(lineage)
    rm -f /run/door.db
    selfsame --store /run/door.db enrol host "$(_proof)" >/dev/null
    systemctl restart "$unit"
    served
    _is_still "$1" "$before"
    restarts=$(of_unit NRestarts)
    for signal in KILL ABRT; do
        pid=$(main_pid)
        kill -"$signal" "$pid"
        until_true "the agent is back by itself after SIG$signal" another_than "$pid"
        _is_still "$1" "$before"
    done
    equal "restarts" $((restarts + 2)) "$(of_unit NRestarts)"
}
_is_still() {
    equal "lineage" "$2" "$(lineage)"
    equal "memory" "s \"$1\"" "$(of_agent Memory)"
    equal "descriptors that wait" 2 "$(of_unit NFileDescriptorStore)"
    selfsame --store /run/door.db verify host "$(_proof)" >/dev/null
}
_proof() { selfsame prove --audience door "$(selfsame --store /run/door.db challenge host --audience door)"; }

a_stop_ends_the_lineage() {
    up
    local before
    before=$(lineage)
    systemctl stop "$unit"
    up
    equal "origin" "(ss) \"lost\" \"$before\"" "$(of_agent Origin)"
}

# where no unit starts the TPM's helper, the agent does
_starts_helpers_itself() {
    systemctl stop "$unit"
    trap 'systemctl stop "$unit"; systemctl unmask --quiet --runtime "$helper"; systemctl start "$helper"' EXIT
    systemctl mask --quiet --runtime --now "$helper"
    up
}
helper=selfsame-tpm-helper.socket

helpers_are_in_its_group_and_end_with_it() {
    _starts_helpers_itself
    until_true "the TPM's helper runs" _helper_runs
    local pid all
    pid=$(main_pid)
    all=$(processes)
    # none that is its child is elsewhere
    for child in $(pgrep --parent "$pid"); do
        grep -qx "$child" <<<"$all" || fail "its process $child is not in its group: $all"
    done
    # all that run the program are in it, too
    equal "processes" "$(pgrep --full selfsame-agent | sort -n)" "$(sort -n <<<"$all")"
    systemctl stop "$unit"
    for process in $all; do
        [ ! -d "/proc/$process" ] || fail "process $process is still there"
    done
}
_helper_runs() { [ "$(processes | wc -l)" -gt 1 ]; }

a_killed_agent_leaves_no_helper() {
    _starts_helpers_itself
    until_true "the TPM's helper runs" _helper_runs
    local pid all
    pid=$(main_pid)
    all=$(processes)
    kill -KILL "$pid"
    until_true "the agent is back by itself" another_than "$pid"
    for process in $all; do
        [ ! -d "/proc/$process" ] || fail "process $process is still there"
    done
}

a_stop_is_clean() {
    up
    selfsame challenge somebody --audience door >/dev/null
    systemctl stop "$unit"
    equal "result" success "$(of_unit Result)"
    equal "exit code" "1 0" "$(of_unit ExecMainCode) $(of_unit ExecMainStatus)"
    equal "state" inactive "$(of_unit ActiveState)"
    # it stays so: a restart is for what ends by itself
    equal "queued jobs" "" "$(systemctl list-jobs --no-legend "$unit" | grep -v "No jobs" || true)"
    # nothing but the last head and the verifier's peers, for its own user
    equal "files" "last-head.json peers.db" "$(ls -A /var/lib/selfsame | xargs)"
    equal "the peers' file" "600 _selfsame _selfsame" "$(stat --format='%a %U %G' /var/lib/selfsame/peers.db)"
    equal "directory" "700 _selfsame _selfsame" "$(stat --format='%a %U %G' /var/lib/selfsame)"
}

a_crash_dumps_nothing() {
    up
    local pid
    pid=$(main_pid)
    has "its limit" "^Max core file size +0 +0 " "$(cat "/proc/$pid/limits")"
    touch /run/before
    kill -ABRT "$pid"
    until_true "the agent is back by itself" another_than "$pid"
    # wherever the kernel's pattern puts it
    equal "dumps" "" "$(find / -xdev -newer /run/before -type f -name '*core*' -not -path '/proc/*' -not -path '/sys/*')"
    has "journal" "Main process exited, code=killed, status=6/ABRT" "$(journalctl --unit="$unit" --output=cat)"
}
