# The settings of the server, /etc/cloudchat/cloudchat.env.
# shellcheck shell=bash

write_settings() {
  local file=/etc/cloudchat/cloudchat.env trusted=${proxy:-127.0.0.1,::1}
  write_file $file.example 0644 root:root <"$SOURCE/config/cloudchat.env.example"
  if [[ -e $file ]]; then
    note "$file exists and is not changed; $file.example lists every setting of this version"
    warn_if_setting_differs "CLOUDCHAT_ALLOWED_ORIGINS=https://$domain"
    warn_if_setting_differs "CLOUDCHAT_TRUSTED_PROXIES=$trusted"
    return
  fi
  {
    echo "# Settings of this server. cloudchat.env.example lists every setting with its default."
    echo "# After a change: systemctl restart cloudchat. An upgrade does not change this file. Secrets belong in credentials/."
    echo "CLOUDCHAT_ALLOWED_ORIGINS=https://$domain"
    echo "CLOUDCHAT_REGISTRATION=invite"
    echo "CLOUDCHAT_LOG_FORMAT=json"
    echo "CLOUDCHAT_METRICS_PORT=9464"
    echo "# Proxies whose X-Forwarded-For is trusted: nginx on this machine, or the load balancer."
    echo "CLOUDCHAT_TRUSTED_PROXIES=$trusted"
  } | write_file $file 0640 root:cloudchat
}

# Warn if an existing file has another value than the options of this run would have written.
warn_if_setting_differs() {
  local value=${1#*=}
  if ! grep "^${1%%=*}=" "$file" | grep -qF "$value"; then
    note "WARNING: $file differs from the options. To apply them, set $1 there, then run: systemctl restart cloudchat"
  fi
}
