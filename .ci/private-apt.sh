# Fetches packages of Debian with an apt that has a state of its own, so nothing changes on the machine. A script reads
# this file with `.`, and sets before: folder (the state is below $folder/apt), log (a file), and the function fail.

# The machine's own mirror, if it is one of Debian.
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>>"$log" | grep -E '/debian/?$' | head -n 1) || :
mirror=${mirror:-http://deb.debian.org/debian}

# The keys of Debian come with Debian; elsewhere they are a package.
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# private_apt PROGRAM WORD...: apt with a state of its own below $apt, for the architecture $architecture. It does not
# inherit the lock, which is descriptor 9.
private_apt() {
  program=$1
  shift
  "$program" -q -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" \
    -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=- -o Dir::Etc::Preferences=- \
    -o Dir::Etc::PreferencesParts=- -o Dir::Etc::Trusted=- -o Dir::Etc::TrustedParts=- \
    -o Dir::State="$apt" -o Dir::State::Lists="$apt/lists" -o Dir::State::Status="$apt/status" \
    -o Dir::Cache="$apt/cache" -o Dir::Cache::Archives="$apt/cache/archives" \
    -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=true -o Acquire::Languages=none \
    -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o APT::Update::Error-Mode=any "$@" 2>>"$log" 9>&-
}

# prepare_apt POCKET: reads the index of one pocket, since another may be incomplete on a mirror.
prepare_apt() {
  apt=$folder/apt
  rm -rf "$apt"
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/keyring"
  : >"$apt/status"
  if [ ! -e "$keyring" ]; then
    (cd "$apt/keyring" && apt-get download debian-archive-keyring && dpkg-deb -x debian-archive-keyring_*.deb .) >>"$log" 2>&1 ||
      fail "no keys to check Debian's packages with; install debian-archive-keyring (details: $log)"
    keyring=$(find "$apt/keyring" -name 'debian-archive-keyring.*' \( -name '*.gpg' -o -name '*.pgp' \) | head -n 1)
  fi
  echo "deb [arch=$architecture signed-by=$keyring] $mirror $1 main" >"$apt/sources.list"
  private_apt apt-get update >>"$log" || fail "cannot read $1 of $mirror for $architecture (details: $log)"
}
