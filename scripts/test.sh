#!/bin/bash
# Builds and tests everything, after installing what that takes: the release build by gcc, a build
# by clang with warnings as errors, and the whole suite again under the sanitizers.
#
# usage: scripts/test.sh
# Exits with 0 only when all of it passed.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"
[ $# -eq 0 ] || fail "takes no arguments; to choose tests, run: ctest --preset release -R NAME"

run_tests() {
    (cd -- "$root" && ctest --preset "$1" -j3 --no-tests=error --output-on-failure)
}

install_packages "${build_packages[@]}" "${test_packages[@]}"
fetch_peers
failed=()

say "Building the release preset in build/release"
if build release -DETD_TESTS=ON; then
    say "Testing the release build"
    run_tests release || failed+=("the tests of the release build")
else
    failed+=("the release build")
fi

say "Building with clang, warnings are errors, in build/clang"
build clang -DETD_TESTS=ON || failed+=("the build by clang")

say "Building under AddressSanitizer and UndefinedBehaviorSanitizer in build/asan"
if build asan -DETD_TESTS=ON; then
    say "Testing under the sanitizers"
    run_tests asan || failed+=("the tests under the sanitizers")
else
    failed+=("the build under the sanitizers")
fi

if [ ${#failed[@]} -gt 0 ]; then
    printf '== Failed: %s\n' "${failed[@]}"
    exit 1
fi
