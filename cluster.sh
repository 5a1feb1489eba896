#!/usr/bin/env bash
# A cluster on this machine, without Docker: nodes, a PostgreSQL of its own (with fsync), and a load balancer (haproxy).
#
#   ./cluster.sh up [--nodes 3] [--port 8443] [-- OPTIONS]   builds, starts, waits until all are ready (1 to 5 nodes; OPTIONS go to each)
#   ./cluster.sh status                                      who runs, and whether it is ready
#   ./cluster.sh kill N                                      SIGKILL to node N
#   ./cluster.sh restart N                                   node N drains and starts again; starts if it does not run
#   ./cluster.sh upgrade N                                   the same with what the source is now: a node of the next version joins
#   ./cluster.sh down                                        stops everything and deletes its data
#
# Ports on 127.0.0.1, PORT being 8443 unless told otherwise: the balancer PORT; node N PORT+N for HTTPS, PORT+20+N between nodes,
# PORT+40+N for nodes in role Api. Everything is kept in .cluster: pids, logs, each node's data, the master key.
set -euo pipefail
cd "$(dirname "$0")"

state=$PWD/.cluster
balancer_address=127.0.0.2
ready_within=180
drained_within=90

fail() { echo "cluster.sh: $*" >&2; exit 1; }

usage() { sed -n '2,12p' "$0" >&2; exit 2; }

# --- What runs ---

# pid_of NAME: of a process that is ours; nothing when it does not run. A number that somebody else got meanwhile is not ours.
pid_of() {
  local pid
  [ -f "$state/$1.pid" ] || return 0
  pid=$(<"$state/$1.pid")
  case $(ps -p "$pid" -o args= 2>/dev/null || true) in
    *"$state"*) echo "$pid" ;;
  esac
}

runs() { [ -n "$(pid_of "$1")" ]; }

# end NAME SIGNAL SECONDS: and wait until it is gone.
end() {
  local pid
  pid=$(pid_of "$1")
  [ -n "$pid" ] || return 0
  kill "-$2" "$pid" 2>/dev/null || true
  for _ in $(seq $(($3 * 5))); do
    runs "$1" || { rm -f "$state/$1.pid"; return 0; }
    sleep 0.2
  done
  return 1
}

# launch NAME PROGRAM ARGUMENTS: in a session of its own, so that Ctrl-C here does not reach it.
launch() {
  local name=$1
  shift
  setsid "$@" >>"$state/$name.log" 2>&1 </dev/null &
  echo $! >"$state/$name.pid"
}

ready() { curl --silent --insecure --output /dev/null --fail --max-time 5 "https://127.0.0.1:$1/health/ready"; }

wait_ready() { # NAME PORT
  for _ in $(seq $((ready_within * 2))); do
    if ready "$2"; then return; fi
    runs "$1" || fail "$1 ended: $(tail -n 1 "$state/$1.log") (its log: $state/$1.log)"
    sleep 0.5
  done
  fail "$1 was not ready in $ready_within s; its log: $state/$1.log"
}

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

load() {
  [ -f "$state/settings" ] || fail "No cluster runs here; ./cluster.sh up starts one."
  . "$state/settings"
}

check_node() {
  [[ ${1:-} =~ ^[1-9]$ ]] && [ "$1" -le "$nodes" ] || fail "Which node? 1 to $nodes."
}

# --- Steps ---

# What the source is now, in a folder of its own: a build does not change the files of a node that runs.
build() {
  local program
  program=$state/program.$(date +%s)
  if ! dotnet publish Silo -c Release -v q --nologo -o "$program" >"$state/build.log" 2>&1; then
    cat "$state/build.log" >&2
    fail "The server could not be built: see above."
  fi
  echo "$program"
}

start_node() { # N
  local extra=()
  [ ! -f "$state/options" ] || mapfile -t extra <"$state/options"
  mkdir -p "$state/node$1"
  FLEETMDM__SECRETS__MASTERKEYFILE=$state/master.key FLEETMDM__STORAGE__CONNECTIONSTRING="$postgres;Maximum Pool Size=50" \
    launch "node$1" dotnet "$(<"$state/node$1.program")/FleetMdm.Silo.dll" \
    "--Http:Listen=https://127.0.0.1:$((port + $1))" "--Mdm:PublicUrl=https://localhost:$port" \
    --Storage:Provider=PostgreSQL "--Storage:DataDirectory=$state/node$1" \
    --Cluster:Enabled=true --Cluster:AdvertisedAddress=127.0.0.1 \
    "--Mdm:TrustedProxies=$balancer_address" --Mdm:ProxyProtocol=true \
    "--Cluster:SiloPort=$((port + 20 + $1))" ${extra[@]+"${extra[@]}"}
}

# From an address of its own: of the balancer alone the nodes expect the PROXY header.
start_balancer() {
  {
    printf 'frontend https\n    bind 127.0.0.1:%s\n    default_backend nodes\n\nbackend nodes from nodes\n' "$port"
    for n in $(seq "$nodes"); do printf '    server node%s 127.0.0.1:%s source %s\n' "$n" "$((port + n))" "$balancer_address"; done
  } >"$state/nodes.cfg"
  launch balancer "$(command -v haproxy || echo /usr/sbin/haproxy)" -db -f deploy/haproxy/balancer.cfg -f "$state/nodes.cfg"
}

stop_all() {
  local n
  end balancer TERM 10 || end balancer KILL 10 || true
  for n in 1 2 3 4 5; do
    ! runs "node$n" || kill -TERM "$(pid_of "node$n")"
  done
  for n in 1 2 3 4 5; do end "node$n" CONT 1 || end "node$n" TERM "$drained_within" || end "node$n" KILL 10 || true; done
  [ ! -f "$state/postgres.folder" ] || scripts/postgres.sh stop "$(<"$state/postgres.folder")"
  rm -rf "$state"
}

