# How much memory the unit lets the agent and its helpers have.
# shellcheck shell=bash

it_keeps_to_its_limit() {
    up
    local limit group used callers caller
    limit=$(of_unit MemoryMax)
    [ "$limit" != infinity ] || fail "there is no limit"
    if grep -qw memory /sys/fs/cgroup/cgroup.controllers; then
        group=/sys/fs/cgroup$(of_unit ControlGroup)
        equal "the kernel's limit" "$limit" "$(cat "$group/memory.max")"
        equal "the kernel's limit of swap" 0 "$(cat "$group/memory.swap.max")"
    else
        # On a host with memory's controller in version 1 systemd can't set it. The agent is put into a group there
        # that has the unit's limit, so that at least the limit is tried.
        echo "memory's controller is in version 1: its own group, not the unit's"
        _confined "$limit"
        until_true "the agent serves" served
    fi
    echo "at rest: $(_resident | xargs) KiB"
    callers=()
    for _ in $(seq 20); do
        _ask &
        callers+=($!)
    done
    # each by itself: of several `wait` tells how the last one ended
    for caller in "${callers[@]}"; do wait "$caller"; done
    if [ -n "${group:-}" ]; then
        used=$(cat "$group/memory.peak" 2>/dev/null || cat "$group/memory.current")
        has "events" '^oom_kill 0$' "$(cat "$group/memory.events")"
    else
        used=$(cat /rig/memory-v1/memory.max_usage_in_bytes)
        has "events" '^oom_kill 0$' "$(cat /rig/memory-v1/memory.oom_control)"
    fi
    echo "after 200 proofs of 20 callers: $(_resident | xargs) KiB; at most $((used / 1024)) of $((limit / 1024)) KiB"
    [ "$used" -gt 0 ] && [ "$used" -lt "$limit" ]
}

an_agent_that_outgrows_it_is_ended() {
    # less than it is at rest; whichever of its processes is hit, the limit has been enforced
    up
    if grep -qw memory /sys/fs/cgroup/cgroup.controllers; then
        systemctl set-property --runtime "$unit" MemoryMax=1M
    else
        _confined $((1024 * 1024))
    fi
    until_true "the kernel has ended a process of it" _killed
    rm -rf "/run/systemd/system/$unit.d" "/run/systemd/system.control/$unit.d"
    systemctl daemon-reload
    systemctl restart "$unit"
    served
}
_killed() {
    if [ -e "/sys/fs/cgroup$(of_unit ControlGroup)/memory.events" ]; then
        grep -q '^oom_kill [1-9]' "/sys/fs/cgroup$(of_unit ControlGroup)/memory.events"
    else
        grep -q '^oom_kill [1-9]' /rig/memory-v1/memory.oom_control
    fi
}

# starts the agent anew, in the group of version 1
_confined() {
    systemctl stop "$unit"
    echo 0 >/rig/memory-v1/memory.force_empty
    echo "$1" >/rig/memory-v1/memory.limit_in_bytes
    echo 0 >/rig/memory-v1/memory.max_usage_in_bytes
    chown _selfsame /rig/memory-v1/cgroup.procs
    mkdir -p "/run/systemd/system/$unit.d"
    cat >"/run/systemd/system/$unit.d/memory-v1.conf" <<'END'
[Service]
ReadWritePaths=/rig/memory-v1
ExecStart=
ExecStart=/bin/sh -c 'echo $$$$ >/rig/memory-v1/cgroup.procs; exec /usr/sbin/selfsame-agent'
END
    systemctl daemon-reload
    systemctl start --no-block "$unit"
}

_resident() { for process in $(processes); do awk '$1 == "VmRSS:" { print $2 }' "/proc/$process/status"; done; }

_ask() {
    local challenge
    for _ in $(seq 10); do
        challenge=$(selfsame --store "/run/door-$BASHPID.db" challenge host --audience door)
        selfsame prove --audience door "$challenge" >/dev/null
    done
}
