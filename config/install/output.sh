# Functions that show what a step does, then do it, or with --dry-run only show it.
# shellcheck shell=bash

step() { printf '\n== %s\n' "$*"; }
note() { printf '   %s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

# Show a command, then run it unless this is a dry run.
run() {
  printf '   +'
  printf ' %q' "$@"
  printf '\n'
  if [[ -z $dry_run ]]; then "$@"; fi
}

# Write standard input to a file: write_file FILE MODE OWNER:GROUP. Sets file_changed to "yes" if the content differs from
# the file's, otherwise to "", and prints a line only in the first case. The file is replaced by a rename, so that a reader
# never sees a partial file.
file_changed=""
write_file() {
  local file=$1 mode=$2 owner=$3 content
  content=$(cat; printf x) # the x keeps the newlines at the end
  file_changed=""
  if [[ -f $file && $(cat "$file" 2>/dev/null; printf x) == "$content" ]]; then return; fi
  note "write $file ($owner $mode)"
  # shellcheck disable=SC2034 # read by the callers
  file_changed=yes
  if [[ $dry_run ]]; then return; fi
  install -D -m "$mode" -o "${owner%:*}" -g "${owner#*:}" /dev/null "$file.new"
  printf %s "${content%x}" >"$file.new"
  mv "$file.new" "$file"
}
