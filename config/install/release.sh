# Releases of the program: each is a venv in /opt/cloudchat/versions. The symlink /opt/cloudchat/current names the active one.
# shellcheck shell=bash

VERSIONS=/opt/cloudchat/versions
MAX_RELEASES=3
release_created=""

# VERSION-DIGEST-PYTHON. The digest distinguishes two checkouts of one version. The Python version is part of the name because
# an upgrade of the distribution replaces Python, and a venv works only with the Python that created it.
release_name() {
  local version digest python
  version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$SOURCE/pyproject.toml")
  digest=$(cd "$SOURCE" && find src frontend alembic config systemd pyproject.toml -type f ! -name '*.pyc' -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
  python=$("$PYTHON" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
  echo "$version-${digest:0:8}-$python"
}

create_release() {
  local directory=$VERSIONS/$RELEASE build
  # `complete` is written last. A directory without it was left by an interrupted run.
  if [[ -e $directory/complete ]]; then
    note "$directory exists"
    return
  fi
  if [[ -e $directory ]]; then run rm -rf "$directory"; fi
  run "$PYTHON" -m venv "$directory"
  run "$directory/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$SOURCE/config/requirements.lock"
  note "build cloudchat from a copy of $SOURCE"
  if [[ -z $dry_run ]]; then
    build=$(mktemp -d)
    cp -a "$SOURCE"/{pyproject.toml,README.md,src,frontend,alembic} "$build"
    # --no-build-isolation: the build tools are pinned in the lock file, too.
    "$directory/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-index --no-build-isolation "$build"
    rm -rf "$build"
    complete_release "$directory"
    # shellcheck disable=SC2034 # read by roll_back
    release_created=yes
  fi
}

# Add the other files of a release: the page at the path that nginx serves, the installer, the units and the runbook.
complete_release() {
  local directory=$1
  cp -r "$SOURCE"/{README.md,config,docs,systemd} "$directory"
  "$directory/bin/cloudchat" frontend build "$directory/frontend"
  # Do not keep the checkout's permissions: all users may read, only root may write.
  chown -R root:root "$directory"
  chmod -R u=rwX,go=rX "$directory"
  touch "$directory/complete"
}

# Keep the newest releases and the active one. To activate another one by hand: ln -sfn /opt/cloudchat/versions/… to
# /opt/cloudchat/current (see docs/RUNBOOK.md, "Rollback").
remove_old_releases() {
  local release
  # shellcheck disable=SC2012 # release names have no special characters
  for release in $(ls -1t $VERSIONS | tail -n +$((MAX_RELEASES + 1))); do
    if [[ $(readlink /opt/cloudchat/current) != */"$release" ]]; then run rm -rf "${VERSIONS:?}/$release"; fi
  done
}
