# Who is asking, where there are real units: what a statement says of them, and of which run.
# shellcheck shell=bash

# _asks OPTION...: a transient unit asks, with those options of systemd-run. Its own invocation id is in $id, the proof in
# $proof, the verdict, one `"key": value` a line, in $verdict.
_asks() {
    local challenge told
    rm -f /run/door.db
    challenge=$(selfsame --store /run/door.db challenge host --audience door)
    # shellcheck disable=SC2016
    told=$(systemd-run --quiet --pipe --wait "$@" \
        sh -c 'echo "$INVOCATION_ID"; exec selfsame prove --audience door "$0"' "$challenge")
    id=$(head -n 1 <<<"$told") proof=$(tail -n 1 <<<"$told")
    verdict=$(selfsame --store /run/door.db --json enrol host "$proof" | tr -d '{}' | tr ',' '\n')
}

a_unit_is_named_with_the_run_that_it_asked_in() {
    until_true "the agent serves" served
    local first
    for _ in 1 2; do
        _asks --unit=asking.service --uid=caller
        has "the unit" '"unit": ?"asking.service"' "$verdict"
        has "its run" "\"invocation\": ?\"$id\"" "$verdict"
        has "the user" "\"uid\": ?$(id -u caller)$" "$verdict"
        output=$(selfsame inspect "$proof")
        has "explained" "4 unit: \"asking.service\"" "$output"
        has "explained" "8 invocation: $id " "$output"
        [ "$id" != "${first:-}" ] || fail "two runs of one id: $id"
        first=$id
    done
}

a_unit_that_goes_on_has_the_id_that_systemd_says() {
    local challenge
    rm -f /run/door.db
    challenge=$(selfsame --store /run/door.db challenge host --audience door)
    systemd-run --quiet --unit=staying.service --service-type=exec --uid=caller sh -c \
        'selfsame prove --audience door "$0" >/tmp/staying.proof; touch /tmp/staying.done; exec sleep infinity' "$challenge"
    until_true "it has asked" test -e /tmp/staying.done
    output=$(selfsame --store /run/door.db enrol host @/tmp/staying.proof)
    has "the unit" "unit staying.service" "$output"
    has "its run" "invocation $(systemctl show --property=InvocationID --value staying.service)" "$output"
    systemctl stop staying.service
}

what_a_users_own_manager_names_is_no_unit_and_no_app() {
    local uid challenge output named=app-flatpak-org.example.App-1.service
    uid=$(id -u caller)
    systemctl start "user@$uid.service"
    rm -f /run/door.db
    challenge=$(selfsame --store /run/door.db challenge host --audience door)
    as caller mkdir -p "/run/user/$uid/systemd/user"
    printf '[Service]\nType=oneshot\nExecStart=/bin/sh -c "exec selfsame prove --audience door %s >/tmp/named.proof"\n' \
        "$challenge" >"/run/user/$uid/systemd/user/$named"
    as caller env XDG_RUNTIME_DIR="/run/user/$uid" systemctl --user daemon-reload
    as caller env XDG_RUNTIME_DIR="/run/user/$uid" systemctl --user start "$named"
    output=$(selfsame --store /run/door.db enrol host @/tmp/named.proof)
    has "the unit" "unit user@$uid.service" "$output"
    has "its run" "invocation $(systemctl show --property=InvocationID --value "user@$uid.service")" "$output"
    if grep -q "example" <<<"$output"; then fail "the caller named itself: $output"; fi
    systemctl stop "user@$uid.service"
}

# ProtectProc=invisible is hidepid for one unit. Without ProcessFD nothing is known of a process that can't be seen.
where_proc_hides_the_caller_only_its_user_is_told() {
    mkdir -p "/run/systemd/system/$unit.d"
    printf '[Service]\nProtectProc=invisible\n' >"/run/systemd/system/$unit.d/hidden.conf"
    systemctl daemon-reload
    systemctl restart "$unit"
    up
    _asks --unit=asking.service --uid=caller
    has "the user" "\"uid\":$(id -u caller)$" "$verdict"
    if grep -E '"(gid|pid|unit|exe|invocation)"' <<<"$verdict"; then fail "told though it is hidden"; fi
    rm "/run/systemd/system/$unit.d/hidden.conf"
    systemctl daemon-reload
    systemctl restart "$unit"
    up
    _asks --unit=asking.service --uid=caller
    has "the unit" '"unit": ?"asking.service"' "$verdict"
}
