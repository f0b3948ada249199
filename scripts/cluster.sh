#!/bin/sh
# Runs a command beside a Kubernetes cluster of two nodes that lives exactly as long, without Docker, registry or
# systemd: test/cluster/ starts it inside scripts/sandbox.sh, so the machine's own network stays as it is, and the kernel
# ends every process and every mount of it however this script ends. What the kernel keeps, the empty control groups, a
# process removes that outlives this script where it must.
# Needs root. Usage: scripts/cluster.sh COMMAND [ARGUMENT...]   (K8S=1.28 for another release, IP_FAMILIES=6
# for a cluster without IPv4)
set -eu
cd "$(dirname "$0")/.."
say() { printf '[cluster] %s\n' "$*" >&2; }
PATH=$PATH:/usr/sbin:/sbin
node=.tools/node/bin/node

[ "$(id -u)" = 0 ] || { say "a kubelet makes control groups and overlay mounts, which only root may: run it with sudo"; exit 1; }
[ $# -gt 0 ] || { say "usage: scripts/cluster.sh COMMAND [ARGUMENT...]"; exit 64; }

need() { # need PROGRAM PACKAGE
  command -v "$1" >/dev/null 2>&1 && return 0
  command -v apt-get >/dev/null 2>&1 || { say "$1 is missing: install the package $2"; exit 1; }
  say "installing system package: $2"
  apt_log=$(mktemp)
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$2"; } >"$apt_log" 2>&1; then
    tail -20 "$apt_log" >&2
    say "apt-get failed; its whole output is in $apt_log"
    exit 1
  fi
  rm -f "$apt_log"
}
need go golang-go
# Before 1.29 kube-proxy has no other way.
[ "${K8S:-}" != 1.28 ] || need iptables iptables

# Two at once must not build over each other; who waited finds everything built.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vxtap
mkdir -p "$cache"
(
  flock -n 9 || { say "another run is building the cluster's programs: waiting for it"; flock 9; }
  "$node" --disable-warning=ExperimentalWarning test/cluster/programs/build.ts ${K8S:+"$K8S"} 9>&-
) 9>"$cache/cluster.lock"

# The sensor of a scenario; it goes to the nodes when that scenario runs.
SURICATA_ROOT=$(sh scripts/suricata-root.sh)
export SURICATA_ROOT

export VXTAP_CONTROL_GROUP=vxtap-$$

. scripts/control-groups.sh

# Waited for, so that the control groups are gone when this script ends, be it by Ctrl-C; killed, it takes the sandbox
# with it.
trap : INT TERM HUP
code=0
setpriv --pdeathsig KILL sh scripts/sandbox.sh "$node" --disable-warning=ExperimentalWarning test/cluster/main.ts "$@" ||
  code=$?
exec 8>&-
wait "$remover" || true
exit "$code"
