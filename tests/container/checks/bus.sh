# The agent on the system bus, by its unit, the activation file and the bus policy.
# shellcheck shell=bash

it_serves_as_its_own_user() {
    until_true "the agent serves" served
    local credentials
    credentials=$(busctl status org.selfsame.Agent1)
    has "its user" "^EUID=$(id -u _selfsame)$" "$credentials"
    has "its group" "^EGID=$(id -g _selfsame)$" "$credentials"
    has "its process" "^PID=$(main_pid)$" "$credentials"
    equal "its groups" "_selfsame tss" "$(_groups | sort | xargs)"
    # it was born with the boot, not by a call
    equal "starts" 0 "$(of_unit NRestarts)"
}

_groups() {
    local gid
    for gid in $(grep -oP '^Groups:\s*\K.*' "/proc/$(main_pid)/status"); do getent group "$gid" | cut -d: -f1; done
}

root_and_the_group_may_ask() {
    selfsame status
    as caller selfsame status >/dev/null
    equal "the lineage" "$(selfsame id)" "$(as caller selfsame id)"
}

another_user_is_refused_but_may_look() {
    local challenge
    challenge=$(selfsame --store /run/door.db challenge host --audience door)
    as caller selfsame prove --audience door "$challenge" >/dev/null
    exits 4 as stranger selfsame prove --audience door "$challenge"
    exits 4 as stranger selfsame introduce
    exits 0 as stranger selfsame status
}

the_tpm_is_a_healthy_source() {
    # where the machine is slow it joins after the birth
    until_true "the TPM is healthy" _has_tpm
    has "sources" '"tpm" "tpm" true' "$(of_agent Sources)"
    # for the first two minutes it has not seen enough of the host
    has "condition" '^s "(steady|warming)"$' "$(of_agent Condition)"
}
_has_tpm() { of_agent Sources | grep -q '"tpm" "tpm" true'; }

a_proof_is_enrolled_and_the_next_verifies() {
    rm -f /run/door.db
    local challenge proof
    challenge=$(selfsame --store /run/door.db challenge host --audience door)
    proof=$(as caller selfsame prove --audience door "$challenge")
    selfsame --store /run/door.db enrol host "$proof"
    challenge=$(selfsame --store /run/door.db challenge host --audience door)
    # through a unit of its own, which the statement has to name
    proof=$(systemd-run --quiet --pipe --wait --unit=asking --uid=caller \
        selfsame prove --audience door --payload hello "$challenge")
    output=$(selfsame --store /run/door.db verify host "$proof")
    has "whom it is of" "uid $(id -u caller)\b" "$output"
    has "whom it is of" "unit asking.service" "$output"
}

a_call_starts_an_agent_that_is_stopped() {
    systemctl stop "$unit"
    equal "state" inactive "$(of_unit ActiveState)"
    as caller selfsame id >/dev/null
    # it may answer before it has told systemd that it is ready
    until_true "its unit is active" served
}

a_call_starts_no_agent_that_is_disabled() {
    systemctl --quiet disable --now "$unit"
    exits 3 selfsame id
    equal "state" inactive "$(of_unit ActiveState)"
    systemctl --quiet enable --now "$unit"
    served
}
