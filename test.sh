#!/usr/bin/env bash
# Runs the tests: all of them, or those of the projects that are named.
#
#   ./test.sh                          everything
#   ./test.sh tests/Storage.Tests      one project (or several)
#   ./test.sh --coverage [projects]    and the line coverage of Protocol, Grains and Storage
#   ./test.sh --long [projects]        and the long tests, [Trait("Length", "Long")]: faults that take minutes each
#
# Needs the .NET SDK. As root on Debian it installs what else is missing: a PostgreSQL server (which is then run privately, in a
# temporary folder, on a free port), strongSwan's pki (a SCEP client), haproxy (the balancer of a cluster), chromium (a browser for
# the console), systemd (which checks its units) and openssl. Set
# FLEETMDM_TEST_POSTGRES to use a PostgreSQL that runs already: a connection string of someone who may create databases.
# The last line is always "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")"

coverage=false
long=false
projects=()
for argument in "$@"; do
  case $argument in
    --coverage) coverage=true ;;
    --long) long=true ;;
    -*) sed -n '2,13p' "$0" >&2; exit 2 ;;
    *) projects+=("$argument") ;;
  esac
done
[ ${#projects[@]} -gt 0 ] || projects=(tests/*.Tests tests/EndToEnd)

passed=0
failed=0
work=$(mktemp -d /tmp/fleetmdm-test.XXXXXX)
chmod 755 "$work"

finish() {
  local status=$?
  trap - EXIT
  [ ! -d "$work/postgres" ] || scripts/postgres.sh stop "$work/postgres" || true
  rm -rf "$work"
  if [ "$status" -eq 0 ] && { [ "$failed" -gt 0 ] || [ "$passed" -eq 0 ]; }; then status=1; fi
  echo "$passed passed, $failed failed"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# 1. What the tests need beside the SDK.
# pki does elliptic curves by one of its plugins, and HTTP by another.
packages=(strongswan-pki libstrongswan-standard-plugins libstrongswan-extra-plugins openssl haproxy systemd chromium)
[ -n "${FLEETMDM_TEST_POSTGRES:-}" ] || packages+=(postgresql)
# curl runs the commands of the documentation.
scripts/install.sh "${packages[@]}" curl

# 2. A private PostgreSQL.
if [ -z "${FLEETMDM_TEST_POSTGRES:-}" ]; then
  FLEETMDM_TEST_POSTGRES=$(scripts/postgres.sh start "$work/postgres")
fi
export FLEETMDM_TEST_POSTGRES

# 3. One build for all.
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
dotnet build FleetMdm.sln -c Release -v q

# 4. The tests, a project at a time: they measure time-outs and share two cores with their servers.
count() { # file attribute
  sed -n "s/.*<Counters [^>]*[[:space:]]$2=\"\([0-9]*\)\".*/\1/p" "$1" | head -n 1
}

for project in "${projects[@]}"; do
  name=$(basename "$project")
  results="$work/results/$name"
  options=(--no-build -c Release --nologo --results-directory "$results" --logger "trx;LogFileName=$name.trx"
    --blame-hang --blame-hang-dump-type none)
  # What the long tests measured is in their output.
  if $long; then
    options+=(--blame-hang-timeout 60m --logger "console;verbosity=normal")
  else
    options+=(--blame-hang-timeout 15m --logger "console;verbosity=minimal" --filter "Length!=Long")
  fi
  if $coverage; then options+=(--collect "XPlat Code Coverage"); fi
  ended=0
  dotnet test "$project" "${options[@]}" || ended=$?
  here=0
  if [ -f "$results/$name.trx" ]; then
    passed=$((passed + $(count "$results/$name.trx" passed)))
    here=$(($(count "$results/$name.trx" failed) + $(count "$results/$name.trx" error) + $(count "$results/$name.trx" timeout)))
  fi
  # A test host that died, or was killed for hanging, counts as a failure even when it left no failed test behind.
  if [ "$ended" -ne 0 ] && [ "$here" -eq 0 ] && [ -n "$(find "$project" -name '*.cs' -not -path '*/obj/*' -print -quit)" ]; then
    echo "$name did not run to its end (exit code $ended)." >&2
    here=1
  fi
  failed=$((failed + here))
done

# 5. Lines that any of the test projects has run.
if $coverage; then
  find "$work/results" -name coverage.cobertura.xml -print0 | xargs -0 -r cat | awk '
    function attribute(line, name,   at) {
      at = index(line, name "=\"")
      if (!at) return ""
      line = substr(line, at + length(name) + 2)
      return substr(line, 1, index(line, "\"") - 1)
    }
    /<package / { package = attribute($0, "name") }
    # The same file is named from its project by one test project, from the repository by another.
    /<class / { file = attribute($0, "filename"); sub(".*" substr(package, 10) "/", "", file) }
    /<line / && package ~ /^FleetMdm\.(Protocol|Grains|Storage)$/ && file !~ /(^|\/)obj\// {
      key = package SUBSEP file SUBSEP attribute($0, "number")
      if (!(key in hit)) { hit[key] = 0; lines[package]++ }
      if (attribute($0, "hits") + 0 > 0 && !hit[key]) { hit[key] = 1; run[package]++ }
    }
    END { for (p in lines) printf "line coverage of %s: %.1f %% (%d of %d lines)\n", substr(p, 10), 100 * run[p] / lines[p], run[p], lines[p] }
  ' | sort
fi

exit 0
