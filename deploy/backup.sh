#!/bin/sh
# Writes one backup into a folder, then deletes those that are older than some days (14).
#
#   backup.sh FOLDER [DAYS]
#
# FLEETMDM__STORAGE__PROVIDER says which database it is, as it does for the server. SQLite: the program beside this folder copies it, and
# checks the copy. PostgreSQL: pg_dump, to which PGHOST, PGUSER, PGDATABASE and PGPASSWORD (or ~/.pgpass) say where.
# A backup that fails ends with an exit code other than 0, leaves nothing under a backup's name, and deletes no older one.
set -eu
umask 077
[ $# -ge 1 ] || { echo "usage: backup.sh FOLDER [DAYS]" >&2; exit 2; }
folder=$1
days=${2:-14}
program=${FLEETMDM_PROGRAM:-$(dirname "$(dirname "$(readlink -f "$0")")")/FleetMdm.Silo.dll}
name=$folder/fleetmdm-$(date -u +%Y%m%dT%H%M%SZ)

case ${FLEETMDM__STORAGE__PROVIDER:-Sqlite} in
  [Pp][Oo][Ss][Tt][Gg][Rr][Ee]*)
    pg_dump --format=custom --file="$name.dump.tmp" || { rm -f "$name.dump.tmp"; exit 1; }
    sync "$name.dump.tmp"
    mv "$name.dump.tmp" "$name.dump"
    echo "Backed up to $name.dump"
    ;;
  *) dotnet "$program" backup "$name.db" ;;
esac

find "$folder" -maxdepth 1 -type f -name 'fleetmdm-*' -mtime "+$days" -delete
