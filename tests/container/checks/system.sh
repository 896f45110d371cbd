# The machine: what a Debian host has, that the agent will talk to.
# shellcheck shell=bash

it_boots_to_running() {
    # it says `starting` until the last job is done
    local state
    state=$(timeout 30 systemctl is-system-running --wait || true)
    equal "failed units" "" "$(systemctl --failed --plain --no-legend)"
    equal "the system" running "$state"
}

logind_answers() {
    busctl call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager ListInhibitors
    busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager \
        InhibitDelayMaxUSec
}

# By the real logind: the agent, which is not root, delays a sleep, and takes the delay anew after a restart.
the_agent_holds_a_delay_inhibitor() {
    up
    until_true "its inhibitor is there" _inhibits
    systemctl restart "$unit"
    until_true "its inhibitor is there again" _inhibits
    equal "inhibitors of the agent" 1 "$(_inhibitors | grep -c '"selfsame"')"
}
_inhibitors() {
    busctl --json=pretty call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager ListInhibitors
}
_inhibits() { _inhibitors | grep -q '"selfsame"'; }

polkit_answers() {
    has "its action" org.freedesktop.login1.inhibit-delay-sleep "$(pkaction)"
    # of a process without a session: delaying is for anyone, forbidding for those who sit at the machine
    coproc setpriv --reuid=stranger --regid=stranger --init-groups cat
    # root may do all, and so it begins
    until_true "it is another user" is_of stranger "$COPROC_PID"
    exits 0 pkcheck --action-id org.freedesktop.login1.inhibit-delay-sleep --process "$COPROC_PID"
    exits 1 pkcheck --action-id org.freedesktop.login1.inhibit-block-sleep --process "$COPROC_PID"
}
