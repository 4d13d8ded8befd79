# The program: each version in a venv of its own, of which /opt/cloudchat/current is one.
# shellcheck shell=bash

VERSIONS=/opt/cloudchat/versions
KEPT_RELEASES=3
release_made=""

# The version, what tells two checkouts of one version apart, and the Python that it needs: a newer distribution has another.
release_name() {
  local version digest python
  version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$SOURCE/pyproject.toml")
  digest=$(cd "$SOURCE" && find src frontend alembic config systemd pyproject.toml -type f ! -name '*.pyc' -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
  python=$("$PYTHON" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
  echo "$version-${digest:0:8}-$python"
}

make_release() {
  local folder=$VERSIONS/$RELEASE build
  # Its last file: without it, somebody interrupted us.
  if [[ -e $folder/complete ]]; then
    note "$folder is there"
    return
  fi
  if [[ -e $folder ]]; then run rm -rf "$folder"; fi
  run "$PYTHON" -m venv "$folder"
  run "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$SOURCE/config/requirements.lock"
  note "builds cloudchat from a copy of $SOURCE"
  if [[ -z $dry_run ]]; then
    build=$(mktemp -d)
    cp -a "$SOURCE"/{pyproject.toml,README.md,src,frontend,alembic} "$build"
    # --no-build-isolation: what it is built with is in the lock, too.
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-index --no-build-isolation "$build"
    rm -rf "$build"
    finish_release "$folder"
    # shellcheck disable=SC2034 # of roll_back
    release_made=yes
  fi
}

# What a release has beside the program: the page where nginx looks for it, and how to install, for --uninstall later.
finish_release() {
  local folder=$1
  cp -r "$SOURCE"/{README.md,config,systemd} "$folder"
  ln -sfn "$(cd "$folder" && echo lib/python3*/site-packages/cloudchat/_frontend)" "$folder/frontend"
  # Whatever the checkout's rights were: everybody reads, nobody but root writes.
  chown -R root:root "$folder"
  chmod -R u=rwX,go=rX "$folder"
  touch "$folder/complete"
}

# All but the one in use, and the newest: to go back to one of them, ln -sfn it to /opt/cloudchat/current.
remove_old_releases() {
  local release
  # shellcheck disable=SC2012 # the names are ours
  for release in $(ls -1t $VERSIONS | tail -n +$((KEPT_RELEASES + 1))); do
    if [[ $(readlink /opt/cloudchat/current) != */"$release" ]]; then run rm -rf "${VERSIONS:?}/$release"; fi
  done
}
