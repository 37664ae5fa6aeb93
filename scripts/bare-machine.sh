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
# shellcheck source=scripts/bare.sh
. "$root/scripts/bare.sh"

worker=root
keep=no
for argument in "$@"; do
    case $argument in
    --user) worker=tester ;;
    --keep) keep=yes ;;
    *) fail "does not know $argument; it takes --user and --keep" ;;
    esac
done
make_folder "$keep"
install_packages debootstrap util-linux git

say "Making a bare Debian 12 in $machine"
make_machine git,ca-certificates
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
