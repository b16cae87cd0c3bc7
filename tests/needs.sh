#!/bin/sh
# Sees to the Debian packages that the tests use: root installs what is missing, anyone else
# gets the line to type.
set -eu
cd "$(dirname "$0")/.."

wanted=$(sed 's/#.*//' tests/debian-packages)

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "needs.sh: not a Debian or Ubuntu; the tests use these programs:" $wanted >&2
    exit 0
fi

missing=
for package in $wanted; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "The tests need Debian packages that are not here. As root:" >&2
    echo "    apt-get update && apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

mkdir -p .cache/dev
log=.cache/dev/apt.log
policy=/usr/sbin/policy-rc.d
made_policy=
cleanup() { [ -z "$made_policy" ] || rm -f "$policy"; }
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# Installing must not start services: some listen to the whole network as they come.
if [ ! -e "$policy" ]; then
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

echo "Installing for the tests (a minute or two):$missing" >&2
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } \
    >"$log" 2>&1 </dev/null; then
    echo "That failed. The end of $log:" >&2
    tail -n 30 "$log" >&2
    exit 1
fi
