#!/bin/bash
# keeper.sh DIR: runs outside the sandbox, in its own session, and outlives its
# owner by a second: it removes the two things that the kernel does not remove
# by itself when the sandbox dies, the cgroup directories and the state
# directory DIR.
#
# Standard input is a pipe whose other end only the owner holds. init.sh reads
# it; its end is the owner's end, however that came (kill -9 included).
set -u
dir=$1
trap '' HUP INT TERM

# DIR/cgroups: one directory per cgroup v1 controller, or a single one of cgroup
# v2; empty for a sandbox that runs no containers. They lie under the owner's own
# groups, so whatever limits the owner limits the sandbox too.
while read -r group; do
    mkdir -p "$group"
    case $group in
        */cpuset/*) # a new cpuset is empty and takes no process
            cat "${group%/*}/cpuset.cpus" >"$group/cpuset.cpus"
            cat "${group%/*}/cpuset.mems" >"$group/cpuset.mems"
            ;;
    esac
done <"$dir/cgroups"

is_unified() { [ -e "$group/cgroup.controllers" ]; }

# hand_down DIR: lets the groups below DIR have its controllers.
hand_down() {
    local controller
    for controller in cpu cpuset io memory pids hugetlb; do
        echo "+$controller" >"$1/cgroup.subtree_control" || true
    done 2>/dev/null
}

# Each group on the way down has to hand the controllers on.
hand_down_to_parent() {
    local level=/sys/fs/cgroup part parts
    IFS=/ read -r -a parts <<<"${1#/sys/fs/cgroup}"
    hand_down "$level"
    for part in "${parts[@]::${#parts[@]}-1}"; do
        [ -z "$part" ] || { level+=/$part && hand_down "$level"; }
    done
    for part in cpu cpuset memory pids; do
        grep -qw "$part" "$1/cgroup.controllers" && continue
        echo "cgroup v2 does not give $1 the controller $part: run as root on the machine itself, not in a container" >&2
        exit 1
    done
}

# A group of cgroup v2 that hands controllers on holds no processes itself. The
# sandbox's root group does, so its own processes live in `system` below it;
# they go there after the cgroup namespace was made, which takes the group of
# that moment for its root.
(
    while read -r group; do
        ! is_unified || hand_down_to_parent "$group"
        echo "$BASHPID" >"$group/cgroup.procs"
    done <"$dir/cgroups"
    exec unshare --cgroup /bin/bash -c "$(declare -f is_unified hand_down)"'
        while read -r group; do
            is_unified || continue
            mkdir "$group/system"
            echo "$$" >"$group/system/cgroup.procs"
            hand_down "$group"
        done <"$1/cgroups"
        exec unshare --net --mount --pid --uts --ipc --fork --kill-child --mount-proc \
            /bin/bash "$1/init.sh" "$1"
    ' bash "$dir"
) <&0 & # a background command would otherwise read /dev/null
wait "$!"

for _ in {1..100}; do
    left=0
    while read -r group; do
        [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || left=1
    done <"$dir/cgroups"
    [ "$left" = 0 ] && break
    sleep 0.05
done
[ -e "$dir/keep" ] || rm -rf --one-file-system "$dir"
