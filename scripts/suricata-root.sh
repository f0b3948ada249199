#!/bin/sh
# Brings Suricata 7 and prints where it is. Debian 12 has none, so it comes from Debian 13: a root file system made by
# debootstrap once, kept outside the checkout (about 300 MB in $XDG_CACHE_HOME/vxtap, ~/.cache/vxtap by default; delete it
# whenever you like).
# Needs root. Usage: scripts/suricata-root.sh   (DEBIAN_MIRROR=URL where apt's own sources have no Debian mirror)
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
say() { printf '[suricata] %s\n' "$*" >&2; }
give_up() { say "$*"; exit 1; }

# trixie's Suricata is 7.0; the folder's name says what is in it, so another release gets a folder of its own.
release=trixie
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vxtap
root=$cache/suricata-$release

[ "$(id -u)" = 0 ] || give_up "a root file system is made and entered with debootstrap and chroot, which only root may: run the same with sudo"

need() { # need PROGRAM PACKAGE
  command -v "$1" >/dev/null 2>&1 && return 0
  command -v apt-get >/dev/null 2>&1 || give_up "$1 is missing: install the package $2"
  say "installing system package: $2"
  apt_log=$(mktemp)
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$2"; } >"$apt_log" 2>&1; then
    tail -20 "$apt_log" >&2
    give_up "apt-get failed; its whole output is in $apt_log"
  fi
  rm -f "$apt_log"
}

# debootstrap fetches with wget, which reads the environment but not apt's configuration.
use_proxy_of_apt() {
  for scheme in http https; do
    [ -z "$(printenv "${scheme}_proxy")" ] || continue
    proxy=''
    eval "$(apt-config shell proxy "Acquire::$scheme::Proxy")"
    case $proxy in '' | DIRECT) ;; *) export "${scheme}_proxy=$proxy" ;; esac
  done
}

# The first of the machine's own package sources that has the release.
find_mirror() {
  apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -E '^https?://' | awk '!seen[$0]++' | while read -r uri; do
    wget -q -T 20 -t 2 -O /dev/null "${uri%/}/dists/$release/InRelease" && printf '%s\n' "${uri%/}" && break
  done
}

build() {
  need debootstrap debootstrap
  need wget wget
  use_proxy_of_apt
  mirror=${DEBIAN_MIRROR:-$(find_mirror)}
  [ -n "$mirror" ] || give_up "none of apt's sources has Debian's release $release: set DEBIAN_MIRROR to the address of a Debian mirror"
  partial=$root.partial
  log=$root.log
  rm -rf "$partial"
  say "making $root: Debian $release with Suricata (about a minute, 50 MB of packages)"
  # In a mount and process namespace of its own, which dies with this script however that ends: an interrupt leaves
  # neither a mounted /proc nor a process behind. unshare itself ignores SIGTERM while it waits, hence KILL.
  setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc -- \
    debootstrap --variant=minbase --include=suricata "$release" "$partial" "$mirror" >"$log" 2>&1 9>&- &
  builder=$!
  trap 'say "interrupted"; kill -KILL "$builder"; wait "$builder" || true; sleep 1; rm -rf "$partial"; exit 130' INT TERM HUP
  seconds=0
  while kill -0 "$builder" 2>/dev/null; do
    sleep 1
    seconds=$((seconds + 1))
    [ $((seconds % 10)) != 0 ] || say "${seconds} s: $(tail -n 1 "$log" | sed 's/^I: //')"
  done
  if ! wait "$builder"; then
    tail -n 20 "$log" >&2
    rm -rf "$partial"
    give_up "debootstrap failed; its whole output is in $log"
  fi
  trap - INT TERM HUP
  rm -f "$partial"/var/cache/apt/archives/*.deb
  [ -x "$partial/usr/bin/suricata" ] || give_up "debootstrap ended well, but without Suricata; its output is in $log"
  mv "$partial" "$root"
  rm -f "$log"
  say "made in $seconds s, $(du -sm "$root" | cut -f1) MB"
}

mkdir -p "$cache"
if [ ! -d "$root" ]; then
  # Two at once must not build over each other; who waited finds it made.
  exec 9>"$root.lock"
  flock -n 9 || { say "another run is making $root: waiting for it"; flock 9; }
  [ -d "$root" ] || build
  exec 9>&-
fi
printf '%s\n' "$root"
