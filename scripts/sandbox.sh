#!/bin/sh
# Runs a command in a network, mount and process namespace of its own, so that the network namespaces, bridges and
# processes which it makes can neither touch the machine's own network nor outlive it: when the command ends, is
# interrupted or crashes, the kernel removes all of it. As an ordinary user it does the same inside a user namespace.
# Usage: scripts/sandbox.sh COMMAND [ARGUMENT...]
set -eu
[ "${VXTAP_SANDBOX:-}" = 1 ] && exec "$@"

PATH=$PATH:/usr/sbin:/sbin
user=''
if [ "$(id -u)" != 0 ]; then
  user='--user --map-root-user'
  if ! unshare --user --map-root-user --net true 2>/dev/null; then
    echo "vxtap: making network namespaces needs root, or a kernel that allows user namespaces; this machine offers neither." >&2
    echo "       Run the same command with sudo, or allow user namespaces:" >&2
    for knob in kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0 user.max_user_namespaces=10000; do
      file=/proc/sys/$(echo "${knob%=*}" | tr . /)
      [ -e "$file" ] && [ "$(cat "$file")" != "${knob#*=}" ] && echo "         sudo sysctl -w $knob" >&2
    done
    exit 1
  fi
fi
export VXTAP_SANDBOX=1
# A tmpfs on /run, so that `ip netns` keeps its names here and not on the machine. The shell stays as process 1: the
# kernel hides signals without a handler from process 1, and the command must get its Ctrl-C.
exec unshare $user --net --mount --pid --fork --kill-child --mount-proc -- sh -c '
  trap : INT TERM
  mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/netns && ip link set lo up || exit 1
  "$@"
  exit $?' sh "$@"
