# What the unit takes from the agent, and how much of it systemd says there is left.
# shellcheck shell=bash

the_unit_is_well_formed() {
    output=$(systemd-analyze verify "$unit" 2>&1) || fail "$output"
    equal "remarks" "" "$output"
}

it_is_little_exposed() {
    local table figure
    table=$(systemd-analyze security --no-pager "$unit" || true)
    figure=$(grep -oP 'Overall exposure level.*: \K[0-9.]+' <<<"$table")
    echo "systemd-analyze security: $figure"
    # house style: at most 1.5
    [ "${figure/./}" -le 15 ] || fail "$table"
}

it_can_do_little() {
    up
    local status
    status=$(cat "/proc/$(main_pid)/status")
    has "capabilities" '^CapBnd:\s+0+$' "$status"
    has "capabilities" '^CapEff:\s+0+$' "$status"
    has "new privileges" '^NoNewPrivs:\s+1$' "$status"
    has "system calls" '^Seccomp:\s+2$' "$status"
    has "locked memory" "^Max locked memory +8388608 +8388608 " "$(cat "/proc/$(main_pid)/limits")"
}
