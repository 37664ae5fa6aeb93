#!/bin/bash
# Builds the Debian package in build/package, after installing what that takes, and has lintian look
# at it. The package is the same whenever and wherever it is built from the same sources.
#
# usage: scripts/package.sh
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"
[ $# -eq 0 ] || fail "takes no arguments"

install_packages "${build_packages[@]}" "${package_packages[@]}"
say "Building the preset package in build/package"
build package
rm -f -- "$root"/build/package/*.deb
(cd -- "$root/build/package" && cpack)
package=$(echo "$root"/build/package/echotimed_*.deb)
say "Asking lintian about $package"
as_root_option=$([ "$(id -u)" -ne 0 ] || echo --allow-root)
# shellcheck disable=SC2086  # one option or none
lintian $as_root_option --fail-on error,warning "$package"
say "Made $package"
