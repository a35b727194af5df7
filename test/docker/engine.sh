#!/bin/sh
# A Docker engine by hand, for a machine where none runs: dockerd in a network and mount namespace of its own,
# so that the machine's firewall, forwarding and cgroup tree stay as they are. Needs root and dockerd.
#
#   engine.sh start DIR [SECCOMP_JSON]   everything the engine keeps goes below DIR
#   engine.sh run   DIR COMMAND...       runs a command in the engine's network, with DOCKER_HOST set
#   engine.sh stop  DIR                  ends the engine and removes DIR
set -eu

usage() {
  sed -n '5,7s/^# *//p' "$0" >&2
  exit 2
}

start() {
  dir=$1 seccomp=${2:-}
  command -v dockerd >/dev/null || { echo "dockerd is not installed: apt-get install docker.io" >&2; exit 1; }
  mkdir -p "$dir"
  # /sys has to show the new network; the cgroup tree is kept beside it meanwhile. `--bip`: without it a fresh
  # engine of 20.10 names no gateway for its bridge, and workerd then fails every start.
  setsid unshare --net --mount --propagation private sh -c '
    set -e
    dir=$1 seccomp=$2
    ip link set lo up
    mkdir -p "$dir/cgroup"
    mount --rbind /sys/fs/cgroup "$dir/cgroup"
    mount -t sysfs sysfs /sys
    mount --rbind "$dir/cgroup" /sys/fs/cgroup
    echo 1 >/proc/sys/net/ipv4/ip_forward
    [ -z "$seccomp" ] || set -- --seccomp-profile="$seccomp"
    [ -n "$seccomp" ] || set --
    exec dockerd --host "unix://$dir/docker.sock" --data-root "$dir/data" --exec-root "$dir/exec" \
      --pidfile "$dir/docker.pid" --bip 172.17.0.1/16 "$@"
  ' engine "$dir" "$seccomp" </dev/null >"$dir/log" 2>&1 &
  echo $! >"$dir/engine.pid"
  tries=0
  until docker --host "unix://$dir/docker.sock" info >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ $tries -gt 100 ] || ! kill -0 "$(cat "$dir/engine.pid")" 2>/dev/null; then
      tail -n 20 "$dir/log" >&2
      exit 1
    fi
    sleep 0.2
  done
  echo "DOCKER_HOST=unix://$dir/docker.sock"
}

# Published ports and the bridge exist in the engine's network only.
run() {
  dir=$1
  shift
  export DOCKER_HOST="unix://$dir/docker.sock"
  exec nsenter --target "$(cat "$dir/docker.pid")" --net "$@"
}

stop() {
  dir=$1
  # Containers first: their shims are not children of dockerd, and would stay.
  left=$(docker --host "unix://$dir/docker.sock" ps --all --quiet)
  # shellcheck disable=SC2086
  [ -z "$left" ] || docker --host "unix://$dir/docker.sock" rm --force $left >/dev/null
  pid=$(cat "$dir/docker.pid")
  kill "$pid"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  rm -rf "$dir"
}

[ $# -ge 2 ] || usage
action=$1
shift
case $action in
  start) start "$@" ;;
  run) run "$@" ;;
  stop) stop "$1" ;;
  *) usage ;;
esac
