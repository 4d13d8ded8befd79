# Check the machine and the options; install packages; create the user and the directories.
# shellcheck shell=bash

DOMAIN_PATTERN='^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?$'
PYTHON=/usr/bin/python3
# The URL of an external database (PostgreSQL). Empty or missing with SQLite.
DATABASE_CREDENTIAL=/etc/cloudchat/credentials/cloudchat_database_url
BACKUPS=/var/backups/cloudchat

check_machine() {
  if [[ $dry_run ]]; then return; fi
  [[ $EUID == 0 ]] || fail "This needs root. Run: sudo $0"
  command -v apt-get >/dev/null || fail "apt-get is missing. Use Debian 12 or Ubuntu 24.04."
  [[ -d /run/systemd/system ]] || fail "systemd is not running. Use a machine or a virtual machine, not a container."
  # The service's user must be able to read what is created here, so ignore the caller's umask.
  umask 022
}

check_options() {
  [[ -d $SOURCE/src ]] || fail "$SOURCE is not a checkout of cloudchat. Run config/install.sh of the version that you want."
  [[ -n $domain ]] || fail "--domain is missing. Give the domain name, for example --domain chat.example.com."
  [[ $domain =~ $DOMAIN_PATTERN ]] || fail "--domain $domain is not a domain name. Give one such as chat.example.com."
  if [[ -n $proxy ]]; then
    "$PYTHON" -c 'import ipaddress, sys; [ipaddress.ip_network(part) for part in sys.argv[1].split(",")]' "$proxy" \
      2>/dev/null || fail "--behind-proxy $proxy is not valid. Give addresses or networks with commas between, such as 10.0.0.0/16."
  else
    [[ $email == ?*@?*.?* ]] || fail "--email is missing. The certificate authority sends a warning there before a certificate expires."
  fi
}

install_packages() {
  local packages=(python3 python3-venv redis-server openssl) missing=() package policy=/usr/sbin/policy-rc.d
  if [[ -z $proxy ]]; then packages+=(nginx); fi
  # pg_dump, for backups. If the server is newer than the distribution's client, install the server's version yourself.
  if [[ -s $DATABASE_CREDENTIAL ]] && ! command -v pg_dump >/dev/null; then packages+=(postgresql-client); fi
  for package in "${packages[@]}"; do
    if [[ $package == nginx && -x /usr/sbin/nginx ]]; then continue; fi
    if ! dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed; then missing+=("$package"); fi
  done
  if ((${#missing[@]})); then
    # Debian starts a service when it installs it. Prevent that: Redis on port 6379 is not needed.
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
    note "already installed: ${packages[*]}"
  fi
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$PYTHON is older than 3.11. Use Debian 12 or Ubuntu 24.04."
}

create_user_and_directories() {
  if getent passwd cloudchat >/dev/null; then
    note "the user cloudchat exists"
  else
    run useradd --system --user-group --no-create-home --home-dir /var/lib/cloudchat --shell /usr/sbin/nologin cloudchat
  fi
  run install -d -m 0755 /opt/cloudchat /opt/cloudchat/versions /etc/cloudchat
  run install -d -m 0700 /etc/cloudchat/credentials
  run install -d -m 0700 -o cloudchat -g cloudchat $BACKUPS
}
