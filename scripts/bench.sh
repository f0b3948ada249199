#!/bin/sh
# Measures what a tap costs, beside others and in the same run: brings the programs that it is compared with, compiles the
# few of its own, and runs bench/main.ts inside scripts/sandbox.sh, which takes every namespace and process of it away
# however it ends. What the kernel keeps, the empty control groups, a process that outlives this script removes.
# Needs root. Usage: scripts/bench.sh   (QUICK=1 for a minute, ONLY=name,... for contestants or workloads with these names)
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
say() { printf '[bench] %s\n' "$*" >&2; }
give_up() { say "$*"; exit 1; }

[ "$(id -u)" = 0 ] || give_up "control groups, and counting in the kernel, are for root alone: run the same with sudo"

missing=''
need() { # need PROGRAM PACKAGE...
  program=$1; shift
  command -v "$program" >/dev/null 2>&1 || missing="$missing $*"
}
need gcc gcc
need wrk wrk
need iperf3 iperf3
need netsniff-ng netsniff-ng
# nginx and daemonlogger are unpacked beside the system and not installed, so that no service of theirs starts: only what
# they are linked with is installed.
unpacked=${XDG_CACHE_HOME:-$HOME/.cache}/vxtap/bench-programs
[ -x "$unpacked/usr/sbin/nginx" ] || missing="$missing libpcre2-8-0 libssl3 libcrypt1 zlib1g"
[ -x "$unpacked/usr/bin/daemonlogger" ] || missing="$missing libdumbnet1 libpcap0.8"

if [ -n "$missing" ]; then
  command -v apt-get >/dev/null 2>&1 || give_up "these packages are missing:$missing, and nginx and daemonlogger in $unpacked"
  say "installing system packages:$missing"
  log=$(mktemp)
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    give_up "apt-get failed; its whole output is in $log"
  fi
  for package in nginx daemonlogger; do
    [ ! -x "$unpacked/usr/sbin/$package" ] && [ ! -x "$unpacked/usr/bin/$package" ] || continue
    say "unpacking $package into $unpacked"
    mkdir -p "$unpacked"
    work=$(mktemp -d)
    (cd "$work" && apt-get -o APT::Sandbox::User=root download "$package" && dpkg-deb -x ./*.deb "$unpacked") >"$log" 2>&1 ||
      { tail -20 "$log" >&2; give_up "bringing $package failed; the whole output is in $log"; }
    rm -rf "$work"
  done
  rm -f "$log"
fi
PATH=$unpacked/usr/sbin:$unpacked/usr/bin:$PATH
export PATH
sh scripts/bench-programs.sh

export VXTAP_CONTROL_GROUP=vxtap-bench-$$
. scripts/control-groups.sh
exec sh scripts/sandbox.sh .tools/node/bin/node --disable-warning=ExperimentalWarning bench/main.ts "$@"
