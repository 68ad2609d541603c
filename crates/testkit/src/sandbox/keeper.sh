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

# DIR/cgroups: one directory per cgroup v1 controller, empty for a sandbox
# that runs no containers. They lie under the owner's own groups, so whatever
# limits the owner limits the sandbox too.
while read -r group; do
    mkdir -p "$group"
    case $group in
        */cpuset/*) # a new cpuset is empty and takes no process
            cat "${group%/*}/cpuset.cpus" >"$group/cpuset.cpus"
            cat "${group%/*}/cpuset.mems" >"$group/cpuset.mems"
            ;;
    esac
done <"$dir/cgroups"

(
    while read -r group; do echo "$BASHPID" >"$group/cgroup.procs"; done <"$dir/cgroups"
    exec unshare --net --mount --pid --uts --ipc --cgroup --fork --kill-child --mount-proc \
        /bin/bash "$dir/init.sh" "$dir"
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
