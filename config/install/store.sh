# A Redis instance of its own; another one on this machine is left alone. And what the server is told: secrets, settings.
# shellcheck shell=bash

CREDENTIAL=/etc/cloudchat/credentials/cloudchat_redis_url
OWN_STORE=@/run/redis-cloudchat/redis.sock

make_store() {
  local password hash memory
  if [[ -z $dry_run && ! -s $CREDENTIAL ]]; then
    # 256 bits in hexadecimal: nothing in it needs quoting in a URL.
    password=$(openssl rand -hex 32)
    put "$CREDENTIAL" 0400 root:root <<<"unix://cloudchat:$password$OWN_STORE"
  elif [[ $dry_run ]]; then
    note "makes a password, for $CREDENTIAL, unless it is there"
  fi
  if [[ -z $dry_run ]]; then
    if [[ $(<$CREDENTIAL) != unix://cloudchat:*"$OWN_STORE" ]]; then
      note "$CREDENTIAL names a store of yours: no Redis here. Where it is another machine's, let the units reach it:"
      note "  systemctl edit cloudchat.service, and cloudchat-backup.service: [Service] IPAddressAllow=its address"
      return
    fi
    password=$(<$CREDENTIAL)
    password=${password#unix://cloudchat:}
    password=${password%"$OWN_STORE"}
    hash=$(printf %s "$password" | sha256sum)
  else
    hash="?"
  fi
  local stale=""
  put /etc/redis/cloudchat.conf 0644 root:root <"$SOURCE/config/redis/cloudchat.conf"
  stale+=$changed
  run install -d -m 0755 /etc/redis/cloudchat.d
  # In steps of 64 MB: kernels differ by a little, and the store is started again when its configuration changes.
  memory=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB$/\1/p' /proc/meminfo) / 2 / 65536 * 64))mb
  sed "s/PASSWORD-SHA256/${hash%% *}/; s/HALF-THE-MEMORY/$memory/" "$SOURCE/config/redis/redis-cloudchat.conf" | put_store_config
  stale+=$changed
  put /etc/systemd/system/redis-server@cloudchat.service.d/cloudchat.conf 0644 root:root \
    <"$SOURCE/systemd/redis-server@cloudchat.service.d/cloudchat.conf"
  stale+=$changed
  # Rewriting its log it forks; the kernel would refuse that where half the memory is taken, though next to none is needed.
  put /etc/sysctl.d/60-cloudchat.conf 0644 root:root <<<"vm.overcommit_memory = 1"
  if [[ $changed ]]; then run sysctl -q -p /etc/sysctl.d/60-cloudchat.conf || note "takes effect at the next boot"; fi
  run systemctl daemon-reload
  run systemctl enable --quiet redis-server@cloudchat.service
  # With its configuration unchanged it goes on: nothing is refused while a version is changed.
  if [[ $stale ]]; then
    run systemctl restart redis-server@cloudchat.service
  else
    run systemctl start redis-server@cloudchat.service
  fi
}

put_store_config() { put /etc/redis/redis-cloudchat.conf 0640 redis:redis; }

make_settings() {
  local file=/etc/cloudchat/cloudchat.env believed=${proxy:-127.0.0.1,::1}
  put $file.example 0644 root:root <"$SOURCE/config/cloudchat.env.example"
  if [[ -e $file ]]; then
    note "$file is yours and stays as it is; what is new stands in $file.example"
    mind_setting "CLOUDCHAT_ALLOWED_ORIGINS=https://$domain"
    mind_setting "CLOUDCHAT_TRUSTED_PROXIES=$believed"
    return
  fi
  {
    echo "# What this server is told; every setting, with its default, stands in cloudchat.env.example."
    echo "# After a change: systemctl restart cloudchat. An upgrade leaves this file alone. No secrets here: credentials/"
    echo "CLOUDCHAT_ALLOWED_ORIGINS=https://$domain"
    echo "CLOUDCHAT_REGISTRATION=invite"
    echo "CLOUDCHAT_LOG_FORMAT=json"
    echo "CLOUDCHAT_METRICS_PORT=9464"
    echo "# Whom to believe, whom a request is from: nginx on this machine, or the load balancer."
    echo "CLOUDCHAT_TRUSTED_PROXIES=$believed"
  } | put $file 0640 root:cloudchat
}

# Say so where a file of before has another value than these options would have given it.
mind_setting() {
  local value=${1#*=}
  if ! grep "^${1%%=*}=" "$file" | grep -qF "$value"; then
    note "ATTENTION: it does not say $1, as these options mean: change it, then systemctl restart cloudchat"
  fi
}
