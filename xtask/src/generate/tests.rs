//! All rules on a kernel of a few lines.

use std::fs;
use std::path::Path;

use lupine_needs::map::Map;

use super::*;

const FILES: [(&str, &str); 20] = [
    (
        "Kbuild",
        "obj-y += kernel/ fs/ mm/ drivers/\nobj-$(CONFIG_NET) += net/\n",
    ),
    (
        "Kconfig",
        "config NET\nconfig UNIX\nconfig INET\nconfig EPOLL\nconfig IOPL\nconfig LOCKS\nconfig KSM\nconfig PROC_FS\nconfig PROC_SYSCTL\nconfig SYSFS\nconfig ADVISE\nconfig FUSE\nconfig PAGES\n",
    ),
    (
        "arch/x86/entry/syscalls/syscall_64.tbl",
        "# x\n0\tcommon\tepoll_wait\tsys_epoll_wait\n1 64 fstat sys_newfstat\n2 common iopl sys_iopl\n3 common fcntl sys_fcntl\n4 common madvise sys_madvise\n5 64 old\n512 x32 other sys_other\n",
    ),
    (
        "kernel/sys_ni.c",
        "COND_SYSCALL(epoll_wait);\nCOND_SYSCALL(madvise);\nCOND_SYSCALL_COMPAT(x);\n",
    ),
    ("kernel/Makefile", "obj-y += sys_ni.o iopl.o sysctl.o\n"),
    (
        "kernel/iopl.c",
        "#ifdef CONFIG_IOPL\nSYSCALL_DEFINE1(iopl, int, level)\n{\n\treturn do_it(level);\n}\n#else\nSYSCALL_DEFINE1(iopl, int, level)\n{\n\treturn -ENOSYS;\n}\n#endif\n",
    ),
    (
        "kernel/sysctl.c",
        "static struct ctl_table vm_table[] = {\n\t{ .procname = \"a\", },\n#ifdef CONFIG_KSM\n\t{ .procname = \"b\" },\n#endif\n};\nint init(void)\n{\n\tregister_sysctl_init(\"vm\", vm_table);\n}\n",
    ),
    (
        "fs/Makefile",
        "obj-$(CONFIG_EPOLL) += epoll.o\nobj-y += fcntl.o stat.o\nobj-$(CONFIG_PROC_FS) += proc/\n",
    ),
    (
        "fs/epoll.c",
        "SYSCALL_DEFINE2(epoll_wait, int, epfd,\n\t\tint, x)\n{\n}\n",
    ),
    (
        "fs/stat.c",
        "SYSCALL_DEFINE1(newfstat, int, fd)\n{\n}\nstatic struct file_system_type t = {\n\t.name = \"tfs\",\n};\n",
    ),
    (
        "fs/fcntl.c",
        "static long do_fcntl(int fd, unsigned int cmd)\n{\n\tswitch (cmd) {\n\tcase F_DUPFD:\n\t\treturn 0;\n\tcase F_SETLK:\n\t\treturn set_lock(fd);\n\tcase F_OTHER:\n\t\treturn -EINVAL;\n\t}\n}\nSYSCALL_DEFINE2(fcntl, int, fd, unsigned int, cmd)\n{\n\treturn do_fcntl(fd, cmd);\n}\n",
    ),
    (
        "fs/proc/Makefile",
        "obj-y += proc.o\nproc-y := base.o meminfo.o\n",
    ),
    (
        "fs/proc/base.c",
        "static const struct pid_entry tgid_base_stuff[] = {\n\tREG(\"environ\", 0, x),\n#ifdef CONFIG_PAGES\n\tREG(\"smaps\", 0, y),\n#endif\n};\n",
    ),
    (
        "fs/proc/meminfo.c",
        "int f(void)\n{\n\tproc_create(\"meminfo\", 0, NULL, &ops);\n\tbus = proc_mkdir(\"bus\", NULL);\n\tproc_create(\"devices\", 0, bus, &ops);\n}\n",
    ),
    (
        "include/linux/filelock.h",
        "#ifdef CONFIG_LOCKS\nint set_lock(int fd);\n#else\nstatic inline int set_lock(int fd)\n{\n\treturn -EINVAL;\n}\n#endif\n",
    ),
    (
        "include/uapi/linux/x.h",
        "#define F_DUPFD 0\n#define F_SETLK (F_DUPFD + 6)\n#define F_OTHER 7\nenum { MADV_NORMAL, MADV_MERGEABLE = 12 };\n#define NETLINK_ROUTE 0\nenum sock_type { SOCK_STREAM = 1 };\n#define IPPROTO_TCP 6\n#define SO_DEBUG 1\n",
    ),
    (
        "include/linux/socket.h",
        "#define AF_UNIX 1\n#define PF_UNIX AF_UNIX\n#define SOL_TCP 6\n",
    ),
    (
        "mm/Makefile",
        "advise-y := none.o\nadvise-$(CONFIG_ADVISE) := madvise.o\nobj-y := $(advise-y)\n",
    ),
    (
        "mm/madvise.c",
        "static int valid(int behavior)\n{\n\tswitch (behavior) {\n\tcase MADV_NORMAL:\n#ifdef CONFIG_KSM\n\tcase MADV_MERGEABLE:\n#endif\n\t\treturn 1;\n\t}\n}\nSYSCALL_DEFINE2(madvise, long, start, int, behavior)\n{\n\tif (!valid(behavior))\n\t\treturn 0;\n}\n",
    ),
    (
        "net/all.c",
        "static const struct net_proto_family f = {\n\t.family = PF_UNIX,\n};\nstatic struct inet_protosw p = {\n\t.type = SOCK_STREAM,\n\t.protocol = IPPROTO_TCP,\n};\nint init(void)\n{\n\tnetlink_kernel_create(net, NETLINK_ROUTE, &cfg);\n\tinet_register_protosw(&p);\n}\nint do_setsockopt(int level, int optname)\n{\n\tif (level != SOL_TCP)\n\t\treturn 1;\n\tswitch (optname) {\n\tcase SO_DEBUG:\n\t\treturn 0;\n\t}\n}\n",
    ),
];

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn map() -> (String, Entries) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in FILES {
        write(root.path(), path, text);
    }
    write(root.path(), "net/Makefile", "obj-$(CONFIG_UNIX) += all.o\n");
    write(
        root.path(),
        "drivers/Makefile",
        "obj-$(CONFIG_FUSE) += dev.o\n",
    );
    let devices = "static struct miscdevice m = {\n\t.name = \"fuse\",\n};\nint f(void)\n{\n\tkobject_create_and_add(\"fuse\", fs_kobj);\n\tdevice_create(c, d, n, 0, \"%s%d\", name, i);\n\tdevice_create(c, d, n, 0, \"cuse%d\", i);\n}\n";
    write(root.path(), "drivers/dev.c", devices);
    let entries = find(&Tree::read(root.path()).unwrap()).unwrap();
    let files = files::of(&entries, "6.12");
    (files.into_iter().map(|file| file.text).collect(), entries)
}

