# The udev rules, as udev itself reads them. No udev runs in the container: what it would do with a device is not seen here.
# shellcheck shell=bash

the_rules_are_read_without_a_complaint() {
    local said file
    # of a device that each machine has
    said=$(udevadm test /sys/class/mem/null 2>&1) || fail "$said"
    for file in /usr/lib/udev/rules.d/60-selfsame-*.rules; do
        has "files that are read" "Reading rules file: $file" "$said"
    done
    equal "complaints" "" "$(grep '60-selfsame' <<<"$said" | grep -v 'Reading rules file' || true)"
}
