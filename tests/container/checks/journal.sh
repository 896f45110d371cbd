# What the agent says, under its own name, and what it doesn't.
# shellcheck shell=bash

its_lines_have_its_name() {
    up
    systemctl restart "$unit"
    local said
    said=$(journalctl --identifier=selfsame-agent --output=cat)
    has "birth" "^born" "$said"
    has "service" "^serving" "$said"
    has "end" "^told to end" "$said"
    # by the journal's own protocol, with fields
    has "the lineage" "^selfsame1" "$(journalctl --identifier=selfsame-agent --output=cat --output-fields=F_LINEAGE)"
    # nothing else of the unit's comes from it, libtss2 included
    equal "other lines" "" "$(journalctl --unit="$unit" --output=json |
        grep -vE '"SYSLOG_IDENTIFIER":"(selfsame-agent|systemd)"' || true)"
}

no_line_has_hexadecimal_bytes() {
    up
    # half a secret's 32 bytes; in all fields that the agent gives. A digest, which it has at hand, is found so:
    local head said
    until_true "the last head is written" test -s /var/lib/selfsame/last-head.json
    head=$(grep -oE '"digest":"[0-9a-f]+"' /var/lib/selfsame/last-head.json)
    _hexadecimal "$head" >/dev/null || fail "what looks for bytes finds none in $head"
    # those that begin with an underscore are the journal's own
    said=$(journalctl --identifier=selfsame-agent --output=export | grep -av '^_')
    has "what is looked at" "^F_LINEAGE=selfsame1" "$said"
    equal "lines" "" "$(_hexadecimal "$said" || true)"
}
_hexadecimal() { grep -aE '[0-9A-Fa-f]{32}' <<<"$1"; }
