#!/usr/bin/env bash
# A private PostgreSQL for tests and experiments, in a folder of its own, on a free port of 127.0.0.1, with fsync on.
#
#   scripts/postgres.sh start FOLDER    creates and starts it; prints a connection string for an administrator of it
#   scripts/postgres.sh stop FOLDER     stops it and deletes the folder
#
# PostgreSQL refuses to run as root: then it runs as the user postgres, or nobody.
set -euo pipefail

usage() {
  sed -n '2,7p' "$0" >&2
  exit 2
}

[ $# -eq 2 ] || usage
folder=$2

newest_binaries() {
  local found
  found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
  [ -n "$found" ] || found=$(dirname "$(command -v initdb 2>/dev/null || true)")
  if [ ! -x "$found/initdb" ]; then
    echo "PostgreSQL's server programs (initdb) were not found: install the package postgresql." >&2
    exit 1
  fi
  echo "$found"
}

as_owner() {
  if [ "$(id -u)" -ne 0 ]; then
    "$@"
  elif id postgres >/dev/null 2>&1; then
    runuser -u postgres -- "$@"
  else
    runuser -u nobody -- "$@"
  fi
}

owner() { if id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi; }

free_port() {
  local port
  for _ in $(seq 50); do
    port=$((20000 + RANDOM % 10000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
  echo "No free port was found between 20000 and 30000." >&2
  exit 1
}

start() {
  local binaries port
  binaries=$(newest_binaries)
  mkdir -p "$folder"
  [ "$(id -u)" -ne 0 ] || chown "$(owner)" "$folder"
  cd "$folder"
  as_owner "$binaries/initdb" -D "$folder/data" -U postgres --auth=trust --encoding=UTF8 --locale=C >"$folder.initdb.log" 2>&1 ||
    { cat "$folder.initdb.log" >&2; exit 1; }
  rm -f "$folder.initdb.log"
  # Another program may take the port between the look and the start: then another one is tried.
  for _ in 1 2 3 4 5; do
    port=$(free_port)
    if as_owner "$binaries/pg_ctl" -D "$folder/data" -l "$folder/log" -w -t 60 start \
      -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=400 -c shared_buffers=256MB -c max_wal_size=4GB" \
      >/dev/null 2>&1; then
      echo "Host=127.0.0.1;Port=$port;Username=postgres;Database=postgres"
      return
    fi
  done
  echo "PostgreSQL did not start; its log:" >&2
  cat "$folder/log" >&2
  exit 1
}

stop() {
  local binaries
  binaries=$(newest_binaries)
  if [ -f "$folder/data/postmaster.pid" ]; then
    (cd "$folder" && as_owner "$binaries/pg_ctl" -D "$folder/data" -m immediate -w -t 60 stop >/dev/null 2>&1) || true
  fi
  rm -rf "$folder"
}

case $1 in
  start) start ;;
  stop) stop ;;
  *) usage ;;
esac
