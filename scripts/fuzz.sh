#!/bin/bash
# Installs what it needs, and runs every fuzz target for a time, with libFuzzer, AddressSanitizer and
# UndefinedBehaviorSanitizer.
#
#   scripts/fuzz.sh [SECONDS | --short]     seconds for each target; 600, or with --short 20
#
# The seeds stand in tests/fuzz/corpus. What is found besides goes to build/fuzz/corpus, where the next
# run goes on; an input that broke something goes to build/fuzz/findings. Exits with 1 on a finding.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"
cd -- "$root"

seconds=600
case "${1:-}" in
'') ;;
--short) seconds=20 ;;
*[!0-9]* | 0)
    echo "usage: scripts/fuzz.sh [SECONDS | --short]" >&2
    exit 64
    ;;
*) seconds=$1 ;;
esac

install_packages "${build_packages[@]}" "${fuzz_packages[@]}"
mkdir -p build/fuzz/findings
if ! { cmake --preset fuzz && cmake --build --preset fuzz --target fuzzers; } \
    >build/fuzz/build.log 2>&1; then
    cat build/fuzz/build.log >&2
    exit 70
fi

failed=0
for source in tests/fuzz/fuzz_*.c; do
    target=$(basename "$source" .c)
    name=${target#fuzz_}
    corpus=build/fuzz/corpus/$name
    log=build/fuzz/$name.log
    mkdir -p "$corpus"
    status=0
    build/fuzz/tests/fuzz/"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="build/fuzz/findings/$name-" \
        "$corpus" "tests/fuzz/corpus/$name" >"$log" 2>&1 || status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
    kept=$(find "$corpus" -type f | wc -l)
    if [ "$status" -eq 0 ]; then
        echo "$name: no finding; ${runs:-?} inputs in $seconds s, ${covered:-?} edges," \
            "$kept inputs in $corpus"
    else
        failed=1
        finding=$(sed -n 's/.*Test unit written to //p' "$log" | tail -1)
        echo "$name: FINDING ${finding:-(none written)}; see $log"
    fi
done
exit "$failed"
