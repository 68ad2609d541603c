#!/bin/bash
# init.sh DIR: the first process (PID 1) of a sandbox. It gives the namespaces
# their network and mounts, says "ready" on standard output, then does nothing
# but reap orphans until standard input ends. When it ends, the kernel kills
# every process of the sandbox and takes the network and the mounts with it.
set -eu
dir=$1

private_tmpfs() {
    for path in "$@"; do
        mkdir -p "$path"
        mount -t tmpfs -o mode=755 tmpfs "$path"
    done
}

# Without a default route or a link to the outside nothing can leave the
# machine: connecting anywhere else fails at once. A bridge without ports
# carries the node's address, since not every kernel has dummy devices.
set_up_network() {
    ip link set lo up
    ip link add node0 type bridge
    ip addr add 10.10.0.1/24 dev node0
    ip addr add 10.10.0.10/24 dev node0
    ip link set node0 up
    ip route add 10.96.0.0/16 dev node0
}

# The sandbox's cgroups appear as the roots of their hierarchies: the kubelet
# then finds, and makes, only its own /kubepods.
mount_cgroups() {
    local root=/sys/fs/cgroup controller
    if [ -e "$root/cgroup.controllers" ]; then
        umount "$root"
        mount -t cgroup2 cgroup2 "$root"
        return
    fi
    for controller in "$root"/*; do umount "$controller" 2>/dev/null || true; done
    umount "$root" 2>/dev/null || true
    mount -t tmpfs -o mode=755 tmpfs "$root"
    for controller in cpu cpuacct cpuset memory devices freezer blkio pids; do
        mkdir "$root/$controller"
        mount -t cgroup -o "$controller" cgroup "$root/$controller"
    done
    mkdir "$root/systemd"
    mount -t cgroup -o none,name=systemd cgroup "$root/systemd"
}

# The kubelet writes these settings at its start, and they belong to the whole
# machine: private files over them take the writes.
shield_sysctls() {
    local name file
    mkdir "$dir/sysctl"
    for name in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops \
        kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
        file=$dir/sysctl/${name//\//_}
        cat "/proc/sys/$name" >"$file"
        mount --bind "$file" "/proc/sys/$name"
    done
}

set_up_node() {
    local resolv
    mount_cgroups
    private_tmpfs /run /var/log /var/lib/kubelet /var/lib/containerd /var/lib/cni
    mkdir -p /run/lock
    shield_sysctls
    printf 'nameserver 10.10.0.10\n' >"$dir/resolv.node"
    printf 'options ndots:1\n' >"$dir/resolv.pods"
    printf '127.0.0.1 localhost\n10.10.0.1 node1\n' >"$dir/hosts"
    mount --bind "$dir/hosts" /etc/hosts
    resolv=$(readlink -m /etc/resolv.conf)
    case $resolv in /run/*) mkdir -p "${resolv%/*}" && : >"$resolv" ;; esac
    mount --bind "$dir/resolv.node" "$resolv"
    hostname node1
    # These three are per network namespace.
    echo 1 >/proc/sys/net/ipv4/ip_forward
    echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
    if [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]; then
        echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
    fi
    # Volumes that the kubelet mounts have to show up in containers.
    mount --make-rshared /
}

mount --make-rprivate /
set_up_network
private_tmpfs "$dir/etcd"
[ ! -s "$dir/cgroups" ] || set_up_node

echo ready
exec >/dev/null
set +e
while read -r _; do :; done
