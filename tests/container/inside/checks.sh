#!/usr/bin/env bash
# Runs in the container: all functions of the files in checks/, in their order, each in a shell of its own that has
# `library.sh`, and for a minute at most. Functions with an underscore in front are not checks, but called by them.
set -euo pipefail
cd /rig
passed=0 failed=0

mapfile -t wanted < <(grep . wanted || true)
# the machine first, as long as nothing has been done to it
[ "${#wanted[@]}" -gt 0 ] || mapfile -t wanted < <(echo system; basename -s .sh checks/*.sh | grep -vx system)
for name in "${wanted[@]}"; do
    file=checks/$name.sh
    mapfile -t functions < <(grep -oE '^[a-z][a-z0-9_]*\(\) \{' "$file" | tr -d '(){ ')
    for function in "${functions[@]}"; do
        begun=$(date +%s%N)
        if timeout --kill-after=5 60 bash -euo pipefail -c '. ./library.sh; . "$0"; "$1"' "$file" "$function" \
            >output 2>&1 </dev/null; then
            passed=$((passed + 1)) word=ok
        else
            failed=$((failed + 1)) word=FAILED
        fi
        printf '%-6s %s: %s (%d ms)\n' "$word" "$name" "${function//_/ }" "$((($(date +%s%N) - begun) / 1000000))"
        # what a check has measured, or why it failed
        sed 's/^/       /' output
        if [ "$word" = FAILED ]; then
            journalctl --no-pager --lines=30 --output=short-precise --since="@$((begun / 1000000000))" \
                --unit=selfsame-agent --unit=dbus | sed 's/^/       | /'
        fi
    done
done

echo "$passed $failed" >result
echo "$passed passed, $failed failed"
