# The drop-in that is shipped for who wants executables in the statements.
# shellcheck shell=bash

without_it_another_users_executable_is_left_out() {
    up
    local said
    said=$(_of_caller)
    has "whom it is of" "uid $(id -u caller)\b" "$said"
    ! grep -q "/usr/bin/selfsame" <<<"$said" || fail "it is there: $said"
}

with_it_the_statement_has_it() {
    trap 'rm -rf "/run/systemd/system/$unit.d"; systemctl daemon-reload; systemctl restart "$unit"' EXIT
    install -D -m 0644 /rig/examples/caller-exe.conf "/run/systemd/system/$unit.d/caller-exe.conf"
    systemctl daemon-reload
    systemctl restart "$unit"
    served
    has "whom it is of" "/usr/bin/selfsame" "$(_of_caller)"
}

_of_caller() {
    rm -f /run/door.db
    local challenge
    challenge=$(selfsame --store /run/door.db challenge host --audience door)
    selfsame --store /run/door.db enrol host "$(as caller selfsame prove --audience door "$challenge")" | grep "^subject"
}
