# The package: where its files are, and what becomes of the lineage when it is upgraded, downgraded, removed and purged.
# In this order: each goes on from the one before, and the last leaves what the first found.
# shellcheck shell=bash

its_files_are_where_they_belong() {
    local path
    while read -r mode path; do
        equal "$path" "$mode root root" "$(stat --format='%a %U %G' "$path")"
    done <<'END'
755 /usr/bin/selfsame
755 /usr/sbin/selfsame-agent
755 /usr/libexec/selfsame-tsm-report
644 /lib/systemd/system/selfsame-agent.service
644 /lib/systemd/system/selfsame-hibernate.service
644 /lib/systemd/system/selfsame-tpm-helper.socket
644 /lib/systemd/system/selfsame-tpm-helper@.service
644 /lib/systemd/system/selfsame-tsm-report.socket
644 /lib/systemd/system/selfsame-tsm-report@.service
644 /usr/lib/sysusers.d/selfsame.conf
644 /usr/share/dbus-1/system.d/org.selfsame.Agent1.conf
644 /usr/share/dbus-1/system-services/org.selfsame.Agent1.service
644 /usr/share/dbus-1/interfaces/org.selfsame.Identity1.xml
644 /usr/share/dbus-1/interfaces/org.selfsame.Verifier1.xml
644 /usr/lib/udev/rules.d/60-selfsame-hwrng.rules
644 /usr/lib/udev/rules.d/60-selfsame-vmclock.rules
644 /usr/lib/udev/rules.d/60-selfsame-tpm.rules
644 /usr/lib/tmpfiles.d/selfsame.conf
644 /usr/share/polkit-1/actions/org.selfsame.policy
644 /usr/lib/systemd/catalog/selfsame.catalog
644 /usr/share/bash-completion/completions/selfsame
644 /etc/apparmor.d/usr.sbin.selfsame-agent
END
    equal "altered files" "" "$(dpkg --verify selfsame | grep -v /usr/share/ || true)"
}

its_units_are_enabled() {
    local name
    for name in selfsame-agent.service selfsame-hibernate.service selfsame-tpm-helper.socket selfsame-tsm-report.socket; do
        equal "$name" enabled "$(systemctl is-enabled "$name")"
    done
    equal "the sockets" "active active" "$(systemctl is-active selfsame-{tpm-helper,tsm-report}.socket | xargs)"
    # it ends the lineage: enabling it is not starting it
    equal "the unit before a hibernation" inactive "$(systemctl is-active selfsame-hibernate.service || true)"
}

the_doctor_has_nothing_to_mend() {
    up
    until_true "the TPM is healthy" _has_tpm
    selfsame doctor
    as caller selfsame doctor >/dev/null
}
_has_tpm() { busctl get-property org.selfsame.Agent1 /org/selfsame/Agent1 org.selfsame.Identity1 Sources | grep -q '"tpm" "tpm" true'; }

several_users_prove_at_once() {
    up
    local user proof output
    for user in root caller another; do
        rm -f "/run/door-$user.db" && as "$user" true
        selfsame --store "/run/door-$user.db" challenge host --audience door >"/run/challenge-$user"
    done
    for user in root caller another; do
        as "$user" selfsame prove --audience door - <"/run/challenge-$user" >"/run/proof-$user" &
    done
    wait
    for user in root caller another; do
        output=$(selfsame --store "/run/door-$user.db" enrol host - <"/run/proof-$user")
        has "whom the proof is of" "uid $(id -u "$user")\b" "$output"
    done
}

an_upgrade_keeps_the_lineage() {
    up
    local before pid
    before=$(lineage)
    pid=$(main_pid)
    rm -f /run/door.db
    selfsame --store /run/door.db enrol host "$(_proof)" >/dev/null
    _install higher
    served
    [ "$(main_pid)" -ne "$pid" ] || fail "the same process runs"
    equal "lineage" "$before" "$(lineage)"
    selfsame --store /run/door.db verify host "$(_proof)" >/dev/null
    has "version" "\+higher$" "$(dpkg-query --show selfsame)"
}
_proof() { selfsame prove --audience door "$(selfsame --store /run/door.db challenge host --audience door)"; }
# what dpkg and the package's scripts have to say is in $said
_install() { said=$(dpkg --install "/rig/$1.deb" 2>&1) || fail "$said"; }

an_upgrade_with_a_bad_configuration_keeps_it_too() {
    local before
    before=$(lineage)
    trap 'cp /rig/agent.toml /etc/selfsame/agent.toml; systemctl restart "$unit"' EXIT
    echo 'tcty = "device:/dev/tpmrm0"' >/etc/selfsame/agent.toml
    _install highest
    has "what is said of it" "tcty" "$said"
    served
    equal "lineage" "$before" "$(lineage)"
    equal "condition" 's "degraded"' "$(of_agent Condition)"
}

a_downgrade_begins_another_lineage_and_says_so() {
    local before
    before=$(lineage)
    _install selfsame
    has "what is said of it" "is older than .*highest: this host's lineage ends, and a new one begins" "$said"
    served
    equal "origin" "(ss) \"lost\" \"$before\"" "$(of_agent Origin)"
    [ "$(lineage)" != "$before" ] || fail "the same lineage"
}

an_older_one_that_is_installed_twice_keeps_it() {
    local before
    before=$(lineage)
    _install selfsame
    served
    equal "lineage" "$before" "$(lineage)"
}

removed_and_installed_again_it_names_the_one_before() {
    local before
    before=$(lineage)
    dpkg --remove selfsame >/dev/null
    [ -s /var/lib/selfsame/last-head.json ] || fail "the last head is gone"
    _install selfsame
    up
    equal "origin" "(ss) \"lost\" \"$before\"" "$(of_agent Origin)"
}

a_purge_leaves_only_users_and_groups() {
    up
    local files
    mapfile -t files < <(dpkg --listfiles selfsame)
    said=$(dpkg --purge selfsame 2>&1) || fail "$said"
    equal "what dpkg could not remove" "" "$(grep -i warning <<<"$said" || true)"
    for path in "${files[@]}"; do
        [ ! -f "$path" ] || fail "$path is still there"
    done
    # wherever it is, but for the rig's own and what the kernel shows
    equal "what has its name" "" "$(find / -path /proc -prune -o -path /sys -prune -o -path /rig -prune -o \
        -name '*selfsame*' -print)"
    # others name it, without there being one
    equal "units" "" "$(systemctl list-units --all --plain --no-legend 'selfsame*' 'dbus-org.selfsame*' |
        grep -v ' not-found ' || true)"
    equal "processes" "" "$(pgrep --full selfsame-agent || true)"
    exits 1 busctl status org.selfsame.Agent1
    getent passwd _selfsame >/dev/null
    getent group _selfsame selfsame >/dev/null
}

installed_anew_it_begins_as_if_there_had_been_none() {
    mkdir -p /etc/selfsame
    cp /rig/agent.toml /etc/selfsame/agent.toml
    _install selfsame
    served
    equal "origin" '(ss) "install" ""' "$(of_agent Origin)"
    equal "restarts" 0 "$(of_unit NRestarts)"
}
