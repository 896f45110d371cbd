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
    has "the lineage" "^selfsame1" "$(journalctl --identifier=selfsame-agent --output=cat --output-fields=LINEAGE)"
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
    # those that begin with an underscore are the journal's own, and what a kind of line is called is no secret
    said=$(journalctl --identifier=selfsame-agent --output=export | grep -avE '^(_|MESSAGE_ID=)')
    has "what is looked at" "^LINEAGE=selfsame1" "$said"
    equal "lines" "" "$(_hexadecimal "$said" || true)"
}
_hexadecimal() { grep -aE '[0-9A-Fa-f]{32}' <<<"$1"; }

# By the agent's own verifier, for a program in this unit: who did what, found by its id and explained.
the_catalog_explains_who_did_what() {
    up
    local challenge said
    challenge=$(selfsame challenge catalogued --audience door)
    selfsame enrol catalogued "$(selfsame prove --audience door "$challenge")" >/dev/null
    selfsame forget catalogued
    _explained 938a963c60da43e989294748095eb63d 'peer "catalogued" is enrolled' 'A peer was enrolled: catalogued'
    _explained 768fc31bbb0547c5b515d4fca15ef532 'peer "catalogued" is forgotten' 'A peer was forgotten: catalogued'
    # and what is of this host's own lineage
    selfsame end --yes
    said=$(_explanation b447c726b9c34a3c861ec8c9c92c0551)
    has "its subject" "^[^ ]+ Subject: This host's lineage has ended" "$said"
    said=$(_explanation a7349d181c4d4e51a58bc96020b01191)
    has "who" "^[^ ]+ User 0 " "$said"
}
# _explained ID LINE SUBJECT: by whom, and what to do, in the line's fields and in what the catalog says of it
_explained() {
    local said
    said=$(_explanation "$1")
    has "the line" "$2" "$said"
    has "its subject" "^[^ ]+ Subject: $3" "$said"
    has "who" '^[^ ]+ A program of user 0 ' "$said"
    has "what to do" '^[^ ]+ What to do: ' "$said"
    said=$(journalctl --output=export "MESSAGE_ID=$1")
    for field in PEER=catalogued CALLER_UID=0 CALLER_UNIT=checks.service; do
        has "a field" "^$field$" "$said"
    done
}
# what the journal has under this id, with the catalog's text, each line of it behind a mark
_explanation() {
    until_true "the journal has $1" _has_line "$1"
    journalctl --catalog --no-pager "MESSAGE_ID=$1"
}
_has_line() { journalctl --output=cat "MESSAGE_ID=$1" | grep -q .; }
