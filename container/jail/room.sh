# Builds one util-linux room and runs one command in it. Runs as pid 1 of the new namespaces.
#   room.sh MOUNT PIVOT_ROOT HOSTNAME|'' MOUNTPOINT FSTAB USERNS(own-proc|outer-proc|'') CWD COMMAND...
# fd 2: the command's stderr; fd 4: our own messages, "ready" when the room stands, "done" when it ended.
#
# The new root is an antechamber (umount, unshare, setpriv, prlimit, a fresh /proc for these tools);
# the room is its folder /room, entered by chroot, so the command sees none of them. A process whose
# root is not its mount namespace's root may not create user namespaces (EPERM), whatever else it finds.
exec 5>&2 2>&4
set -e
mount=$1 pivot_root=$2 hostname=$3 mountpoint=$4 fstab=$5 userns=$6 cwd=$7
shift 7
# First to go when memory is short, before the supervisor.
echo 1000 >/proc/self/oom_score_adj
# All mounts in one process: each exec of mount(8) would cost about 1 ms.
"$mount" -a -T "$fstab"
if [ -n "$hostname" ]; then "$hostname" room; fi
cd "$mountpoint"
"$pivot_root" . old
/bin/umount -n -l /old
cd /
if [ -n "$userns" ]; then
  # Room for exactly one more, the one that gives the command a uid other than 0. A container's own /proc may
  # be read-only; that the room is a chroot is enough.
  if [ "$userns" = own-proc ]; then echo 1 >/proc/sys/user/max_user_namespaces; fi
  set -- --user --map-user=1000 --map-group=1000 --keep-caps --root=/room --wd="$cwd" "$@"
else
  set -- --root=/room --wd="$cwd" "$@"
fi
unset PWD OLDPWD
echo ready >&4
set +e
/bin/unshare "$@" 2>&5 4>&- 5>&-
status=$?
# Without this line we were killed: unshare(1) then says 1, as a command may that ends by itself.
echo done >&4
exit $status
