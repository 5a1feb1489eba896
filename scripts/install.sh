#!/usr/bin/env bash
# Installs what is missing of these Debian packages, as root on Debian or Ubuntu; elsewhere it says what to install.
#
#   scripts/install.sh postgresql strongswan-pki openssl haproxy
#
# A package whose programs are there already, from wherever, is left alone. Nothing that it installs is started: PostgreSQL and haproxy
# are run privately by those who call this.
set -euo pipefail

have() {
  case $1 in
    postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null ;;
    strongswan-pki) command -v pki >/dev/null ;;
    # Debian parts strongSwan's plugins from its programs, and only recommends them; elsewhere they come along.
    libstrongswan-standard-plugins) ! command -v dpkg >/dev/null || [ -e /usr/lib/ipsec/plugins/libstrongswan-openssl.so ] ;;
    libstrongswan-extra-plugins) ! command -v dpkg >/dev/null || [ -e /usr/lib/ipsec/plugins/libstrongswan-curl.so ] ;;
    systemd) command -v systemd-analyze >/dev/null ;;
    chromium) [ -x /usr/bin/chromium ] || [ -x /usr/bin/chromium-browser ] || [ -x /usr/bin/google-chrome ] ;;
    haproxy) command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing=()
for package in "$@"; do
  have "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "Missing here: ${missing[*]}. Install them, or run this as root on Debian or Ubuntu." >&2
  exit 1
fi

echo "Installing ${missing[*]} ..." >&2
export DEBIAN_FRONTEND=noninteractive

# Debian's packages would start servers of their own, and PostgreSQL's would create a database for it.
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
  mkdir -p /etc/postgresql-common
  echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
fi
log=$(mktemp)
trap 'rm -f "$log"; [ "${policy:-}" != ours ] || rm -f /usr/sbin/policy-rc.d' EXIT
if [ ! -e /usr/sbin/policy-rc.d ]; then
  policy=ours
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
fi

# Another apt may be at work, the automatic upgrades for one. Installing can be told to wait for it, the lists cannot.
update() {
  local second said
  for ((second = 0; second < 300; second += 5)); do
    said=$(LC_ALL=C apt-get update -qq 2>&1) && return
    [[ $said == *"Could not get lock"* ]] || break
    sleep 5
  done
  echo "$said"
  return 1
}

if ! { update &&
       apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "${missing[@]}"; } \
  >"$log" 2>&1; then
  cat "$log" >&2
  echo "apt-get could not install ${missing[*]}: see above." >&2
  exit 1
fi
