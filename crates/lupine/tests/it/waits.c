/* Cannot be without epoll; uses an eventfd where there is one; never asks for a timerfd. */
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 9)
		return timerfd_create(0, 0);
	if (epoll_create1(0) < 0) {
		perror("epoll");
		return 1;
	}
	printf("epoll%s\n", eventfd(0, 0) < 0 ? "" : " eventfd");
	return 0;
}
