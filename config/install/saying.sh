# How a step is said, and done or, with --dry-run, only shown.
# shellcheck shell=bash

step() { printf '\n== %s\n' "$*"; }
note() { printf '   %s\n' "$*"; }
refuse() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

# Show a command, and run it.
run() {
  printf '   +'
  printf ' %q' "$@"
  printf '\n'
  if [[ -z $dry_run ]]; then "$@"; fi
}

# What comes on standard input becomes FILE: put FILE MODE OWNER:GROUP. Says so only where something changes; `changed` is
# then not empty. In one step, so that nobody reads half a file.
changed=""
put() {
  local file=$1 mode=$2 owner=$3 content
  content=$(cat; printf x)
  changed=""
  if [[ -f $file && $(cat "$file" 2>/dev/null; printf x) == "$content" ]]; then return; fi
  note "writes $file ($owner $mode)"
  # shellcheck disable=SC2034 # of whoever calls
  changed=yes
  if [[ $dry_run ]]; then return; fi
  install -D -m "$mode" -o "${owner%:*}" -g "${owner#*:}" /dev/null "$file.new"
  printf %s "${content%x}" >"$file.new"
  mv "$file.new" "$file"
}
