// What the two echo servers share: a socket on port 5555, and one connection's work.
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 5555, BACKLOG = 1024 };

static int listening(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, BACKLOG)) {
		perror("cannot listen");
		exit(1);
	}
	printf("listening on port %d\n", PORT);
	fflush(stdout);
	return listener;
}

// Sends all of `bytes`; 0 when the peer is gone.
static int send_all(int peer, const char *bytes, ssize_t count)
{
	while (count > 0) {
		ssize_t sent = send(peer, bytes, count, MSG_NOSIGNAL);

		if (sent <= 0)
			return 0;
		bytes += sent;
		count -= sent;
	}
	return 1;
}
