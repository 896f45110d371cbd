# Who may, by the real polkit and logind: sessions at the machine's seat, and others.
# shellcheck shell=bash
#
# A container has no virtual terminals, and no seat but seat0. logind puts a session there by the word of whoever opens
# it, as it takes a display manager's: pam_systemd with XDG_SEAT. Without terminals the newest session is in front.

who_sits_at_the_machine_may_have_it_speak() {
    up
    _in_session stranger XDG_SEAT=seat0 'loginctl show-session "$XDG_SESSION_ID"; selfsame introduce'
    has "its session" "^Seat=seat0$" "$output"
    has "its session" "^Active=yes$" "$output"
    equal "exit code" 0 "$code"
    # that is for proofs alone: polkit wants a password before it lets them use the verifier; 2 says so (pkcheck(1))
    _session sitting stranger 'exec sleep 60'
    local pid
    pid=$(systemctl show --property=MainPID --value sitting.service)
    # root may do all, and so it begins
    until_true "it is another user" is_of stranger "$pid"
    exits 0 pkcheck --action-id org.selfsame.prove --process "$pid"
    exits 2 pkcheck --action-id org.selfsame.verify --process "$pid"
    loginctl terminate-user stranger
}

who_came_over_the_network_is_refused() {
    up
    _in_session stranger XDG_SESSION_TYPE=tty 'loginctl show-session "$XDG_SESSION_ID"; selfsame introduce'
    has "its session" "^Active=yes$" "$output"
    if grep -q "^Seat=." <<<"$output"; then fail "it has a seat: $output"; fi
    equal "exit code" 4 "$code"
    has "why" "polkit does not allow it" "$output"
    has "what to do" "adduser USER selfsame" "$output"
    has "what to do" "have a polkit rule allow org.selfsame.prove" "$output"
}

who_is_not_in_front_is_refused_until_they_are_again() {
    up
    mkfifo --mode=0666 /run/next
    : >/run/said && chmod 0666 /run/said
    # the same session asks three times
    _session behind stranger 'exec 3<>/run/next
        for time in first second third; do
            code=0; selfsame introduce >/dev/null || code=$?
            echo "$time $code" >>/run/said; read -r _ <&3
        done'
    _said first 0
    _session before caller 'exec sleep 60'
    until_true "another is in front" _is_behind
    echo >/run/next
    _said second 4
    loginctl activate "$(_session_of stranger)"
    echo >/run/next
    _said third 0
    loginctl terminate-user stranger caller
}
_said() { until_true "asked the $1 time" grep -q "^$1" /run/said; has "what came of it" "^$1 $2$" "$(</run/said)"; }
_session_of() { loginctl list-sessions --no-legend | awk -v user="$1" '$3 == user { print $1 }'; }
_is_behind() { [ "$(loginctl show-session --property=Active --value "$(_session_of stranger)")" = no ]; }

without_polkit_root_and_the_group_go_on_and_others_are_told_why() {
    up
    systemctl mask --runtime --now --quiet polkit.service
    as caller selfsame introduce >/dev/null
    selfsame introduce >/dev/null
    exits 4 as stranger selfsame introduce
    systemctl unmask --runtime --quiet polkit.service
    has "why" "there is no polkit to ask" "$output"
    # it is started when it is asked
    exits 4 as stranger selfsame introduce
    has "why" "polkit does not allow it" "$output"
}

an_administrators_rule_counts() {
    up
    cat >/etc/polkit-1/rules.d/50-selfsame.rules <<'RULE'
polkit.addRule(function(action, subject) {
    if (action.id == "org.selfsame.prove" && subject.user == "stranger") return polkit.Result.YES;
});
RULE
    until_true "the rule counts" as stranger selfsame introduce
    rm /etc/polkit-1/rules.d/50-selfsame.rules
    until_true "it counts no more" _is_refused
}
# no `exits`: that ends the check, where this is to be tried again
_is_refused() { local code=0; as stranger selfsame introduce || code=$?; [ "$code" -eq 4 ]; }

# _session UNIT USER SCRIPT: opens one at the seat, which goes on
_session() {
    _pam
    systemd-run --quiet --collect --unit="$1" --uid="$2" --property=PAMName=seated --setenv=XDG_SEAT=seat0 bash -c "$3"
}

# _in_session USER VARIABLE=VALUE SCRIPT: its $output and $code, in a session that is opened by that
_in_session() {
    _pam
    code=0
    output=$(timeout 30 systemd-run --quiet --collect --wait --pipe --uid="$1" --property=PAMName=seated --setenv="$2" \
        bash -c "$3" 2>&1) || code=$?
}

_pam() {
    cat >/etc/pam.d/seated <<'PAM'
account required pam_permit.so
session required pam_systemd.so
PAM
}
