# A configuration that can't be used: said, and not tried again and again.
# shellcheck shell=bash

a_bad_configuration_ends_it_once() {
    up
    cp /etc/selfsame/agent.toml /run/good.toml
    echo 'tcty = "device:/dev/tpmrm0"' >/etc/selfsame/agent.toml
    refused_once
    # by its name: the journal asks /proc for a line's unit, and the process may have ended by then
    until_true "the journal says what is wrong" _says_key
}

_says_key() { journalctl --identifier=selfsame-agent --output=cat --lines=3 | grep "tcty.*tcti"; }

an_unmet_requirement_ends_it_once() {
    printf 'sources = ["tpm", "kernel"]\ntcti = "swtpm:path=/run/swtpm/nobody"\nrequire = ["tpm"]\n' \
        >/etc/selfsame/agent.toml
    refused_once
}

mended_it_comes_back() {
    cp /run/good.toml /etc/selfsame/agent.toml
    systemctl start "$unit"
    served
}

a_lineage_outlives_a_bad_configuration() {
    up
    local before
    before=$(lineage)
    cp /etc/selfsame/agent.toml /run/good.toml
    trap 'cp /run/good.toml /etc/selfsame/agent.toml; systemctl restart "$unit"' EXIT
    echo 'tcty = "device:/dev/tpmrm0"' >/etc/selfsame/agent.toml
    systemctl restart "$unit"
    served
    equal "lineage" "$before" "$(lineage)"
    equal "condition" 's "degraded"' "$(of_agent Condition)"
}
