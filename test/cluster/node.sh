#!/bin/sh
# Becomes a node: the first process of its own network and mount namespace, which holds both until it is killed.
# Usage (under unshare --net --mount): test/cluster/node.sh READY-FILE
set -eu
PATH=$PATH:/usr/sbin:/sbin
ready=$1
shared=$(dirname "$ready")

# The folders that kubelet, containerd and CNI plugins insist on, in memory: nothing of them is left on the disk.
mount -t tmpfs -o mode=755 tmpfs /var/lib
mount -t tmpfs -o mode=755 tmpfs /var/log
mkdir -p /var/lib/kubelet /var/lib/cni /var/log/pods /var/log/containers

# containerd gives every pod a copy of its node's hosts file, and refuses to make one where there is none, as in a Debian
# that debootstrap has just made. A /etc of the node, so that the machine need not have one and does not get one.
mkdir /var/lib/etc /var/lib/etc.work
mount -t overlay -o lowerdir=/etc,upperdir=/var/lib/etc,workdir=/var/lib/etc.work overlay /etc
printf '127.0.0.1 localhost\n::1 localhost\n' >/etc/hosts

# A sysfs that shows this network namespace, with the control groups carried over.
carried=$shared/cgroup.$$
mkdir "$carried"
mount --rbind /sys/fs/cgroup "$carried"
mount -t sysfs sysfs /sys
mount --rbind "$carried" /sys/fs/cgroup
umount -l "$carried"
rmdir "$carried"

# Last, because it hides the shared folder's own /run: a /run of the node, with the shared folder in it.
mkdir -p /var/lib/keep
mount --rbind "$shared" /var/lib/keep
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p "$shared" /run/netns /run/lock
mount --rbind /var/lib/keep "$shared"
umount -l /var/lib/keep

# The kubelet sets these of the whole machine unless it finds them as it wants them: it shall find them so.
pretend() {
  [ -e "/proc/sys/$1" ] || return 0
  file=/var/lib/pretended.$(echo "$1" | tr / .)
  echo "$2" >"$file"
  mount --bind "$file" "/proc/sys/$1"
}
pretend vm/overcommit_memory 1
pretend vm/panic_on_oom 0
pretend kernel/panic 10
pretend kernel/panic_on_oops 1
pretend kernel/keys/root_maxkeys 1000000
pretend kernel/keys/root_maxbytes 25000000

set_where_it_is() {
  [ ! -e "/proc/sys/net/$1" ] || echo "$2" >"/proc/sys/net/$1"
}
set_where_it_is ipv4/ip_forward 1
set_where_it_is ipv4/conf/all/rp_filter 0
set_where_it_is bridge/bridge-nf-call-iptables 1
set_where_it_is bridge/bridge-nf-call-ip6tables 1
# Duplicate address detection would hold the gateway's address back for a second, just when the first pod wants it.
for which in all default; do
  set_where_it_is ipv6/conf/$which/disable_ipv6 0
  set_where_it_is ipv6/conf/$which/accept_dad 0
done
set_where_it_is ipv6/conf/all/forwarding 1
ip link set lo up
mount --make-rshared /
touch "$ready"
exec sleep infinity
