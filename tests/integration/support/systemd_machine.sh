#!/bin/sh
# Boots systemd as process 1 of namespaces that are this script's own; systemd_machine.py calls it.
#
#   systemd_machine.sh prepare DIR CGROUP [ROOT]
#                              with mount, network, UTS and IPC namespaces of its own: builds the root
#                              folder in a tmpfs on DIR, or takes the system in ROOT as it is
#   systemd_machine.sh boot DIR     the same script again, as process 1 of a new namespace
#
# Every mount is made in the private mount namespace and ends with it. The root is made of the host's
# folders under overlays, so that the machine can change all and the host sees none of it. Where no
# overlay can be had (ETD_MACHINE_OVERLAY=no tries that) they are bound read-only or copied.
set -eu

stage=$1
dir=$2
root=$dir/root

overlay() {
    [ "${ETD_MACHINE_OVERLAY:-yes}" = yes ] || return 1
    mkdir -p "$root$1" "$dir/upper$1" "$dir/work$1"
    mount -t overlay -o "lowerdir=$1,upperdir=$dir/upper$1,workdir=$dir/work$1" overlay "$root$1"
}

# The second, if there is one, is where it goes, in place of the same path.
bind_read_only() {
    target=${2:-$root$1}
    mkdir -p "$target"
    mount --rbind "$1" "$target"
    mount -o remount,bind,ro "$target"
}

# A writable folder whose entries are the host's: folders bound read-only, the rest copied. What is
# there already stays.
bind_entries() {
    mkdir -p "$root$1"
    for entry in "$1"/*; do
        if [ -e "$root$entry" ] || [ -L "$root$entry" ]; then
            :
        elif [ -d "$entry" ] && [ ! -L "$entry" ]; then
            bind_read_only "$entry"
        else
            cp -a "$entry" "$root$entry"
        fi
    done
}

# What packages and `cmake --install` write to is writable, the rest of /usr is not.
usr_without_overlay() {
    mkdir -p "$root/usr/lib" "$root/usr/local" "$root/usr/share/doc" "$root/usr/share/man" \
        "$root/usr/share/bash-completion"
    cp -a /usr/sbin "$root/usr/sbin"
    # Too large to copy: links to all of it, which stands beside, so that links of its own lead on.
    bind_read_only /usr/bin "$root/usr/.bin"
    mkdir "$root/usr/bin"
    (cd /usr/bin && find . -mindepth 1 -maxdepth 1 -printf '%P\n') |
        (cd "$root/usr/bin" && sed 's,^,../.bin/,' | xargs -d '\n' ln -s -t .)
    cp -a /usr/lib/systemd "$root/usr/lib/systemd"
    bind_entries /usr/share
    bind_entries /usr/lib
    bind_entries /usr
}

var_without_overlay() {
    mkdir -p "$root/var/cache" "$root/var/lib" "$root/var/log" "$root/var/tmp"
    chmod 1777 "$root/var/tmp"
    ln -s /run "$root/var/run"
}

host_folders() {
    for name in bin sbin lib lib32 lib64 libx32; do
        if [ -L "/$name" ]; then
            cp -P "/$name" "$root/$name"
        elif [ -d "/$name" ]; then
            overlay "/$name" || bind_read_only "/$name"
        fi
    done
    overlay /usr || usr_without_overlay
    overlay /etc || cp -a /etc "$root/"
    overlay /var || var_without_overlay
}

# Nothing starts but the journal: the host's services, mounts and generators are not ours to run.
machine_target() {
    rm -rf "$root"/usr/lib/systemd/system/*.wants "$root"/lib/systemd/system/*.wants \
        "$root"/etc/systemd/system "$root"/usr/lib/systemd/system-generators \
        "$root"/etc/systemd/system-generators "$root"/usr/lib/systemd/system-preset
    mkdir -p "$root/etc/systemd/system" "$root/etc/systemd/journald.conf.d"
    cat > "$root/etc/systemd/system/machine.target" <<EOF
[Unit]
Description=A machine of the tests
Requires=basic.target
After=basic.target
Wants=systemd-journald.service
AllowIsolate=yes
EOF
    ln -s machine.target "$root/etc/systemd/system/default.target"
    cat > "$root/etc/systemd/journald.conf.d/machine.conf" <<EOF
[Journal]
Storage=volatile
RateLimitBurst=0
ReadKMsg=no
Audit=
EOF
    ln -s /dev/null "$root/etc/systemd/system/systemd-journald-audit.socket"
}

host_files() {
    for file in fstab resolv.conf hostname hosts machine-id; do
        rm -f "$root/etc/$file"
    done
    : > "$root/etc/fstab"
    : > "$root/etc/resolv.conf"
    echo machine > "$root/etc/hostname"
    printf '127.0.0.1 localhost\n::1 localhost\n' > "$root/etc/hosts"
    tr -d - < /proc/sys/kernel/random/uuid > "$root/etc/machine-id"
}

# A folder that is no mount point would get the host's devices from systemd.
devices() {
    mkdir -p "$root/dev"
    mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
    mkdir "$root/dev/pts" "$root/dev/shm"
    for name in null zero full random urandom tty; do
        : > "$root/dev/$name"
        mount --bind "/dev/$name" "$root/dev/$name"
    done
    mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$root/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s /proc/self/fd/0 "$root/dev/stdin"
    ln -s /proc/self/fd/1 "$root/dev/stdout"
    ln -s /proc/self/fd/2 "$root/dev/stderr"
}

machine_of_the_host() {
    # The root must be a mount point of its own, as systemd makes it shared.
    mount --bind "$root" "$root"
    host_folders
    machine_target
    host_files
    mkdir -p "$root/proc" "$root/sys" "$root/run" "$root/tmp" "$root/root" "$root/home" "$root/mnt"
    chmod 1777 "$root/tmp"
}

prepare() {
    cgroup=$1
    system=$2
    mount -t tmpfs -o mode=755 machine "$dir"
    mkdir "$root" "$dir/cgroup2"
    mount -t cgroup2 cgroup2 "$dir/cgroup2"
    mkdir "$dir/cgroup2/$cgroup"
    echo $$ > "$dir/cgroup2/$cgroup/cgroup.procs"
    if [ -n "$system" ]; then
        mount --bind "$system" "$root"
    else
        machine_of_the_host
    fi
    devices
    mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/run"
    exec unshare --fork --kill-child --pid --cgroup sh "$0" boot "$dir"
}

boot() {
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    # The kernel's settings are the host's, but for the network's, of which we have our own.
    mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
    mount --rbind "$root/proc/sys" "$root/proc/sys"
    mount -o remount,bind,ro "$root/proc/sys"
    [ ! -e "$root/proc/sysrq-trigger" ] || mount --bind /dev/null "$root/proc/sysrq-trigger"
    # Not chroot: who lives in one may make no user namespace, which PrivateUsers= needs.
    cd "$root"
    pivot_root . .
    umount -l .
    cd /
    # `container` makes systemd leave hardware, modules and the clock alone; it may not set them anyway.
    exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio \
        /lib/systemd/systemd --system
}

case $stage in
prepare) prepare "$3" "${4-}" ;;
boot) boot ;;
esac
