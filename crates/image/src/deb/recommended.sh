# What the packages named after the tree recommend, as `apt-get install` takes it
# (a server may not start without: unbound without the keys of the root), but not
# what that recommends in turn, nor what belongs to a whole system. What cannot be
# had is no error: it is recommended, not needed.
# $1 is the tree, the others are packages.
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
tree=$1
shift
wanted=
for package in $(apt-cache show --no-all-versions "$@" | sed -n 's/^Recommends: //p' | tr -d ' ' | tr , '\n' | sed 's/[|(:[].*//'); do
    case $package in
    anacron | apparmor | cron* | dbus* | default-mta | logrotate | rsyslog | systemd*) continue ;;
    esac
    if apt-get -qq --simulate install "$package" > /dev/null 2>&1; then
        wanted="$wanted $package"
    fi
done
[ -z "$wanted" ] || apt-get -qq --yes -o DPkg::Chroot-Directory="$tree" install $wanted > /dev/null || true
