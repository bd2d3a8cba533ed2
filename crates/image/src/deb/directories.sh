# The directories that systemd would make for a server before it starts it:
# those of tmpfiles.d(5) below /run, and those of its unit, systemd.exec(5).
# $1 is the tree. Names with a specifier (%) belong to units with instances.
set -e
cd "$1"
find run -mindepth 1 ! -path run/lock -delete
owner() { grep -q "^$1:" "etc/$2" && echo "$1" || echo root; }
make_dir() { # PATH MODE USER GROUP
    case $1$2$3$4 in *%*) return ;; esac
    chroot . install -d -m "$2" -o "$(owner "$3" passwd)" -g "$(owner "$4" group)" "$1"
}
for conf in usr/lib/tmpfiles.d/*.conf; do
    [ -e "$conf" ] || continue
    while read -r type path mode user group _; do
        case $type:$path in
        [dD]*:/run/* | [dD]*:/var/run/*)
            case ${mode:--} in -) mode=755 ;; esac
            make_dir "$path" "${mode#[:~]}" "${user:--}" "${group:--}"
            ;;
        esac
    done < "$conf"
done
for unit in usr/lib/systemd/system/*.service; do
    [ -e "$unit" ] || continue
    setting() { sed -n "s/^$1=//p" "$unit" | tail -n 1; }
    user=$(setting User)
    group=$(setting Group)
    for place in Runtime:/run State:/var/lib Cache:/var/cache Logs:/var/log; do
        kind=${place%%:*}Directory
        mode=$(setting "${kind}Mode")
        for name in $(setting "$kind"); do
            make_dir "${place#*:}/$name" "${mode:-755}" "${user:-root}" "${group:-${user:-root}}"
        done
    done
done
