#!/bin/bash
# Shows that the package installs and serves on a bare Debian 12: makes the package, and a Debian with
# nothing but the required packages and systemd in a temporary folder, boots that, and runs in there
#     apt-get install ./echotimed_*.deb && systemctl enable --now echotimed
# Echo and time must answer, again after a reboot; a purge must leave nothing.
#
# usage: scripts/bare-package.sh [--keep]
#   --keep  leave the folder, to look around in it
# Takes root, the network and some 500 MB in $TMPDIR. Packages come from where this machine's do.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"
# shellcheck source=scripts/bare.sh
. "$root/scripts/bare.sh"

keep=no
for argument in "$@"; do
    case $argument in
    --keep) keep=yes ;;
    *) fail "does not know $argument; it takes --keep" ;;
    esac
done
make_folder "$keep"
install_packages debootstrap util-linux python3
"$root/scripts/package.sh"

say "Making a bare Debian 12 with systemd in $machine"
make_machine systemd-sysv,dbus,ca-certificates
cp -- "$root"/build/package/echotimed_*.deb "$machine/root/"
# The booted machine has a network of its own, where ports are free and no mirror is.
say "Fetching what the package depends on"
# shellcheck disable=SC2119  # it has no arguments
inside <<'END'
apt-get -qq update
apt-get -qq install --download-only --no-install-recommends /root/echotimed_*.deb >/dev/null
END
PYTHONPATH=$root/tests/integration python3 -B "$root/scripts/bare_package.py" "$machine"
say "The package is good for a bare Debian 12"
