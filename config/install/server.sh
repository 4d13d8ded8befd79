# The server: its units, the change from one version to the next, and back when the new one does not become ready.
# shellcheck shell=bash

UNITS=/etc/systemd/system
# For one start: before it, the database is copied, or put back.
UPGRADE=/run/systemd/system/cloudchat.service.d/upgrade.conf
socket_changed="" units_changed=""

install_units() {
  local unit
  for unit in cloudchat.socket cloudchat.service cloudchat-backup.service cloudchat-backup.timer; do
    put $UNITS/$unit 0644 root:root <"$SOURCE/systemd/$unit"
    units_changed+=$changed
    if [[ $unit == *.socket ]]; then socket_changed+=$changed; fi
  done
  if (($(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p') >= 254)); then
    put $UNITS/cloudchat.service.d/backoff.conf 0644 root:root <"$SOURCE/systemd/backoff.conf"
  fi
  if [[ -n $proxy ]]; then
    put $UNITS/cloudchat.socket.d/behind-proxy.conf 0644 root:root <<<$'[Socket]\nListenStream=\nListenStream=8080'
    socket_changed+=$changed
    put $UNITS/cloudchat.service.d/behind-proxy.conf 0644 root:root <<<$'[Service]\n'"IPAddressAllow=${proxy//,/ }"
    units_changed+=$changed
  fi
  put /usr/local/bin/cloudchat 0755 root:root <"$SOURCE/config/install/cloudchat"
  run systemctl daemon-reload
  run systemctl enable --quiet cloudchat.socket cloudchat.service
}

switch_release() {
  local before=""
  if [[ -L /opt/cloudchat/current ]]; then before=$(readlink /opt/cloudchat/current); fi
  if [[ $before == "$VERSIONS/$RELEASE" && ! $units_changed ]] && systemctl is-active --quiet cloudchat.service; then
    note "it runs already"
    return
  fi
  if [[ $before && $before != "$VERSIONS/$RELEASE" && -e /var/lib/cloudchat/cloudchat.db ]]; then
    note "a backup with the version that runs, for any case"
    run systemctl start cloudchat-backup.service || refuse "without a backup nothing is changed: journalctl -u cloudchat-backup"
  fi
  prepare_start take
  point_at "$VERSIONS/$RELEASE"
  if [[ -z $before ]]; then make_first_administrator; fi
  if exchange_server; then
    settle_start
    note "ready"
  else
    roll_back "$before"
  fi
  run systemctl enable --quiet --now cloudchat-backup.timer
  if [[ -z $dry_run ]]; then remove_old_releases; fi
}

# The socket stays open meanwhile, except where its own unit is another one.
exchange_server() {
  if [[ $socket_changed ]]; then
    run systemctl stop cloudchat.socket cloudchat.service
    run systemctl start cloudchat.socket
  fi
  run systemctl restart cloudchat.service
}

roll_back() {
  local before=$1
  journalctl -u cloudchat.service -n 30 --no-pager >&2 || true
  if [[ -z $before || $before == "$VERSIONS/$RELEASE" ]]; then
    settle_start
    refuse "$RELEASE does not become ready; its last words are above. Mend it, and run this again"
  fi
  note "$RELEASE does not become ready; back to ${before##*/}"
  prepare_start put_back
  point_at "$before"
  socket_changed=""
  SOURCE=$before install_units
  if ! exchange_server; then
    refuse "neither does the version before, ${before##*/}: journalctl -u cloudchat; a backup is in /var/backups/cloudchat"
  fi
  settle_start
  run rm -rf "${VERSIONS:?}/$RELEASE"
  refuse "$RELEASE did not become ready (its last words are above); ${before##*/} serves again, and nothing is lost"
}

# A start that finds the database as the version wants it: `take` keeps a copy before the new version changes it, `put_back`
# takes the copy. In the unit itself, between the end of one server and the start of the next: the socket may start one at
# any moment.
prepare_start() {
  note "the next start will $1 a copy of the database"
  if [[ $dry_run ]]; then return; fi
  if [[ $1 == take ]]; then rm -f /var/lib/cloudchat/before-upgrade.db; fi
  install -D -m 0755 "$SOURCE/config/install/database_copy.py" /run/cloudchat-upgrade/database_copy.py
  printf '[Service]\nExecStartPre=%s /run/cloudchat-upgrade/database_copy.py %s\n' "$PYTHON" "$1" |
    install -D -m 0644 /dev/stdin $UPGRADE
  systemctl daemon-reload
}

settle_start() {
  if [[ $dry_run ]]; then return; fi
  rm -f $UPGRADE /var/lib/cloudchat/before-upgrade.db
  rm -rf /run/cloudchat-upgrade
  systemctl daemon-reload
}

# In one step: at no moment is there none.
point_at() {
  run ln -sfn "$1" /opt/cloudchat/next
  run mv -T /opt/cloudchat/next /opt/cloudchat/current
}

# Before the first start: a server that finds no user makes one, and its password would stand in the journal.
make_first_administrator() {
  if [[ $dry_run ]]; then note "makes the user admin, if there is no user"; return; fi
  if (($(/usr/local/bin/cloudchat admin list-users | wc -l) > 1)); then
    note "there are users already"
    return
  fi
  openssl rand -hex 32 | /usr/local/bin/cloudchat admin create-user admin --role admin --password-stdin
  note "Sign in as admin at https://$domain, and choose a password of your own."
  if [[ -t 1 ]]; then
    note "One-time password, shown only now: $(/usr/local/bin/cloudchat admin reset-password admin)"
  else # this goes into some log
    note "For the one-time password: sudo cloudchat admin reset-password admin"
  fi
}

uninstall_all() {
  step "Removes cloudchat, and keeps its data"
  run systemctl disable --quiet --now cloudchat.socket cloudchat.service cloudchat-backup.timer redis-server@cloudchat.service || true
  remove_site
  run rm -rf $UNITS/cloudchat.socket $UNITS/cloudchat.service $UNITS/cloudchat-backup.{service,timer} \
    $UNITS/cloudchat.{socket,service}.d/{backoff,behind-proxy}.conf $UNITS/redis-server@cloudchat.service.d/cloudchat.conf \
    /usr/local/bin/cloudchat /opt/cloudchat /etc/sysctl.d/60-cloudchat.conf
  run systemctl daemon-reload
  note "Kept: /var/lib/cloudchat (users, keys), /var/lib/redis-cloudchat (messages), /var/backups/cloudchat,"
  note "      /etc/cloudchat, /etc/redis/*cloudchat.conf, the user cloudchat, certificates, and the packages."
}
