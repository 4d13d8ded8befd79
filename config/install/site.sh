# nginx, and the certificate.
# shellcheck shell=bash

LIVE=/etc/letsencrypt/live
RENEWAL=/etc/letsencrypt/renewal
CERTBOT=/opt/certbot

for_domain() { sed "s/chat\.example\.com/${domain//./\\.}/g" "$1"; }

install_site() {
  local snippet own others
  # nginx.conf is for a machine that serves nothing else.
  others=$(find /etc/nginx/sites-enabled -mindepth 1 ! -name default ! -name 'cloudchat*.conf' 2>/dev/null || true)
  [[ -z $others ]] || refuse "nginx serves other sites here ($others): give cloudchat a machine of its own, or use --behind-proxy"
  if [[ -f /etc/nginx/nginx.conf && ! -e /etc/nginx/nginx.conf.before-cloudchat ]]; then
    run cp -p /etc/nginx/nginx.conf /etc/nginx/nginx.conf.before-cloudchat
  fi
  for snippet in "$SOURCE"/config/nginx/snippets/*; do
    for_domain "$snippet" | put "/etc/nginx/snippets/${snippet##*/}" 0644 root:root
  done
  for own in "$SOURCE"/config/nginx/cloudchat/*; do # the operator's from then on
    if [[ ! -e /etc/nginx/cloudchat/${own##*/} ]]; then put "/etc/nginx/cloudchat/${own##*/}" 0644 root:root <"$own"; fi
  done
  for_domain "$SOURCE/config/nginx/nginx.conf" | put /etc/nginx/nginx.conf 0644 root:root
  for_domain "$SOURCE/config/nginx/cloudchat-http.conf" | put /etc/nginx/sites-enabled/cloudchat-http.conf 0644 root:root
  run rm -f /etc/nginx/sites-enabled/default
  run install -d -m 0755 /var/www/certbot
  # Until there is a certificate, the site that needs one would keep nginx from starting.
  if [[ ! -e $LIVE/$domain/fullchain.pem ]]; then run rm -f /etc/nginx/sites-enabled/cloudchat.conf; fi
  reload_nginx
}

reload_nginx() {
  run nginx -t -q
  run systemctl enable --quiet nginx.service
  run systemctl reload-or-restart nginx.service
}

get_certificate() {
  local unit again=()
  # It does not run, either, when its Python went with an older release of the distribution.
  if ! cmp -s "$SOURCE/config/requirements-certbot.lock" $CERTBOT/requirements.lock || ! $CERTBOT/bin/certbot --version &>/dev/null; then
    run "$PYTHON" -m venv --clear $CERTBOT
    run $CERTBOT/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$SOURCE/config/requirements-certbot.lock"
    run cp "$SOURCE/config/requirements-certbot.lock" $CERTBOT/requirements.lock
  fi
  put /etc/letsencrypt/renewal-hooks/deploy/cloudchat-nginx 0755 root:root <"$SOURCE/config/certbot/deploy-hook"
  for unit in certbot-renew.service certbot-renew.timer; do
    put $UNITS/$unit 0644 root:root <"$SOURCE/systemd/$unit"
  done
  run systemctl daemon-reload
  # certbot keeps a certificate until it ends, be it the staging server's.
  if [[ -e $RENEWAL/$domain.conf ]] && ! grep -qxF "server = $acme" "$RENEWAL/$domain.conf"; then again=(--force-renewal); fi
  run $CERTBOT/bin/certbot certonly -q --config "$SOURCE/config/certbot/certbot.ini" -d "$domain" -m "$email" --server "$acme" "${again[@]}" ||
    refuse "no certificate for $domain. Does its A record lead here, and is port 80 open to everybody? Then run this again"
  run systemctl enable --quiet --now certbot-renew.timer
}

install_secure_site() {
  for_domain "$SOURCE/config/nginx/cloudchat.conf" | put /etc/nginx/sites-enabled/cloudchat.conf 0644 root:root
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

say_what_is_next() {
  step "Done"
  if [[ -n $proxy ]]; then
    note "Port 8080 serves $proxy; open it to nobody else. https://$domain is your proxy's part."
  else
    note "https://$domain is open. Ports 80 and 443 must be open to everybody, 22 to you, no other to anybody."
  fi
  note "sudo cloudchat doctor · sudo cloudchat admin create-invite · journalctl -u cloudchat · sudoedit /etc/cloudchat/cloudchat.env"
}
