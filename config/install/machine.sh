# What the machine must be, and what it gets from its distribution.
# shellcheck shell=bash

NAME_PATTERN='^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?$'
PYTHON=/usr/bin/python3
# The URL of a database elsewhere, which is PostgreSQL; empty, or not there, with SQLite.
DATABASE_CREDENTIAL=/etc/cloudchat/credentials/cloudchat_database_url
BACKUPS=/var/backups/cloudchat

check_machine() {
  if [[ $dry_run ]]; then return; fi
  [[ $EUID == 0 ]] || refuse "only root can: sudo $0"
  command -v apt-get >/dev/null || refuse "there is no apt-get: this is for Debian 12 and Ubuntu 24.04"
  [[ -d /run/systemd/system ]] || refuse "systemd does not run here: this is for machines, not for containers"
  # From one shell to the next, whatever the caller's is: what is made here is to be read by others.
  umask 022
}

check_options() {
  [[ -d $SOURCE/src ]] || refuse "$SOURCE is no checkout of cloudchat: run config/install.sh of the version that you want"
  [[ -n $domain ]] || refuse "--domain is missing, as in --domain chat.example.com; --help explains"
  [[ $domain =~ $NAME_PATTERN ]] || refuse "--domain $domain is no domain name, as chat.example.com is one"
  if [[ -n $proxy ]]; then
    "$PYTHON" -c 'import ipaddress, sys; [ipaddress.ip_network(part) for part in sys.argv[1].split(",")]' "$proxy" \
      2>/dev/null || refuse "--behind-proxy $proxy: addresses or networks, comma-separated, as in 10.0.0.0/16"
  else
    [[ $email == ?*@?*.?* ]] || refuse "--email is missing: the certificate authority writes there when one is about to end"
  fi
}

install_packages() {
  local wanted=(python3 python3-venv redis-server openssl) missing=() package policy=/usr/sbin/policy-rc.d
  if [[ -z $proxy ]]; then wanted+=(nginx); fi
  # For backups; of the server's own version where the distribution's is older.
  if [[ -s $DATABASE_CREDENTIAL ]] && ! command -v pg_dump >/dev/null; then wanted+=(postgresql-client); fi
  for package in "${wanted[@]}"; do
    if [[ $package == nginx && -x /usr/sbin/nginx ]]; then continue; fi
    if ! dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed; then missing+=("$package"); fi
  done
  if ((${#missing[@]})); then
    # A service that is installed is started, by Debian's custom: Redis on port 6379, where nobody needs it.
    if [[ -z $dry_run && ! -e $policy ]]; then
      trap 'rm -f /usr/sbin/policy-rc.d' EXIT
      printf '#!/bin/sh\nexit 101\n' >"$policy"
      chmod 755 "$policy"
    fi
    run apt-get update -qq
    run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
    if [[ -z $dry_run && $(head -c 20 "$policy" 2>/dev/null) == *"exit 101"* ]]; then rm -f "$policy"; trap - EXIT; fi
    if [[ " ${missing[*]} " == *" redis-server "* ]]; then run systemctl disable --now redis-server.service; fi
  else
    note "all there: ${wanted[*]}"
  fi
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || refuse "$PYTHON is older than 3.11: use Debian 12 or Ubuntu 24.04"
}

make_user_and_folders() {
  if getent passwd cloudchat >/dev/null; then
    note "the user cloudchat is there"
  else
    run useradd --system --user-group --no-create-home --home-dir /var/lib/cloudchat --shell /usr/sbin/nologin cloudchat
  fi
  run install -d -m 0755 /opt/cloudchat /opt/cloudchat/versions /etc/cloudchat
  run install -d -m 0700 /etc/cloudchat/credentials
  run install -d -m 0700 -o cloudchat -g cloudchat $BACKUPS
}
