#!/usr/bin/env bash
# Puts cloudchat on this machine, or brings it to the version of this checkout; `config/install.sh --help` tells how.
# This page is the order of the steps; each is in config/install/.
set -euo pipefail

SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

shopt -s lastpipe # what `… | put` finds out is wanted here

# shellcheck source=config/install/saying.sh
. "$SOURCE/config/install/saying.sh"
# shellcheck source=config/install/machine.sh
. "$SOURCE/config/install/machine.sh"
# shellcheck source=config/install/program.sh
. "$SOURCE/config/install/program.sh"
# shellcheck source=config/install/store.sh
. "$SOURCE/config/install/store.sh"
# shellcheck source=config/install/server.sh
. "$SOURCE/config/install/server.sh"
# shellcheck source=config/install/site.sh
. "$SOURCE/config/install/site.sh"

help() {
  cat <<'END'
Puts cloudchat on this machine (Debian 12, Ubuntu 24.04), hardened and with TLS, or brings it to the version of this
checkout. What is there already is kept, so it may be run again at any time: after a failure, or with a newer checkout.

  sudo config/install.sh --domain chat.example.com --email ops@example.com

What it does: packages (Redis, nginx, Python's venv) · the user cloudchat · the program with pinned dependencies below
/opt/cloudchat · a Redis instance of its own · systemd units, nightly backups · nginx, a certificate that renews itself ·
the first administrator. When a new version does not become ready, the one before, and its database, come back.

Before: the domain's A record leads here; ports 80 and 443 are open to everybody, 22 to you, and no other port.
After:  sudo cloudchat doctor · sudo cloudchat admin --help · journalctl -u cloudchat · /etc/cloudchat/cloudchat.env

  --domain NAME         the name under which people reach it
  --email ADDRESS       whom the certificate authority may warn
  --behind-proxy CIDR   TLS ends elsewhere (a load balancer): no nginx and no certificate here; cloudchat listens on port
                        8080 and believes these addresses, and only these, whom a request is from
  --staging             a certificate of Let's Encrypt's staging server, to try it out: browsers do not trust it
  --acme-server URL     another certificate authority
  --dry-run             only show each step; changes nothing, needs no root
  --uninstall           stop and remove it; /var/lib/cloudchat, the messages, backups, settings and certificates stay
  --help                this
END
}

domain="" email="" proxy="" dry_run="" uninstall=""
acme=https://acme-v02.api.letsencrypt.org/directory
needs_value() { [[ -n ${2:-} && $2 != --* ]] || refuse "$1 needs a value; --help explains"; }
while (($#)); do
  case $1 in
    --domain) needs_value "$@"; domain=${2,,}; shift ;;
    --email) needs_value "$@"; email=$2; shift ;;
    --behind-proxy) needs_value "$@"; proxy=$2; shift ;;
    --acme-server) needs_value "$@"; acme=$2; shift ;;
    --staging) acme=https://acme-staging-v02.api.letsencrypt.org/directory ;;
    --dry-run) dry_run=yes ;;
    --uninstall) uninstall=yes ;;
    --help | -h) help; exit ;;
    *) refuse "unknown option $1; --help lists them" ;;
  esac
  shift
done

check_machine
if [[ $uninstall ]]; then
  uninstall_all
  exit
fi
check_options

step "Packages"
install_packages
RELEASE=$(release_name)
step "User and folders"
make_user_and_folders
step "Program $RELEASE"
make_release
step "Store"
make_store
step "Settings"
make_settings
step "Units"
install_units
step "Start of $RELEASE"
switch_release
if [[ -n $proxy ]]; then
  remove_site
else
  step "nginx for $domain"
  install_site
  step "Certificate"
  get_certificate
  install_secure_site
fi
say_what_is_next
