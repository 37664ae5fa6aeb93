#!/bin/bash
# Installs what it needs, builds the release preset, and measures the daemon against minimal servers and
# the client's load against a minimal one.
#
# usage: scripts/bench.sh            every workload, 7 rounds; some minutes
#        scripts/bench.sh --short    3 short rounds, to see that it works
#        scripts/bench.sh ARGUMENTS  as bench/bench.py takes them: --rounds, --milliseconds, --only
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"

install_packages "${build_packages[@]}" "${peer_packages[@]}" python3 util-linux redis-tools
# Not installed, as fetch_peers says.
unpack_peer chrony usr/sbin/chronyd
PATH=$root/build/peers/usr/sbin:$PATH
arguments=("$@")
[ "${1-}" != --short ] || arguments=(--rounds 3 --milliseconds 100)
# A build that is there keeps its tests; a new one does without what they need.
without=()
[ -e "$root/build/release/CMakeCache.txt" ] || without=(-DETD_TESTS=OFF)
build release "${without[@]}"
cmake --build "$root/build/release" --target bench
status=0
python3 -B "$root/bench/bench.py" "${arguments[@]}" "$root/build/release" || status=$?
python3 -B "$root/bench/bench_client.py" "${arguments[@]}" "$root/build/release" || status=$?
exit "$status"
