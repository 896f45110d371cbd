# An agent that hangs: the service manager's watchdog ends it, and the next goes on.
# shellcheck shell=bash

an_agent_that_hangs_is_ended_and_the_lineage_goes_on() {
    up
    equal "the watchdog" "30s" "$(of_unit WatchdogUSec)"
    trap 'rm -rf "/run/systemd/system/$unit.d"; systemctl daemon-reload; systemctl restart "$unit"' EXIT
    mkdir -p "/run/systemd/system/$unit.d"
    # a stopped process does not take SIGABRT
    printf '[Service]\nWatchdogSec=3\nTimeoutAbortSec=100ms\n' >"/run/systemd/system/$unit.d/soon.conf"
    systemctl daemon-reload
    systemctl restart "$unit"
    served
    local pid before pings
    pid=$(main_pid)
    before=$(lineage)
    # it goes on for as long as it pings: a later ping is seen
    pings=$(of_unit WatchdogTimestampMonotonic)
    until_true "it pings" _has_pinged_since "$pings"
    equal "process" "$pid" "$(main_pid)"

    kill -STOP "$pid"
    until_true "another agent serves" another_than "$pid"
    equal "lineage" "$before" "$(lineage)"
    has "journal" "Watchdog timeout" "$(journalctl --unit="$unit" --output=cat --since=-1min)"
}
_has_pinged_since() { [ "$(of_unit WatchdogTimestampMonotonic)" -gt "$1" ]; }
