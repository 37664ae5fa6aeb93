#!/bin/bash
# Builds echotimed, after installing what that takes, and runs it in the foreground.
#
# usage: scripts/run.sh [ARGUMENT...]
# Arguments are passed on to the daemon; with none it runs on conf/echotimed.ini.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"

install_packages "${build_packages[@]}"
say "Building the release preset in build/release"
build release -DETD_TESTS=OFF

if [ $# -eq 0 ]; then
    set -- --config "$root/conf/echotimed.ini"
fi
say "Running echotimed $*"
exec "$root/build/release/echotimed" "$@"
