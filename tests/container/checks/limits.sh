# What the unit takes from the agent, and how much of it systemd says there is left.
# shellcheck shell=bash

the_units_are_well_formed() {
    output=$(systemd-analyze verify "$unit" selfsame-{tpm-helper,tsm-report}{.socket,@rig.service} \
        selfsame-hibernate.service 2>&1) || fail "$output"
    equal "remarks" "" "$output"
}

its_units_are_little_exposed() {
    local name table figure
    for name in "$unit" selfsame-tpm-helper@rig.service selfsame-tsm-report@rig.service selfsame-hibernate.service; do
        table=$(systemd-analyze security --no-pager "$name" || true)
        figure=$(grep -oP 'Overall exposure level.*: \K[0-9.]+' <<<"$table")
        echo "systemd-analyze security: $name $figure"
        # house style: at most 1.5
        [ "${figure/./}" -le 15 ] || fail "$table"
    done
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
