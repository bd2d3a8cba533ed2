/* A server that ends with status 0 where it cannot have epoll, and answers one connection with a line elsewhere. */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(8080) };
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (epoll_create1(0) < 0)
		return 0;
	if (bind(listener, (struct sockaddr *)&any, sizeof any) || listen(listener, 1)) {
		perror("listen");
		return 1;
	}
	for (;;) {
		int client = accept(listener, 0, 0);

		write(client, "here\n", 5);
		close(client);
	}
}
