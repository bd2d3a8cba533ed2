/* Asks a kernel for what the general one does not have: all of it twice, from two processes. */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void ask(const char *name)
{
	prctl(PR_SET_NAME, name);
	socket(AF_INET, SOCK_STREAM, 0);
	socket(15, SOCK_RAW, 2);
	syscall(SYS_keyctl, 0, -3, 0);
	mount("none", "/tmp", "no such", 0, "");
	open("/dev/none\t\\", O_RDONLY);
	open("/proc/1/none", O_RDONLY);
	open("/proc/2/none", O_RDONLY);
	open("/developer", O_RDONLY);
	execl("/nonsense", "nonsense", (char *)0);
	prctl(123456);
}

int main(void)
{
	ask("first one");
	if (fork() == 0) {
		ask("second");
		_exit(0);
	}
	wait(0);
	return 0;
}
