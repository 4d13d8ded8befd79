#!/usr/bin/env bash
# Install cloudchat on this machine, or upgrade it to the version of this checkout. Usage: config/install.sh --help
# This file has the options and the order of the steps. The steps themselves are in config/install/.
set -euo pipefail

SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Run the last command of a pipeline in this shell, so that `… | write_file` can set file_changed.
shopt -s lastpipe

# shellcheck source=config/install/output.sh
. "$SOURCE/config/install/output.sh"
# shellcheck source=config/install/machine.sh
. "$SOURCE/config/install/machine.sh"
# shellcheck source=config/install/release.sh
. "$SOURCE/config/install/release.sh"
# shellcheck source=config/install/store.sh
. "$SOURCE/config/install/store.sh"
# shellcheck source=config/install/settings.sh
. "$SOURCE/config/install/settings.sh"
# shellcheck source=config/install/units.sh
. "$SOURCE/config/install/units.sh"
# shellcheck source=config/install/upgrade.sh
. "$SOURCE/config/install/upgrade.sh"
# shellcheck source=config/install/site.sh
. "$SOURCE/config/install/site.sh"

help() {
  cat <<'END'
Install cloudchat on this machine (Debian 12, Ubuntu 24.04), hardened and with TLS, or upgrade it to the version of this
checkout. Existing data and settings are kept. You can run this again at any time: after a failure, or from a newer
checkout.

  sudo config/install.sh --domain chat.example.com --email ops@example.com

Steps: packages (Redis, nginx, Python's venv) · the user cloudchat · the program with pinned dependencies in /opt/cloudchat ·
a Redis instance for cloudchat alone · systemd units and nightly backups · nginx and a certificate that is renewed
automatically · the first administrator. If a new version does not become ready, the previous version and its database are
restored.

Before: point the domain's A record to this machine. Open ports 80 and 443 to everyone, port 22 to yourself, no other port.
After:  sudo cloudchat doctor · sudo cloudchat admin --help · journalctl -u cloudchat · /etc/cloudchat/cloudchat.env

  --domain NAME         the domain name that users open
  --email ADDRESS       contact address for the certificate authority's warnings
  --behind-proxy CIDR   a load balancer terminates TLS: do not install nginx or a certificate; cloudchat listens on port
                        8080 and trusts X-Forwarded-For from these addresses only
  --staging             get the certificate from Let's Encrypt's staging server, for a test: browsers do not trust it
  --acme-server URL     use another certificate authority
  --dry-run             show each step without changing anything; does not need root
  --uninstall           stop and remove cloudchat; /var/lib/cloudchat, messages, backups, settings and certificates are kept
  --help                show this text
END
}

domain="" email="" proxy="" dry_run="" uninstall=""
acme=https://acme-v02.api.letsencrypt.org/directory
require_value() { [[ -n ${2:-} && $2 != --* ]] || fail "$1 needs a value. See --help."; }
while (($#)); do
  case $1 in
    --domain) require_value "$@"; domain=${2,,}; shift ;;
    --email) require_value "$@"; email=$2; shift ;;
    --behind-proxy) require_value "$@"; proxy=$2; shift ;;
    --acme-server) require_value "$@"; acme=$2; shift ;;
    --staging) acme=https://acme-staging-v02.api.letsencrypt.org/directory ;;
    --dry-run) dry_run=yes ;;
    --uninstall) uninstall=yes ;;
    --help | -h) help; exit ;;
    *) fail "Unknown option $1. See --help." ;;
  esac
  shift
done

check_machine
if [[ $uninstall ]]; then
  uninstall
  exit
fi
check_options

step "Packages"
install_packages
RELEASE=$(release_name)
step "User and directories"
create_user_and_directories
step "Release $RELEASE"
create_release
step "Store"
install_store
step "Settings"
write_settings
step "systemd units"
install_units
step "Start of $RELEASE"
activate_release
if [[ -n $proxy ]]; then
  remove_site
else
  step "nginx for $domain"
  install_http_site
  step "Certificate"
  install_certificate
  install_https_site
fi
print_next_steps