#[test]
fn every_rule_finds_its_features() {
    let (text, _) = map();
    let map = Map::parse(&text, "").unwrap();
    let shown: Vec<String> = map
        .entries()
        .map(|entry| {
            format!("{} {}", entry.feature, entry.condition)
                .trim()
                .to_owned()
        })
        .collect();
    let wanted = [
        "syscall:epoll_wait CONFIG_EPOLL",
        "syscall:fcntl",
        "syscall:fstat",
        "syscall:iopl CONFIG_IOPL",
        "syscall:madvise CONFIG_ADVISE",
        "case:fcntl:1:0",
        "case:fcntl:1:6 CONFIG_LOCKS",
        "case:madvise:1:0 CONFIG_ADVISE",
        "case:madvise:1:12 CONFIG_ADVISE && CONFIG_KSM",
        "family:1 CONFIG_NET && CONFIG_UNIX",
        "protocol:2:1:6 CONFIG_NET && CONFIG_UNIX",
        "netlink:0 CONFIG_NET && CONFIG_UNIX",
        "sockopt:6:1 CONFIG_NET && CONFIG_UNIX",
        "fs:tfs",
        "path:/dev/cuse* CONFIG_FUSE",
        "path:/dev/fuse CONFIG_FUSE",
        "path:/proc CONFIG_PROC_FS",
        "path:/proc/*/environ CONFIG_PROC_FS",
        "path:/proc/*/smaps CONFIG_PAGES && CONFIG_PROC_FS",
        "path:/proc/bus CONFIG_PROC_FS",
        "path:/proc/bus/devices CONFIG_PROC_FS",
        "path:/proc/meminfo CONFIG_PROC_FS",
        "path:/proc/sys CONFIG_PROC_FS && CONFIG_PROC_SYSCTL",
        "path:/proc/sys/vm CONFIG_PROC_FS && CONFIG_PROC_SYSCTL",
        "path:/proc/sys/vm/a CONFIG_PROC_FS && CONFIG_PROC_SYSCTL",
        "path:/proc/sys/vm/b CONFIG_KSM && CONFIG_PROC_FS && CONFIG_PROC_SYSCTL",
        "path:/sys CONFIG_SYSFS",
        "path:/sys/fs/fuse CONFIG_FUSE && CONFIG_SYSFS",
    ];
    assert_eq!(shown, wanted);
}

#[test]
fn places_names_and_stubs_are_told() {
    let (text, entries) = map();
    for line in [
        "\"syscall:iopl\" = { if = \"CONFIG_IOPL\", stub = true, at = \"kernel/iopl.c:2\" }\n",
        "\"syscall:fstat\" = { name = \"sys_newfstat\", if = \"\", at = \"fs/stat.c:1\" }\n",
        "\"case:fcntl:1:6\" = { name = \"F_SETLK\", if = \"CONFIG_LOCKS\", at = \"fs/fcntl.c:6\" }\n",
        "# conditional system calls that are mapped: 2",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(
        entries
            .coverage()
            .contains(&"syscall: 5 entries, 3 with a condition".to_owned())
    );
    assert_eq!(text, map().0, "the same source gives the same text");
}
