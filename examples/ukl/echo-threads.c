// A TCP echo server with a thread for each connection.
#include <pthread.h>
#include <stdint.h>

#include "server.h"

static void *serve(void *argument)
{
	int peer = (intptr_t)argument;
	char buffer[16384];
	ssize_t got;

	while ((got = recv(peer, buffer, sizeof(buffer), 0)) > 0 && send_all(peer, buffer, got))
		;
	close(peer);
	return NULL;
}

int main(void)
{
	int listener = listening();

	for (;;) {
		int peer = accept(listener, NULL, NULL);
		pthread_t thread;

		if (peer < 0)
			continue;
		if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)peer))
			close(peer);
		else
			pthread_detach(thread);
	}
}
