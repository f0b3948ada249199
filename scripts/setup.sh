#!/bin/sh
# Brings everything that building, testing and the demonstration need, on a bare Debian machine:
# system packages (apt, when root), Node 24 with its headers (npm package node-linux-*), the oldest Node that is
# supported, to test with, and the npm packages.
# Quick when nothing is missing. Usage: scripts/setup.sh
set -eu
cd "$(dirname "$0")/.."

NODE_VERSION=24.21.0
# The oldest that package.json's engines allow: test/unit/programs.test.ts starts every program with it.
OLDEST_NODE_VERSION=22.19.0
NPM_VERSION=11.19.1
TOOLS=$PWD/.tools
say() { printf '[setup] %s\n' "$*"; }

# What each package is for: docs/dependencies.md.
missing=''
need() { # need PROGRAM-OR-FILE PACKAGE...
  probe=$1; shift
  case $probe in
    /*) [ -e "$probe" ] && return 0 ;;
    *) command -v "$probe" >/dev/null 2>&1 && return 0 ;;
  esac
  missing="$missing $*"
}
PATH=$PATH:/usr/sbin:/sbin
need ip iproute2
need unshare util-linux
need nsenter util-linux
need setpriv util-linux
need make make
need strip binutils
need g++ g++
need python3 python3
need /usr/include/pcap/pcap.h libpcap-dev
need ethtool ethtool
need nft nftables
need ping iputils-ping
need tshark tshark
need npm npm
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing system packages:$missing"
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    # Candidate lists go stale: refresh once, then install.
    if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
      tail -20 "$log" >&2
      say "apt-get failed; its whole output is in $log" >&2
      exit 1
    fi
    rm -f "$log"
  else
    say "these system packages are missing, and only root can install them. Run this once:" >&2
    say "  sudo apt-get install -y --no-install-recommends$missing" >&2
    exit 1
  fi
fi

case $(uname -m) in
  x86_64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) say "no prebuilt Node for $(uname -m): vxtap runs on x86_64 and aarch64" >&2; exit 1 ;;
esac

node_home=$TOOLS/npm/node_modules/node-linux-$arch
if [ "$("$TOOLS/node/bin/node" --version 2>/dev/null || true)" != "v$NODE_VERSION" ]; then
  say "bringing Node $NODE_VERSION (npm package node-linux-$arch) into .tools/"
  mkdir -p "$TOOLS/npm"
  [ -f "$TOOLS/npm/package.json" ] || printf '{"private":true}\n' >"$TOOLS/npm/package.json"
  npm install --prefix "$TOOLS/npm" --no-audit --no-fund --loglevel=error --no-save \
    "node-linux-$arch@$NODE_VERSION" "npm@$NPM_VERSION"
  ln -sfn "$node_home" "$TOOLS/node"
fi

oldest_home=$TOOLS/npm-oldest/node_modules/node-linux-$arch
if [ "$("$TOOLS/node-oldest/bin/node" --version 2>/dev/null || true)" != "v$OLDEST_NODE_VERSION" ]; then
  say "bringing Node $OLDEST_NODE_VERSION, the oldest supported, to test with"
  mkdir -p "$TOOLS/npm-oldest"
  [ -f "$TOOLS/npm-oldest/package.json" ] || printf '{"private":true}\n' >"$TOOLS/npm-oldest/package.json"
  npm install --prefix "$TOOLS/npm-oldest" --no-audit --no-fund --loglevel=error --no-save \
    "node-linux-$arch@$OLDEST_NODE_VERSION"
  rm -rf "$oldest_home/include" "$oldest_home/share"
  ln -sfn "$oldest_home" "$TOOLS/node-oldest"
fi

stamp=node_modules/.vxtap-setup
if [ ! -f "$stamp" ] || [ package-lock.json -nt "$stamp" ] || [ package.json -nt "$stamp" ]; then
  say "installing npm packages (cap and raw-socket are compiled against Node $NODE_VERSION)"
  # The native packages must see this Node's headers, not those of the machine's own Node.
  # `install` and not `ci`: ci refuses a lockfile made where a registry lacks some platform's optional package.
  # Versions and integrity hashes still come from package-lock.json, which --no-save leaves untouched.
  PATH=$TOOLS/node/bin:$PATH npm_config_nodedir=$node_home \
    node "$TOOLS/npm/node_modules/npm/bin/npm-cli.js" install --no-save --no-audit --no-fund --loglevel=error
  touch "$stamp"
fi
say "ready: Node $("$TOOLS/node/bin/node" --version), $(ls node_modules | wc -l) npm packages"
