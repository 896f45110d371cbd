# The package's own tests, which a Debian archive would run: here, without their runner.
# shellcheck shell=bash

smoke_passes() { _passes smoke; }
dbus_passes() { _passes dbus; }
_passes() {
    up
    grep -q "^Tests:.*\b$1\b" /rig/tests/control || fail "tests/control does not name $1"
    local code=0
    output=$("/rig/tests/$1" 2>&1) || code=$?
    echo "$output"
    equal "exit code of $1" 0 "$code"
    # as dpkg knows them, users of the test's are gone
    equal "users" "" "$(getent passwd | grep selfsame-test || true)"
}
