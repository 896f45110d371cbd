# How the agent ends, and comes back.
# shellcheck shell=bash

# HANDOVER: these two change when the state is handed over by systemd's file descriptor store. Then the lineage after is
# the one before. Until then it is another, which says that the state was lost, and after whom it comes.
a_restart_brings_it_back() {
    up
    local before
    before=$(lineage)
    systemctl restart "$unit"
    served
    _followed_by_another "$before"
}
a_kill_brings_it_back() {
    up
    local before pid restarts
    before=$(lineage) pid=$(main_pid) restarts=$(of_unit NRestarts)
    kill -KILL "$pid"
    until_true "the agent is back by itself" another_than "$pid"
    equal "restarts" $((restarts + 1)) "$(of_unit NRestarts)"
    _followed_by_another "$before"
}
_followed_by_another() {
    [ "$(lineage)" != "$1" ] || fail "the lineage of before, $1"
    equal "origin" "(ss) \"lost\" \"$1\"" "$(of_agent Origin)"
}

helpers_are_in_its_group_and_end_with_it() {
    up
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
    up
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
    systemctl stop "$unit"
    equal "result" success "$(of_unit Result)"
    equal "exit code" "1 0" "$(of_unit ExecMainCode) $(of_unit ExecMainStatus)"
    equal "state" inactive "$(of_unit ActiveState)"
    # it stays so: a restart is for what ends by itself
    equal "queued jobs" "" "$(systemctl list-jobs --no-legend "$unit" | grep -v "No jobs" || true)"
    # nothing but the last head, for its own user
    equal "files" last-head.json "$(ls -A /var/lib/selfsame)"
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
