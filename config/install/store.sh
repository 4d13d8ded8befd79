# A Redis instance for cloudchat alone. Other instances on this machine are not touched.
# shellcheck shell=bash

STORE_CREDENTIAL=/etc/cloudchat/credentials/cloudchat_redis_url
STORE_SOCKET=@/run/redis-cloudchat/redis.sock

install_store() {
  local password hash memory
  if [[ -z $dry_run && ! -s $STORE_CREDENTIAL ]]; then
    # 256 bits in hexadecimal, which needs no quoting in a URL.
    password=$(openssl rand -hex 32)
    write_file "$STORE_CREDENTIAL" 0400 root:root <<<"unix://cloudchat:$password$STORE_SOCKET"
  elif [[ $dry_run ]]; then
    note "create a password in $STORE_CREDENTIAL, unless the file exists"
  fi
  if [[ -z $dry_run ]]; then
    if [[ $(<$STORE_CREDENTIAL) != unix://cloudchat:*"$STORE_SOCKET" ]]; then
      note "$STORE_CREDENTIAL names an external store: no Redis is installed. If it is on another machine, allow its address:"
      note "  systemctl edit cloudchat.service, and cloudchat-backup.service: [Service] IPAddressAllow=<address>"
      return
    fi
    password=$(<$STORE_CREDENTIAL)
    password=${password#unix://cloudchat:}
    password=${password%"$STORE_SOCKET"}
    hash=$(printf %s "$password" | sha256sum)
  else
    hash="?"
  fi
  local config_changed=""
  write_file /etc/redis/cloudchat.conf 0644 root:root <"$SOURCE/config/redis/cloudchat.conf"
  config_changed+=$file_changed
  run install -d -m 0755 /etc/redis/cloudchat.d
  # Rounded to 64 MB: MemTotal differs a little between kernels, and a changed configuration restarts the store.
  memory=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB$/\1/p' /proc/meminfo) / 2 / 65536 * 64))mb
  sed "s/PASSWORD-SHA256/${hash%% *}/; s/HALF-THE-MEMORY/$memory/" "$SOURCE/config/redis/redis-cloudchat.conf" |
    write_file /etc/redis/redis-cloudchat.conf 0640 redis:redis
  config_changed+=$file_changed
  write_file /etc/systemd/system/redis-server@cloudchat.service.d/cloudchat.conf 0644 root:root \
    <"$SOURCE/systemd/redis-server@cloudchat.service.d/cloudchat.conf"
  config_changed+=$file_changed
  # Redis forks to rewrite its log. Without overcommit the kernel refuses that fork when Redis uses half of the memory,
  # although the child needs very little.
  write_file /etc/sysctl.d/60-cloudchat.conf 0644 root:root <<<"vm.overcommit_memory = 1"
  if [[ $file_changed ]]; then run sysctl -q -p /etc/sysctl.d/60-cloudchat.conf || note "it takes effect at the next boot"; fi
  run systemctl daemon-reload
  run systemctl enable --quiet redis-server@cloudchat.service
  # Restart only if the configuration changed: during an upgrade the store must not refuse messages.
  if [[ $config_changed ]]; then
    run systemctl restart redis-server@cloudchat.service
  else
    run systemctl start redis-server@cloudchat.service
  fi
}
