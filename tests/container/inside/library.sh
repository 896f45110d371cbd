# What the checks share. Each runs in a shell with errexit, nounset and pipefail: a command that fails is a failed check.
# shellcheck shell=bash

unit=selfsame-agent.service

fail() { echo "$*"; exit 1; }

# equal WHAT WANTED FOUND
equal() { [ "$2" = "$3" ] || fail "$1: expected \`$2\`, found \`$3\`"; }

# has WHAT PATTERN TEXT: a line of TEXT matches
has() { grep -qE -- "$2" <<<"$3" || fail "$1: expected a line with \`$2\`, found: $3"; }

# until_true WHAT COMMAND...: waits until it holds, 20 s at most
until_true() {
    local what=$1; shift
    for _ in $(seq 200); do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.1
    done
    fail "not after 20 s: $what"
}

# exits CODE COMMAND...: it ends with that code; its output is in $output
exits() {
    local wanted=$1 code=0; shift
    output=$("$@" 2>&1) || code=$?
    [ "$code" -eq "$wanted" ] || fail "exit code $code, not $wanted: $*: $output"
}

# as USER COMMAND...: with that user's groups
as() { setpriv --reuid="$1" --regid="$1" --init-groups "${@:2}"; }

# is_of USER PID: whose the process is
is_of() { [ "$(stat --format=%U "/proc/$2")" = "$1" ]; }

# of_unit PROPERTY: what systemd says of the agent's unit
of_unit() { systemctl show --property="$1" --value "$unit"; }

# of_agent PROPERTY: what the agent says on the bus, as busctl prints it
of_agent() {
    busctl get-property org.selfsame.Agent1 /org/selfsame/Agent1 org.selfsame.Identity1 "$1"
}

main_pid() { of_unit MainPID; }

lineage() { selfsame id; }

# The agent serves: told to systemd, and seen on the bus. Starts one that is stopped.
up() {
    systemctl start "$unit"
    until_true "the agent serves" served
}

served() { [ "$(of_unit ActiveState)" = active ] && busctl status org.selfsame.Agent1 >/dev/null; }

# another_than PID: the agent serves, as another process than that
another_than() {
    local pid
    pid=$(main_pid)
    [ "$pid" -ne 0 ] && [ "$pid" -ne "$1" ] && served
}

# processes of the unit, the agent's own first
processes() { cat "/sys/fs/cgroup$(of_unit ControlGroup)/cgroup.procs"; }

# The agent starts, and refuses its configuration: once.
refused_once() {
    systemctl stop "$unit"
    systemctl reset-failed "$unit" 2>/dev/null || true
    local restarts
    restarts=$(of_unit NRestarts)
    exits 1 systemctl start "$unit"
    equal "exit code" 78 "$(of_unit ExecMainStatus)"
    equal "state" failed "$(of_unit ActiveState)"
    equal "restarts" "$restarts" "$(of_unit NRestarts)"
    # none is on its way either
    equal "queued jobs" "" "$(systemctl list-jobs --no-legend "$unit" | grep -v "No jobs" || true)"
}
