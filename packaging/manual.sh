#!/usr/bin/env bash
# Makes the manual pages and shell completions of the `selfsame` command, by the command itself.
#   packaging/manual.sh BINARIES OUTPUT
# BINARIES is the folder that has `selfsame`. In OUTPUT there are then man/*.1 and, as they are installed in
# /usr/share, completions/bash/selfsame (bash-completion/completions), completions/zsh/_selfsame
# (zsh/vendor-completions) and completions/fish/selfsame.fish (fish/vendor_completions.d).
set -euo pipefail

[ "$#" -eq 2 ] || { echo "usage: packaging/manual.sh BINARIES OUTPUT" >&2; exit 2; }
selfsame=$1/selfsame
output=$2

mkdir -p "$output/man" "$output"/completions/{bash,zsh,fish}
"$selfsame" man --directory "$output/man" >/dev/null
"$selfsame" completions bash >"$output/completions/bash/selfsame"
"$selfsame" completions zsh >"$output/completions/zsh/_selfsame"
"$selfsame" completions fish >"$output/completions/fish/selfsame.fish"
