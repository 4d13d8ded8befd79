# The server: its units, the change from one version to the next, and back when the new one does not become ready.
# shellcheck shell=bash

UNITS=/etc/systemd/system
COPY=/var/lib/cloudchat/before-upgrade.db
# There from before a change until the new version is ready, which may be after an interruption, a reboot, a second try:
# the folder of the version that was ready last. Empty for a first one.
UNSETTLED=/opt/cloudchat/unsettled
# Until then, before each start the database is copied, or put back; the first one that is ready removes UNSETTLED and COPY.
UPGRADE=$UNITS/cloudchat.service.d/upgrade.conf
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
  elif [[ -e $UNITS/cloudchat.socket.d/behind-proxy.conf ]]; then
    run rm -f $UNITS/cloudchat.{socket,service}.d/behind-proxy.conf
    socket_changed=yes units_changed=yes
  fi
  put /usr/local/bin/cloudchat 0755 root:root <"$SOURCE/config/install/cloudchat"
  run systemctl daemon-reload
}

switch_release() {
  local before="" serves="" start=take
  if [[ -L /opt/cloudchat/current ]]; then before=$(readlink /opt/cloudchat/current); fi
  if systemctl is-active --quiet cloudchat.service 2>/dev/null; then serves=yes; fi
  if [[ -e $UNSETTLED ]]; then
    note "goes on where an earlier run has ended"
    before=$(<$UNSETTLED) # `current` may be what that run wanted
  elif [[ $serves && $before == "$VERSIONS/$RELEASE" && ! $units_changed ]]; then
    note "it runs already"
    return
  fi
  if [[ ! -e $UNSETTLED || $serves ]]; then # nothing of a new version has touched the database yet
    if [[ $before != "$VERSIONS/$RELEASE" ]] && has_database; then back_up; fi
    put $UNSETTLED 0644 root:root <<<"$before"
    if [[ -z $dry_run ]]; then rm -f $COPY; fi
  elif [[ $before == "$VERSIONS/$RELEASE" ]]; then
    start=put_back
  fi
  if [[ -z $before ]]; then make_first_administrator; fi
  prepare_start $start
  point_at "$VERSIONS/$RELEASE"
  run systemctl enable --quiet --now cloudchat-backup.timer
  if exchange_server; then
    settle_start
    note "ready"
  else
    roll_back "$before"
  fi
  if ! has_backup && [[ ! -s $DATABASE_CREDENTIAL ]]; then
    run systemctl start cloudchat-backup.service || note "the first backup failed: journalctl -u cloudchat-backup"
  fi
  if [[ -z $dry_run ]]; then remove_old_releases; fi
}

# Is there what a new version could change? A database elsewhere counts if it was this machine's before, and so is in its
# backups: one that only joins the others has none to make.
has_database() {
  [[ -s /var/lib/cloudchat/cloudchat.db ]] || { [[ -s $DATABASE_CREDENTIAL ]] && { [[ -n $before ]] || has_backup; }; }
}
has_backup() { compgen -G "$BACKUPS/*.tar" >/dev/null; }

back_up() {
  note "a backup, for any case"
  if /opt/cloudchat/current/bin/cloudchat --version &>/dev/null; then
    run systemctl start cloudchat-backup.service
  else # uninstalled, or its Python went with an older release of the distribution
    run env CLOUDCHAT_RELEASE="$VERSIONS/$RELEASE" /usr/local/bin/cloudchat admin backup --directory $BACKUPS
  fi || refuse "without a backup nothing is changed: journalctl -u cloudchat-backup"
}

# The socket stays open meanwhile, except where its own unit is another one.
exchange_server() {
  if [[ $socket_changed ]]; then
    run systemctl stop cloudchat.socket cloudchat.service
    run systemctl start cloudchat.socket
  fi
  run systemctl enable --quiet cloudchat.socket cloudchat.service
  run systemctl restart cloudchat.service
}

roll_back() {
  local before=$1
  journalctl -u cloudchat.service -n 30 --no-pager >&2 || true
  if [[ -z $before || $before == "$VERSIONS/$RELEASE" ]]; then
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
  if [[ $release_made ]]; then run rm -rf "${VERSIONS:?}/$RELEASE"; fi
  refuse "$RELEASE did not become ready (its last words are above); ${before##*/} serves again, and nothing is lost"
}

# A start that finds the database as the version wants it: `take` keeps a copy before the new version changes it, `put_back`
# takes the copy. In the unit itself, between the end of one server and the start of the next: the socket may start one at
# any moment.
prepare_start() {
  note "the next start will $1 a copy of the database"
  if [[ $dry_run ]]; then return; fi
  install -m 0755 "$SOURCE/config/install/database_copy.py" /opt/cloudchat/database_copy.py
  printf '[Service]\nExecStartPre=%s /opt/cloudchat/database_copy.py %s\nExecStartPost=+/bin/rm -f %s %s\n' \
    "$PYTHON" "$1" $UNSETTLED $COPY | install -D -m 0644 /dev/stdin $UPGRADE
  systemctl daemon-reload
}

settle_start() {
  if [[ $dry_run ]]; then return; fi
  rm -f $UPGRADE /opt/cloudchat/database_copy.py
  systemctl daemon-reload
}

# In one step: at no moment is there none.
point_at() {
  run ln -sfn "$1" /opt/cloudchat/next
  run mv -T /opt/cloudchat/next /opt/cloudchat/current
}

# Before the first start: a server that finds no user makes one, and its password would stand in the journal.
make_first_administrator() {
  local -x CLOUDCHAT_RELEASE=$VERSIONS/$RELEASE
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
    $UNITS/cloudchat.{socket,service}.d/{backoff,behind-proxy,upgrade}.conf \
    $UNITS/redis-server@cloudchat.service.d/cloudchat.conf \
    /usr/local/bin/cloudchat /opt/cloudchat /etc/sysctl.d/60-cloudchat.conf
  run systemctl daemon-reload
  note "Kept: /var/lib/cloudchat (users, keys), /var/lib/redis-cloudchat (messages), /var/backups/cloudchat,"
  note "      /etc/cloudchat, /etc/redis/*cloudchat*, /etc/nginx/cloudchat, the user cloudchat, certificates,"
  note "      /opt/certbot, /var/www/certbot, the packages; on AWS the units cloudchat-* of its templates."
}
