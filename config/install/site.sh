# nginx and the certificate.
# shellcheck shell=bash

LIVE=/etc/letsencrypt/live
RENEWAL=/etc/letsencrypt/renewal
CERTBOT=/opt/certbot

with_domain() { sed "s/chat\.example\.com/${domain//./\\.}/g" "$1"; }

# nginx does not start with a `listen [::]:…` if the kernel has no IPv6 (ipv6.disable=1, some containers).
has_ipv6() { "$PYTHON" -c 'import socket; socket.socket(socket.AF_INET6).bind(("::", 0))' 2>/dev/null; }

# Print a site with the domain, and without the IPv6 sockets if this machine cannot open them.
site() { with_domain "$1" | if has_ipv6; then cat; else sed '/^ *listen \[::\]:/d'; fi; }

# The part that works without a certificate: the base configuration and port 80.
install_http_site() {
  local snippet template other_sites
  # Our nginx.conf is for a machine that serves nothing else.
  other_sites=$(find /etc/nginx/sites-enabled -mindepth 1 ! -name default ! -name 'cloudchat*.conf' 2>/dev/null || true)
  [[ -z $other_sites ]] || fail "nginx serves other sites on this machine ($other_sites). Use another machine, or --behind-proxy."
  if [[ -f /etc/nginx/nginx.conf && ! -e /etc/nginx/nginx.conf.before-cloudchat ]]; then
    run cp -p /etc/nginx/nginx.conf /etc/nginx/nginx.conf.before-cloudchat
  fi
  for snippet in "$SOURCE"/config/nginx/snippets/*; do
    with_domain "$snippet" | write_file "/etc/nginx/snippets/${snippet##*/}" 0644 root:root
  done
  for template in "$SOURCE"/config/nginx/cloudchat/*; do # written once; from then on they belong to the operator
    if [[ ! -e /etc/nginx/cloudchat/${template##*/} ]]; then
      write_file "/etc/nginx/cloudchat/${template##*/}" 0644 root:root <"$template"
    fi
  done
  with_domain "$SOURCE/config/nginx/nginx.conf" | write_file /etc/nginx/nginx.conf 0644 root:root
  if ! has_ipv6; then note "no IPv6 on this machine: nginx listens on IPv4 only; run this again when it has IPv6"; fi
  site "$SOURCE/config/nginx/cloudchat-http.conf" | write_file /etc/nginx/sites-enabled/cloudchat-http.conf 0644 root:root
  run rm -f /etc/nginx/sites-enabled/default
  run install -d -m 0755 /var/www/certbot
  # nginx does not start with a site whose certificate is missing.
  if [[ ! -e $LIVE/$domain/fullchain.pem ]]; then run rm -f /etc/nginx/sites-enabled/cloudchat.conf; fi
  reload_nginx
}

reload_nginx() {
  run nginx -t -q
  run systemctl enable --quiet nginx.service
  run systemctl reload-or-restart nginx.service
}

install_certificate() {
  local unit force=()
  # certbot also has to be installed again when an upgrade of the distribution removed its Python.
  if ! cmp -s "$SOURCE/config/requirements-certbot.lock" $CERTBOT/requirements.lock || ! $CERTBOT/bin/certbot --version &>/dev/null; then
    run "$PYTHON" -m venv --clear $CERTBOT
    run $CERTBOT/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$SOURCE/config/requirements-certbot.lock"
    run cp "$SOURCE/config/requirements-certbot.lock" $CERTBOT/requirements.lock
  fi
  write_file /etc/letsencrypt/renewal-hooks/deploy/cloudchat-nginx 0755 root:root <"$SOURCE/config/certbot/deploy-hook"
  for unit in certbot-renew.service certbot-renew.timer; do
    write_file $UNITS/$unit 0644 root:root <"$SOURCE/systemd/$unit"
  done
  run systemctl daemon-reload
  # certbot keeps a certificate until it expires, also one of the staging server. Replace it when the authority changed.
  if [[ -e $RENEWAL/$domain.conf ]] && ! grep -qxF "server = $acme" "$RENEWAL/$domain.conf"; then force=(--force-renewal); fi
  run $CERTBOT/bin/certbot certonly -q --config "$SOURCE/config/certbot/certbot.ini" -d "$domain" -m "$email" --server "$acme" "${force[@]}" ||
    fail "No certificate was issued for $domain. Check that its A record points here and that port 80 is open to everyone, then run this again."
  run systemctl enable --quiet --now certbot-renew.timer
}

install_https_site() {
  site "$SOURCE/config/nginx/cloudchat.conf" | write_file /etc/nginx/sites-enabled/cloudchat.conf 0644 root:root
  reload_nginx
}

remove_site() {
  if [[ ! -e /etc/nginx/sites-enabled/cloudchat-http.conf ]]; then return; fi
  run rm -f /etc/nginx/sites-enabled/cloudchat{,-http}.conf
  if [[ -e /etc/nginx/nginx.conf.before-cloudchat ]]; then
    run mv /etc/nginx/nginx.conf.before-cloudchat /etc/nginx/nginx.conf
  fi
  run rm -f /etc/nginx/snippets/cloudchat-*.conf /etc/letsencrypt/renewal-hooks/deploy/cloudchat-nginx
  run systemctl disable --quiet --now certbot-renew.timer || true
  run rm -f $UNITS/certbot-renew.{service,timer}
  run systemctl reload-or-restart nginx.service || true
}

print_next_steps() {
  step "Done"
  if [[ -n $proxy ]]; then
    note "cloudchat listens on port 8080 for $proxy: close that port to everyone else. Your proxy must serve https://$domain."
  else
    note "https://$domain is ready. Open ports 80 and 443 to everyone, port 22 to yourself, and no other port."
  fi
  note "sudo cloudchat doctor · sudo cloudchat admin create-invite · journalctl -u cloudchat · sudoedit /etc/cloudchat/cloudchat.env"
}
