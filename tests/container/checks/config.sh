# A configuration that can't be used: said, and not tried again and again.
# shellcheck shell=bash

a_bad_configuration_ends_it_once() {
    up
    cp /etc/selfsame/agent.toml /run/good.toml
    echo 'tcty = "device:/dev/tpmrm0"' >/etc/selfsame/agent.toml
    refused_once
    has "journal" "tcti" "$(journalctl --unit="$unit" --output=cat --lines=20)"
}

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
