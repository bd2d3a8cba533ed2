/* Asks the kernel for things, one a word of the command line, and says `WORD RESULT`. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *self;

static int result(long value) { return value < 0 ? errno : 0; }

static void *ask_eventfd(void *where) {
    *(int *)where = result(eventfd(0, 0));
    return NULL;
}

static int in_thread(void) {
    int answer = -1;
    pthread_t thread;
    pthread_create(&thread, NULL, ask_eventfd, &answer);
    pthread_join(thread, NULL);
    return answer;
}

static int in_child(long (*start)(void)) {
    int status;
    pid_t pid = start();
    if (pid == 0)
        _exit(eventfd(0, 0) < 0 ? errno : 0);
    waitpid(pid, &status, __WALL);
    return WEXITSTATUS(status);
}

static long by_fork(void) { return fork(); }
static long by_clone(void) { return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }
static long by_clone_without_signal(void) { return syscall(SYS_clone, 0, 0, 0, 0, 0); }

static int by_vfork(void) {
    int status;
    pid_t pid = vfork();
    if (pid == 0) {
        execl(self, self, "eventfd", NULL);
        _exit(99);
    }
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

static void *becomes(void *unused) {
    execl(self, self, "eventfd", NULL);
    return unused;
}

/* A thread that is not the first one calls exec. */
static int exec_in_thread(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, becomes, NULL);
    for (;;)
        pause();
}

static int relative(void) {
    int dir = open("/proc", O_RDONLY | O_DIRECTORY);
    return result(openat(dir, "sys/../version", O_RDONLY));
}

static int by_directory(void) {
    if (chdir("/proc/self") < 0)
        return errno;
    return result(open("status", O_RDONLY));
}

static int bind_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(0)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return result(bind(fd, (struct sockaddr *)&address, sizeof address));
}

static int reuse(void) {
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    return result(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
}

static int lock(void) {
    struct flock lock = {.l_type = F_RDLCK};
    return result(fcntl(open("/etc/passwd", O_RDONLY), F_SETLK, &lock));
}

static int pair(void) {
    int fds[2];
    return result(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
}

static int shared(void) {
    void *memory = mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return result(memory == MAP_FAILED ? -1 : 0);
}

static int new_namespace(void) {
    struct { unsigned long long word[11]; } arguments = {{CLONE_NEWUTS}};
    arguments.word[4] = SIGCHLD;
    long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0)
        _exit(0);
    return result(pid);
}

static int renamed(void) {
    prctl(PR_SET_NAME, "another name");
    return result(syscall(SYS_getcpu, NULL, NULL, NULL));
}

/* getpid by the 32-bit interface. */
static int by_old_door(void) {
    int pid = 20;
    __asm__ volatile("int $0x80" : "+a"(pid) : : "r8", "r9", "r10", "r11", "memory");
    return pid == getpid() ? 0 : 1;
}

static int ask(const char *word) {
    if (!strcmp(word, "eventfd")) return result(eventfd(0, 0));
    if (!strcmp(word, "thread")) return in_thread();
    if (!strcmp(word, "fork")) return in_child(by_fork);
    if (!strcmp(word, "clone")) return in_child(by_clone);
    if (!strcmp(word, "clone-without-signal")) return in_child(by_clone_without_signal);
    if (!strcmp(word, "vfork")) return by_vfork();
    if (!strcmp(word, "exec-in-thread")) return exec_in_thread();
    if (!strcmp(word, "relative")) return relative();
    if (!strcmp(word, "directory")) return by_directory();
    if (!strcmp(word, "bind")) return bind_port();
    if (!strcmp(word, "reuse")) return reuse();
    if (!strcmp(word, "lock")) return lock();
    if (!strcmp(word, "pair")) return pair();
    if (!strcmp(word, "shared")) return shared();
    if (!strcmp(word, "namespace")) return new_namespace();
    if (!strcmp(word, "renamed")) return renamed();
    if (!strcmp(word, "inet6")) return result(socket(AF_INET6, SOCK_DGRAM, 0));
    if (!strcmp(word, "netlink")) return result(socket(AF_NETLINK, SOCK_RAW, 0));
    if (!strcmp(word, "mount")) return result(mount("none", "/nowhere", "tmpfs", 0, NULL));
    if (!strcmp(word, "old-door")) return by_old_door();
    if (!strcmp(word, "uid")) return geteuid();
    if (!strcmp(word, "segv")) return raise(SIGSEGV);
    if (!strcmp(word, "crash")) return *(volatile int *)8;
    if (!strcmp(word, "abort")) abort();
    if (!strcmp(word, "stop")) return raise(SIGSTOP);
    if (!strcmp(word, "trap")) { signal(SIGTRAP, SIG_IGN); return raise(SIGTRAP); }
    if (!strcmp(word, "wait")) for (;;) pause();
    if (word[0] == '/') return result(open(word, O_RDONLY));
    return 200;
}

/* Runs a program that may not use process_vm_readv, as on a kernel without it. */
static int blind(char **words) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        return errno;
    execv(words[0], words);
    return errno;
}

int main(int count, char **words) {
    self = "/proc/self/exe";
    if (count > 2 && !strcmp(words[1], "blind"))
        return blind(words + 2);
    for (int at = 1; at < count; at++) {
        /* `exit` ends with the last answer. */
        static int answer;
        if (!strcmp(words[at], "exit"))
            return answer;
        answer = ask(words[at]);
        printf("%s %d\n", words[at], answer);
        fflush(stdout);
    }
    return 0;
}
