// A TCP echo server with one thread: poll() tells which connections have something to say.
#include <poll.h>

#include "server.h"

static struct pollfd sockets[BACKLOG + 1];
static int count;

static void accept_one(int listener)
{
	int peer = accept(listener, NULL, NULL);

	if (peer < 0)
		return;
	if (count > BACKLOG)
		close(peer);
	else
		sockets[count++] = (struct pollfd){ .fd = peer, .events = POLLIN };
}

static int echo(int peer)
{
	static char buffer[16384];
	ssize_t got = recv(peer, buffer, sizeof(buffer), 0);

	return got > 0 && send_all(peer, buffer, got);
}

int main(void)
{
	int listener = listening();

	sockets[count++] = (struct pollfd){ .fd = listener, .events = POLLIN };
	for (;;) {
		poll(sockets, count, -1);
		// Downwards: whoever takes the place of one that went was looked at already.
		for (int i = count - 1; i > 0; i--) {
			if (sockets[i].revents && !echo(sockets[i].fd)) {
				close(sockets[i].fd);
				sockets[i] = sockets[--count];
			}
		}
		if (sockets[0].revents)
			accept_one(listener);
	}
}
