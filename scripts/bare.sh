# A bare Debian 12 in a folder: sourced, after setup.sh, by the scripts that make one. make_folder sets
# $folder, which goes when the script ends, and $machine, the root in it that make_machine fills.
# shellcheck shell=bash

release=bookworm

# make_folder KEEP: "yes" leaves the folder behind, and says where it is.
make_folder() {
    [ "$(id -u)" -eq 0 ] || fail "takes root, to make a machine in a folder; run it with sudo"
    folder=$(mktemp -d "${TMPDIR:-/tmp}/bare-debian.XXXXXX")
    machine=$folder/root
    if [ "$1" = yes ]; then
        trap 'say "The folder stays: $folder"' EXIT
    else
        # What is mounted in there is in the namespace of `inside` alone, and gone with it.
        trap 'rm -rf --one-file-system -- "$folder"' EXIT
    fi
}

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

# make_machine PACKAGE,...: the required packages and those named.
make_machine() {
    local main
    main=$(mirror Debian)
    debootstrap --variant=minbase --include="$1" $release "$machine" ${main:+"$main"} \
        >"$folder/debootstrap.log" ||
        { tail -n 5 "$folder/debootstrap.log" >&2 && fail "debootstrap failed"; }
    share_network_settings "$main"
}
