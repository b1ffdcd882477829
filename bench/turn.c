// SPDX-License-Identifier: BSD-3-Clause
#include "turn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* RFC 8489, section 5 and RFC 8656, sections 17 and 18. */
#define MAGIC_COOKIE 0x2112A442u
#define METHOD_ALLOCATE 0x003
#define METHOD_REFRESH 0x004
#define METHOD_CHANNEL_BIND 0x009
#define CLASS_SUCCESS 0x0100
#define ATTR_CHANNEL_NUMBER 0x000C
#define ATTR_LIFETIME 0x000D
#define ATTR_XOR_PEER_ADDRESS 0x0012
#define ATTR_XOR_RELAYED_ADDRESS 0x0016
#define ATTR_REQUESTED_TRANSPORT 0x0019

#define TRIES 8
#define TRY_MS 250

#define HEADER_SIZE 20
_Static_assert(offsetof(struct turn_message, attributes) == HEADER_SIZE, "the header has no padding");

struct xor_address {
	uint8_t zero;
	uint8_t family;
	uint16_t port;
	uint32_t addr;
};

static void message_start(struct turn_message *message, uint16_t method)
{
	memset(message, 0, sizeof(*message));
	message->type = htons(method);
	message->cookie = htonl(MAGIC_COOKIE);
	if (getrandom(message->transaction, sizeof(message->transaction), 0) < 0)
		memset(message->transaction, 0x55, sizeof(message->transaction));
}

/* `size` is a multiple of 4, as all attributes here are. */
static void message_add(struct turn_message *message, uint16_t type, const void *value, uint16_t size)
{
	uint16_t head[2] = { htons(type), htons(size) };

	memcpy(message->attributes + message->length, head, sizeof(head));
	memcpy(message->attributes + message->length + sizeof(head), value, size);
	message->length += sizeof(head) + size;
}

static const void *message_find(const struct turn_message *message, uint16_t type, uint16_t size)
{
	uint32_t at = 0, length = ntohs(message->length);
	uint16_t head[2];

	while (at + sizeof(head) <= length) {
		memcpy(head, message->attributes + at, sizeof(head));
		at += sizeof(head);
		if (ntohs(head[0]) == type && ntohs(head[1]) >= size && at + size <= length)
			return message->attributes + at;
		at += (ntohs(head[1]) + 3u) & ~3u;
	}
	return NULL;
}

/* Sends until a response of this transaction comes. */
static int transact(int fd, struct turn_message *request, struct turn_message *response)
{
	size_t size = turn_size(request);
	ssize_t got;

	for (int i = 0; i < TRIES; i++) {
		/* A server that has not started yet answers with an ICMP error. */
		if (send(fd, request, size, 0) < 0 && errno == ECONNREFUSED)
			usleep(TRY_MS * 1000);
		while ((got = recv(fd, response, sizeof(*response), 0)) >= 0 || errno == ECONNREFUSED) {
			if (got < HEADER_SIZE || ntohs(response->length) + HEADER_SIZE != got ||
			    memcmp(response->transaction, request->transaction, sizeof(request->transaction)))
				continue;
			return turn_answers(response, request) ? 0 : -EPROTO;
		}
		if (errno != EAGAIN)
			return -errno;
	}
	return -ETIMEDOUT;
}

int turn_socket(const struct sockaddr_in *local, const struct sockaddr_in *server)
{
	struct timeval timeout = { .tv_usec = TRY_MS * 1000 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ||
	    bind(fd, (const struct sockaddr *)local, sizeof(*local)) ||
	    connect(fd, (const struct sockaddr *)server, sizeof(*server))) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

size_t turn_size(const struct turn_message *message)
{
	return HEADER_SIZE + ntohs(message->length);
}

static void message_end(struct turn_message *message)
{
	message->length = htons(message->length);
}

void turn_allocate_make(struct turn_message *request)
{
	const uint8_t transport[4] = { IPPROTO_UDP };

	message_start(request, METHOD_ALLOCATE);
	message_add(request, ATTR_REQUESTED_TRANSPORT, transport, sizeof(transport));
	message_end(request);
}

int turn_relayed(const struct turn_message *response, struct sockaddr_in *relay)
{
	const struct xor_address *relayed = message_find(response, ATTR_XOR_RELAYED_ADDRESS, sizeof(*relayed));

	if (!relayed)
		return -EPROTO;
	*relay = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = relayed->port ^ htons(MAGIC_COOKIE >> 16),
		.sin_addr.s_addr = relayed->addr ^ htonl(MAGIC_COOKIE),
	};
	return 0;
}

int turn_allocate(int fd, struct sockaddr_in *relay)
{
	struct turn_message request, response;
	int error;

	turn_allocate_make(&request);
	error = transact(fd, &request, &response);
	return error ? error : turn_relayed(&response, relay);
}

void turn_bind_make(struct turn_message *request, unsigned short channel, const struct sockaddr_in *peer)
{
	const uint16_t number[2] = { htons(channel) };
	const struct xor_address address = {
		.family = 1,
		.port = peer->sin_port ^ htons(MAGIC_COOKIE >> 16),
		.addr = peer->sin_addr.s_addr ^ htonl(MAGIC_COOKIE),
	};

	message_start(request, METHOD_CHANNEL_BIND);
	message_add(request, ATTR_CHANNEL_NUMBER, number, sizeof(number));
	message_add(request, ATTR_XOR_PEER_ADDRESS, &address, sizeof(address));
	message_end(request);
}

int turn_bind(int fd, unsigned short channel, const struct sockaddr_in *peer)
{
	struct turn_message request, response;

	turn_bind_make(&request, channel, peer);
	return transact(fd, &request, &response);
}

void turn_refresh_make(struct turn_message *request, unsigned int lifetime)
{
	const uint32_t seconds = htonl(lifetime);

	message_start(request, METHOD_REFRESH);
	message_add(request, ATTR_LIFETIME, &seconds, sizeof(seconds));
	message_end(request);
}

int turn_refresh(int fd, unsigned int lifetime)
{
	struct turn_message request, response;

	turn_refresh_make(&request, lifetime);
	return transact(fd, &request, &response);
}

int turn_answers(const struct turn_message *response, const struct turn_message *request)
{
	return response->type == (request->type | htons(CLASS_SUCCESS));
}

struct sockaddr_in address_of(const char *text, unsigned int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (port > 65535 || inet_pton(AF_INET, text, &address.sin_addr) != 1) {
		fprintf(stderr, "not an IPv4 address and port: %s %u\n", text, port);
		exit(2);
	}
	return address;
}
