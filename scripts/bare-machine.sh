#!/bin/bash
# Shows that a bare Debian 12 is enough: makes one in a temporary folder, with nothing but the
# required packages, git and ca-certificates, clones the last commit into it, and runs there
# scripts/run.sh, scripts/test.sh and the examples of README.md.
#
# usage: scripts/bare-machine.sh [--user] [--keep]
#   --user  work as an ordinary user with sudo instead of as root
#   --keep  leave the folder, to look around in it
# Takes root, the network and some 3 GB in $TMPDIR. Packages come from where this machine's do.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"

release=bookworm
worker=root
keep=no
for argument in "$@"; do
    case $argument in
    --user) worker=tester ;;
    --keep) keep=yes ;;
    *) fail "does not know $argument; it takes --user and --keep" ;;
    esac
done
[ "$(id -u)" -eq 0 ] || fail "takes root, to make a machine in a folder; run it with sudo"
install_packages debootstrap util-linux git

folder=$(mktemp -d "${TMPDIR:-/tmp}/bare-machine.XXXXXX")
machine=$folder/root
clean_up() {
    # What is mounted in there is in the namespace of `inside` alone, and gone with it.
    if [ "$keep" = yes ]; then
        say "The machine stays in $machine"
    else
        rm -rf --one-file-system -- "$folder"
    fi
}
trap clean_up EXIT

# mirror LABEL: the first address from where this machine's apt gets packages under that label.
mirror() {
    if command -v apt-get >/dev/null; then
        # shellcheck disable=SC2016  # $(...) is apt's own notation
        apt-get indextargets --format '$(REPO_URI)' \
            "Created-By: Packages" "Origin: Debian" "Label: $1" | sed -n 1p
    fi
}

# The way to the packages: mirrors, proxies, certificates, name resolution.
share_network_settings() {
    local main=$1 security
    security=$(mirror Debian-Security)
    if [ -n "$main" ]; then
        {
            echo "deb $main $release main"
            echo "deb $main $release-updates main"
            [ -z "$security" ] || echo "deb $security $release-security main"
        } >"$machine/etc/apt/sources.list"
        apt-config dump Acquire | grep -v '^Acquire::IndexTargets' \
            >"$machine/etc/apt/apt.conf.d/90network"
    fi
    cp -L /etc/resolv.conf /etc/hosts "$machine/etc/"
    if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
        cp -L /etc/ssl/certs/ca-certificates.crt "$machine/etc/ssl/certs/"
    fi
}

# inside ARGUMENT...: runs the script on standard input as process 1 of the machine, which has its
# own mounts, processes and host name, and this machine's network.
inside() {
    cat >"$machine/tmp/inside.sh"
    # A root of its own and not only chroot: namespaces within namespaces take one.
    # shellcheck disable=SC2016  # expands in there
    unshare --mount --pid --fork --kill-child --uts --ipc -- sh -ec '
        machine=$1
        shift
        mount --make-rprivate /
        mount --bind "$machine" "$machine"
        mount -t proc proc "$machine/proc"
        mount --rbind /sys "$machine/sys"
        mount --rbind /dev "$machine/dev"
        mount -t tmpfs -o mode=755 tmpfs "$machine/run"
        mkdir -p "$machine/run/lock" "$machine/run/host"
        hostname bare-machine
        cd "$machine"
        pivot_root . run/host
        umount -l /run/host
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8 \
            ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
            ${no_proxy:+"no_proxy=$no_proxy"} bash -euo pipefail /tmp/inside.sh "$@"
    ' sh "$machine" "$@" </dev/null
}

say "Making a bare Debian 12 in $machine"
main_mirror=$(mirror Debian)
debootstrap --variant=minbase --include=git,ca-certificates $release "$machine" \
    ${main_mirror:+"$main_mirror"} >"$folder/debootstrap.log" ||
    { tail -n 5 "$folder/debootstrap.log" >&2 && fail "debootstrap failed"; }
share_network_settings "$main_mirror"
git -C "$root" bundle create --quiet "$machine/tmp/project.bundle" HEAD

if [ "$worker" != root ]; then
    inside "$worker" <<'END'
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends sudo >/dev/null
useradd --create-home --shell /bin/bash "$1"
echo "$1 ALL=(ALL) NOPASSWD: ALL" >"/etc/sudoers.d/$1"
END
fi

inside "$worker" <<'END'
worker=$1
cat >/tmp/work.sh <<'WORK'
set -euo pipefail
# The folder's name has spaces, and every script is called from elsewhere.
project="$HOME/a clone/echotimed"
git clone --quiet /tmp/project.bundle "$project"
cd /

echo "== bare machine: scripts/run.sh, before anything is installed"
"$project/scripts/run.sh" --version

echo "== bare machine: scripts/test.sh"
"$project/scripts/test.sh"

echo "== bare machine: no change outside build/"
changes=$(git -C "$project" status --porcelain)
[ -z "$changes" ] || { echo "scripts/test.sh changed: $changes" >&2 && exit 1; }

echo "== bare machine: scripts/run.sh and the examples of README.md"
cat >/tmp/examples.sh <<'EXAMPLES'
set -euo pipefail
ip link set lo up
"$1/scripts/run.sh" >/tmp/run.log 2>&1 &
for _ in $(seq 600); do
    if grep -q transport=udp /tmp/run.log; then break; fi
    if ! kill -0 $! 2>/dev/null; then break; fi
    sleep 0.1
done
python3 -B "$1/tests/integration/support/examples.py" "$1/README.md" ||
    { cat /tmp/run.log >&2 && exit 1; }
kill -TERM $!
wait $!
EXAMPLES
# A network of its own: ports 8080 and 9000 of the host may be taken.
as_root=$([ "$(id -u)" -eq 0 ] || echo --map-root-user)
# shellcheck disable=SC2086  # one option or none
unshare $as_root --net -- bash /tmp/examples.sh "$project"
WORK
if [ "$worker" = root ]; then
    bash /tmp/work.sh
else
    runuser --login "$worker" -c "bash /tmp/work.sh"
fi
END
say "A bare Debian 12 is enough"