# PostgreSQL runs as a user of its own when we are root, and may not be able to look into this folder.
postgres_folder() {
  if [ "$(id -u)" -ne 0 ] || runuser -u "$(id -un postgres 2>/dev/null || echo nobody)" -- test -x "$state"; then
    echo "$state/postgres"
  else
    mktemp -d "${TMPDIR:-/tmp}/fleetmdm-cluster.XXXXXX"
  fi
}

# What did not come up is taken down again; its logs stay.
not_up() {
  rm -rf "$state.failed"
  mkdir "$state.failed"
  cp "$state"/*.log "$state.failed" 2>/dev/null || true
  stop_all
  echo "Everything was stopped again; the logs are in $state.failed." >&2
}

up() {
  local n option
  nodes=3 port=8443
  local options=()
  while [ $# -gt 0 ]; do
    case $1 in
      --nodes) nodes=${2:-}; shift 2 || usage ;;
      --port) port=${2:-}; shift 2 || usage ;;
      --) shift; options=("$@"); break ;;
      *) usage ;;
    esac
  done
  [[ $nodes =~ ^[1-5]$ ]] || fail "--nodes is 1 to 5."
  [[ $port =~ ^[0-9]{4,5}$ ]] && [ "$port" -ge 1024 ] && [ "$port" -le 65000 ] || fail "--port is 1024 to 65000."
  if [ -f "$state/settings" ]; then
    . "$state/settings"
    if runs balancer; then
      echo "A cluster of $nodes nodes runs already: https://localhost:$port. ./cluster.sh status tells more, ./cluster.sh down ends it."
      return
    fi
    fail "An earlier cluster was not ended properly; ./cluster.sh down removes what is left of it."
  fi
  for n in 0 $(seq "$nodes") $(seq 21 $((20 + nodes))) $(seq 41 $((40 + nodes))); do
    ! taken $((port + n)) || fail "Port $((port + n)) is taken; --port chooses others."
  done

  scripts/install.sh postgresql haproxy curl
  mkdir -p "$state"
  trap not_up EXIT

  echo "Building ..."
  local program
  program=$(build)
  for n in $(seq "$nodes"); do echo "$program" >"$state/node$n.program"; done
  : >"$state/options"
  for option in ${options[@]+"${options[@]}"}; do echo "$option" >>"$state/options"; done
  (umask 077 && head -c 32 /dev/urandom | base64 >"$state/master.key")

  echo "Starting PostgreSQL, $nodes nodes and the balancer ..."
  postgres_folder >"$state/postgres.folder"
  postgres=$(scripts/postgres.sh start "$(<"$state/postgres.folder")" | tail -n 1)
  printf 'nodes=%q port=%q postgres=%q\n' "$nodes" "$port" "$postgres" >"$state/settings"

  # The first makes the schema, the CA and the first administrator's token; the others join it.
  start_node 1
  wait_ready node1 $((port + 1))
  for n in $(seq 2 "$nodes"); do start_node "$n"; done
  for n in $(seq 2 "$nodes"); do wait_ready "node$n" $((port + n)); done
  start_balancer
  wait_ready balancer "$port"
  curl --silent --show-error --insecure --fail --output "$state/ca.pem" "https://localhost:$port/ca.pem"
  trap - EXIT

  cat <<END
$nodes nodes are ready behind https://localhost:$port

  Administrator's token   $state/node1/admin-token
  CA                      $state/ca.pem
  Logs                    $state/node1.log and so on
  PostgreSQL              $postgres

  curl --cacert .cluster/ca.pem -H "Authorization: Bearer \$(cat .cluster/node1/admin-token)" https://localhost:$port/api/v1/devices

Go on with ./cluster.sh kill N, restart N, upgrade N, status; ./cluster.sh down ends it.
END
}

restart() {
  if runs "node$1"; then
    echo "Node $1 drains ..."
    end "node$1" TERM "$drained_within" || fail "node$1 did not end in $drained_within s; ./cluster.sh kill $1 ends it at once."
  fi
  start_node "$1"
  wait_ready "node$1" $((port + $1))
  echo "Node $1 is ready."
}

status() {
  local n pid
  for n in $(seq "$nodes"); do
    pid=$(pid_of "node$n")
    if [ -z "$pid" ]; then
      echo "node $n     does not run"
    else
      echo "node $n     pid $pid, https://127.0.0.1:$((port + n)), $(curl --silent --insecure --max-time 5 "https://127.0.0.1:$((port + n))/health/ready" || echo "does not answer")"
    fi
  done
  if runs balancer; then echo "balancer   pid $(pid_of balancer), https://localhost:$port"; else echo "balancer   does not run"; fi
  echo "PostgreSQL $postgres"
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
  up) up "$@" ;;
  down)
    [ -d "$state" ] || fail "No cluster runs here."
    stop_all
    echo "The cluster is gone."
    ;;
  status) load; status ;;
  kill)
    load; check_node "${1:-}"
    runs "node$1" || fail "Node $1 does not run."
    end "node$1" KILL 10
    echo "Node $1 is killed; ./cluster.sh restart $1 brings it back."
    ;;
  restart) load; check_node "${1:-}"; restart "$1" ;;
  upgrade)
    load; check_node "${1:-}"
    program=$(build)
    echo "$program" >"$state/node$1.program"
    restart "$1"
    ;;
  *) usage ;;
esac
