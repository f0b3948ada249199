# Sourced by scripts whose sandbox makes control groups under $VXTAP_CONTROL_GROUP, which the kernel keeps when all else of
# the sandbox is gone: a process that outlives it removes them. Leaves that process in $remover, and descriptor 8 open,
# which the sandbox must inherit.
# Reads a pipe that nobody writes to: it ends with the last process that holds it open, which is the sandbox.
remove_control_groups() {
  trap '' INT TERM HUP
  cat
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    left=''
    for root in /sys/fs/cgroup /sys/fs/cgroup/*; do
      [ -d "$root/$VXTAP_CONTROL_GROUP" ] || continue
      find "$root/$VXTAP_CONTROL_GROUP" -depth -type d -exec rmdir {} ';'
      [ ! -d "$root/$VXTAP_CONTROL_GROUP" ] || left=$root
    done
    [ -n "$left" ] || return 0
    sleep 0.5
  done
}
pipe=$(mktemp -u)
mkfifo -m 600 "$pipe"
remove_control_groups <"$pipe" >/dev/null 2>&1 &
remover=$!
exec 8>"$pipe"
rm -f "$pipe"
