# Activate a release: the first start, an upgrade, and the rollback to the previous release if the new one is not ready.
# shellcheck shell=bash

DATABASE_COPY=/var/lib/cloudchat/before-upgrade.db
# Exists from the beginning of an upgrade until a start is ready, also across an interruption, a reboot and a second run. It
# holds the directory of the release that was ready last; it is empty during the first installation.
UPGRADE_MARKER=/opt/cloudchat/unsettled
# During an upgrade this drop-in saves or restores the database before each start. The first start that is ready removes
# UPGRADE_MARKER and DATABASE_COPY.
UPGRADE_DROP_IN=$UNITS/cloudchat.service.d/upgrade.conf

activate_release() {
  local previous="" running="" database_action=save
  if [[ -L /opt/cloudchat/current ]]; then previous=$(readlink /opt/cloudchat/current); fi
  if systemctl is-active --quiet cloudchat.service 2>/dev/null; then running=yes; fi
  if [[ -e $UPGRADE_MARKER ]]; then
    note "continue an interrupted run"
    previous=$(<$UPGRADE_MARKER) # `current` may already name the release of the interrupted run
  elif [[ $running && $previous == "$VERSIONS/$RELEASE" && ! $units_changed ]]; then
    note "this release is already running"
    return
  fi
  if [[ ! -e $UPGRADE_MARKER || $running ]]; then # no new version has opened the database yet
    if [[ $previous != "$VERSIONS/$RELEASE" ]] && has_database; then back_up; fi
    write_file $UPGRADE_MARKER 0644 root:root <<<"$previous"
    if [[ -z $dry_run ]]; then rm -f $DATABASE_COPY; fi
  elif [[ $previous == "$VERSIONS/$RELEASE" ]]; then
    database_action=restore
  fi
  if [[ -z $previous ]]; then create_first_admin; fi
  add_database_hook $database_action
  set_current_release "$VERSIONS/$RELEASE"
  run systemctl enable --quiet --now cloudchat-backup.timer
  if restart_server; then
    remove_database_hook
    note "ready"
  else
    roll_back "$previous"
  fi
  if ! has_backup && [[ ! -s $DATABASE_CREDENTIAL ]]; then
    run systemctl start cloudchat-backup.service || note "The first backup failed. See: journalctl -u cloudchat-backup"
  fi
  if [[ -z $dry_run ]]; then remove_old_releases; fi
}

# Return whether there is data that a new version could change. An external database counts only if this machine used it
# before, and therefore has it in its backups. A machine that joins a cluster has nothing to back up.
has_database() {
  [[ -s /var/lib/cloudchat/cloudchat.db ]] || { [[ -s $DATABASE_CREDENTIAL ]] && { [[ -n $previous ]] || has_backup; }; }
}
has_backup() { compgen -G "$BACKUPS/*.tar" >/dev/null; }

back_up() {
  note "back up before the upgrade"
  if /opt/cloudchat/current/bin/cloudchat --version &>/dev/null; then
    run systemctl start cloudchat-backup.service
  else # it was uninstalled, or an upgrade of the distribution removed its Python
    run env CLOUDCHAT_RELEASE="$VERSIONS/$RELEASE" /usr/local/bin/cloudchat admin backup --directory $BACKUPS
  fi || fail "The backup failed, so nothing was changed. Find the reason with: journalctl -u cloudchat-backup"
}

# Restart the server. The listening socket stays open, unless its own unit changed.
restart_server() {
  if [[ $socket_changed ]]; then
    run systemctl stop cloudchat.socket cloudchat.service
    run systemctl start cloudchat.socket
  fi
  run systemctl enable --quiet cloudchat.socket cloudchat.service
  run systemctl restart cloudchat.service
}

roll_back() {
  local previous=$1
  journalctl -u cloudchat.service -n 30 --no-pager >&2 || true
  if [[ -z $previous || $previous == "$VERSIONS/$RELEASE" ]]; then
    fail "$RELEASE did not become ready. Its last log lines are above. Fix the cause, then run this again."
  fi
  note "$RELEASE did not become ready; roll back to ${previous##*/}"
  add_database_hook restore
  set_current_release "$previous"
  socket_changed=""
  SOURCE=$previous install_units
  if ! restart_server; then
    fail "${previous##*/}, the previous release, did not become ready either. See: journalctl -u cloudchat. A backup is in $BACKUPS."
  fi
  remove_database_hook
  if [[ $release_created ]]; then run rm -rf "${VERSIONS:?}/$RELEASE"; fi
  fail "$RELEASE did not become ready; its last log lines are above. ${previous##*/} is running again and no data is lost."
}

# Save (or restore) the database before the next start: add_database_hook save|restore. This is part of the unit because the
# socket can start a server at any moment: only the unit can act between the end of one server and the start of the next.
add_database_hook() {
  note "the next start will $1 the database"
  if [[ $dry_run ]]; then return; fi
  install -m 0755 "$SOURCE/config/install/database_copy.py" /opt/cloudchat/database_copy.py
  printf '[Service]\nExecStartPre=%s /opt/cloudchat/database_copy.py %s\nExecStartPost=+/bin/rm -f %s %s\n' \
    "$PYTHON" "$1" $UPGRADE_MARKER $DATABASE_COPY | install -D -m 0644 /dev/stdin $UPGRADE_DROP_IN
  systemctl daemon-reload
}

remove_database_hook() {
  if [[ $dry_run ]]; then return; fi
  rm -f $UPGRADE_DROP_IN /opt/cloudchat/database_copy.py
  systemctl daemon-reload
}

# The rename is atomic: /opt/cloudchat/current exists at every moment.
set_current_release() {
  run ln -sfn "$1" /opt/cloudchat/next
  run mv -T /opt/cloudchat/next /opt/cloudchat/current
}

# Runs before the first start, because a server that finds no user creates an administrator and logs the password.
create_first_admin() {
  local -x CLOUDCHAT_RELEASE=$VERSIONS/$RELEASE
  local password
  if [[ $dry_run ]]; then note "create the state and the user admin, unless there is a user"; return; fi
  password=$(/usr/local/bin/cloudchat init)
  if [[ -z $password ]]; then return; fi # there are users already
  note "Sign in as admin at https://$domain, then choose a new password."
  if [[ -t 1 ]]; then
    note "One-time password, shown only now: $password"
  else # the output goes to a log, which must not contain the password
    note "To get a one-time password: sudo cloudchat admin reset-password admin"
  fi
}
