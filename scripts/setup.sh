# Set-up that the other scripts share: sourced by them, not run. Gives $root, the project's folder.
# shellcheck shell=bash

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)

# What a build takes on Debian 12.
# shellcheck disable=SC2034  # used by the scripts that source this
build_packages=(gcc libc6-dev cmake ninja-build pkg-config libev-dev libinih-dev libsystemd-dev
    libmicrohttpd-dev scdoc)

# What making the Debian package takes besides.
# shellcheck disable=SC2034  # used by the scripts that source this
package_packages=(dpkg-dev file lintian)

# The libraries of the peers that unpack_peer unpacks.
peer_packages=(libcap2 libedit2 libgnutls30 libnettle8 libseccomp2 libwrap0)

# libFuzzer comes with clang and its runtime; the targets are built among the tests.
fuzz_packages=(clang libclang-rt-14-dev check python3)

# What the tests take besides. They also build with clang, and use the peers that users have.
# shellcheck disable=SC2034  # used by the scripts that source this
test_packages=("${package_packages[@]}" "${fuzz_packages[@]}" "${peer_packages[@]}" binutils
    netcat-openbsd ncat socat haproxy iproute2 procps strace systemd util-linux rdate ntpsec-ntpdig nmap
    python3-scapy man-db mandoc groff-base nftables)

say() {
    printf '== %s\n' "$*"
}

fail() {
    printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        fail "the packages ${missing[*]} are missing, and installing them takes root. Run this" \
            "script as root, or install sudo, or let an administrator run:" \
            "apt-get install ${missing[*]}"
    fi
}

# install_packages PACKAGE...: installs those that are missing; touches nothing when none is.
install_packages() {
    local package
    missing=()
    if ! command -v dpkg-query >/dev/null; then
        say "This is not a Debian system. If the build fails, install the like of: $*"
        return
    fi
    for package in "$@"; do
        # One word for each architecture that has it.
        case $(dpkg-query -W -f '${db:Status-Status} ' "$package" 2>/dev/null) in
        "installed "*) ;;
        *) missing+=("$package") ;;
        esac
    done
    if [ ${#missing[@]} -gt 0 ]; then
        say "Installing ${missing[*]}"
        as_root apt-get -qq update
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends \
            "${missing[@]}" >/dev/null
    fi
}

# unpack_peer PACKAGE PROGRAM: unpacks a Debian package in build/peers, where the tests find PROGRAM.
unpack_peer() {
    local package=$1 program=$2 folder=$root/build/peers
    if [ -x "$folder/$program" ] || ! command -v apt-get >/dev/null; then
        return
    fi
    say "Unpacking $package in build/peers"
    mkdir -p -- "$folder"
    (cd -- "$folder" && { apt-get -qq download "$package" 2>/dev/null ||
        { as_root apt-get -qq update && apt-get -qq download "$package"; }; } &&
        dpkg -x "$package"_*.deb . && rm -- "$package"_*.deb)
}

# fetch_peers: unpacks the peers that are not installed, since that would start a service: chrony's
# package also removes the host's own time service.
fetch_peers() {
    unpack_peer chrony usr/sbin/chronyd
    unpack_peer prometheus usr/bin/prometheus
    unpack_peer xinetd usr/sbin/xinetd
}

# build PRESET [CMAKE-OPTION...]: configures and builds in build/PRESET.
build() {
    local preset=$1
    shift
    # && and not errexit, which does not hold in a function that a condition calls.
    (cd -- "$root" && cmake --preset "$preset" --log-level=WARNING "$@" >/dev/null &&
        cmake --build --preset "$preset")
}
