# The systemd units and the command /usr/local/bin/cloudchat: install and uninstall.
# shellcheck shell=bash

UNITS=/etc/systemd/system
socket_changed="" units_changed=""

install_units() {
  local unit
  for unit in cloudchat.socket cloudchat.service cloudchat-backup.service cloudchat-backup.timer; do
    write_file $UNITS/$unit 0644 root:root <"$SOURCE/systemd/$unit"
    units_changed+=$file_changed
    if [[ $unit == *.socket ]]; then socket_changed+=$file_changed; fi
  done
  if (($(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p') >= 254)); then
    write_file $UNITS/cloudchat.service.d/backoff.conf 0644 root:root <"$SOURCE/systemd/backoff.conf"
  fi
  if [[ -n $proxy ]]; then
    write_file $UNITS/cloudchat.socket.d/behind-proxy.conf 0644 root:root <<<$'[Socket]\nListenStream=\nListenStream=8080'
    socket_changed+=$file_changed
    write_file $UNITS/cloudchat.service.d/behind-proxy.conf 0644 root:root <<<$'[Service]\n'"IPAddressAllow=${proxy//,/ }"
    # shellcheck disable=SC2034 # read by activate_release
    units_changed+=$file_changed
  elif [[ -e $UNITS/cloudchat.socket.d/behind-proxy.conf ]]; then
    run rm -f $UNITS/cloudchat.{socket,service}.d/behind-proxy.conf
    # shellcheck disable=SC2034 # read by activate_release and restart_server
    socket_changed=yes units_changed=yes
  fi
  write_file /usr/local/bin/cloudchat 0755 root:root <"$SOURCE/config/install/cloudchat"
  run systemctl daemon-reload
}

uninstall() {
  step "Uninstall cloudchat; keep its data"
  run systemctl disable --quiet --now cloudchat.socket cloudchat.service cloudchat-backup.timer redis-server@cloudchat.service || true
  remove_site
  run rm -rf $UNITS/cloudchat.socket $UNITS/cloudchat.service $UNITS/cloudchat-backup.{service,timer} \
    $UNITS/cloudchat.{socket,service}.d/{backoff,behind-proxy,upgrade}.conf \
    $UNITS/redis-server@cloudchat.service.d/cloudchat.conf \
    /usr/local/bin/cloudchat /opt/cloudchat /etc/sysctl.d/60-cloudchat.conf
  run systemctl daemon-reload
  note "Kept: /var/lib/cloudchat (users, keys), /var/lib/redis-cloudchat (messages), /var/backups/cloudchat,"
  note "      /etc/cloudchat, /etc/redis/*cloudchat*, /etc/nginx/cloudchat, the user cloudchat, certificates,"
  note "      /opt/certbot, /var/www/certbot, the packages; on AWS, the units cloudchat-* of its templates."
}
