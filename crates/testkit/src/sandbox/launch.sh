#!/bin/bash
# launch.sh DIR NAME...: runs inside the sandbox and starts each named
# component from DIR/components/NAME.args (one argument per line). Its output
# goes to DIR/log/NAME.log, its PID (the sandbox's view) to
# DIR/components/NAME.pid. It becomes a child of the sandbox's init.
set -eu
dir=$1
shift

if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    [ ! -s "$dir/cgroups" ] || echo $$ >/sys/fs/cgroup/system/cgroup.procs
elif [ -s "$dir/cgroups" ]; then
    for group in /sys/fs/cgroup/*/cgroup.procs; do echo $$ >"$group"; done
fi
for name in "$@"; do
    mapfile -t argv <"$dir/components/$name.args"
    setsid "${argv[@]}" >>"$dir/log/$name.log" 2>&1 </dev/null &
    echo $! >"$dir/components/$name.pid"
done
