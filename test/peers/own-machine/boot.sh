#!/bin/bash
# boot.sh <folder>: becomes a machine. Runs in namespaces of its own (mount, pid, uts, ipc, cgroup, net); the programs are this
# host's own and read-only, everything else is fresh and in memory. <folder>/etc is laid over the machine's /etc, <folder>/seed
# is what a cloud hands to cloud-init.
set -eu
folder=$1 root=$1/root
mount --make-rprivate /
mkdir -p "$root"
mount -t tmpfs -o mode=755,size=8g machine "$root"
cd "$root"
mkdir -p usr local/bin local/sbin local/lib etc/systemd/system var/lib/cloud/seed var/log var/tmp proc sys dev run tmp root home opt mnt srv
mount --rbind /usr usr
mount -o remount,ro,bind usr
mount --bind local usr/local
for name in bin sbin lib lib64; do ln -s usr/$name $name; done
chmod 1777 tmp var/tmp
ln -s /run var/run
for name in ld.so.cache ld.so.conf ld.so.conf.d alternatives ssl os-release debian_version nsswitch.conf protocols services login.defs pam.d security cloud; do
  [ ! -e /etc/$name ] || cp -a /etc/$name etc/
done
printf 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n' >etc/passwd
printf 'root:x:0:\ntty:x:5:\nshadow:x:42:\nnogroup:x:65534:\n' >etc/group
printf 'root:*:19000:0:99999:7:::\n' >etc/shadow
: >etc/machine-id
: >etc/fstab
cp -r "$folder/etc/." etc/
cp -r "$folder/seed" var/lib/cloud/seed/nocloud
cp -r "$folder/bin/." local/bin/
# What belongs to hardware, and logins.
for unit in getty.target systemd-udevd.service systemd-logind.service systemd-resolved.service systemd-networkd.service systemd-timesyncd.service apt-daily.timer apt-daily-upgrade.timer; do
  ln -s /dev/null etc/systemd/system/$unit
done
ln -s /lib/systemd/system/multi-user.target etc/systemd/system/default.target
# As Debian's package enables them; cloud-init's own generator decides whether they run.
mkdir etc/systemd/system/cloud-init.target.wants
for unit in cloud-init-local cloud-init cloud-config cloud-final; do ln -s /lib/systemd/system/$unit.service etc/systemd/system/cloud-init.target.wants/; done
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -o remount,ro,bind sys
mount -t tmpfs -o mode=755 dev dev
for name in null zero full random urandom tty; do
  : >dev/$name
  mount --bind /dev/$name dev/$name
done
mkdir dev/pts dev/shm old
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs shm dev/shm
mount -t tmpfs -o mode=755 run run
pivot_root . old
umount -l /old
rmdir /old
exec env -i container=other PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
