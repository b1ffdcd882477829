/* SPDX-License-Identifier: BSD-3-Clause */
/* A TURN client's requests over UDP (RFC 8656), without authentication. */
#ifndef BENCH_TURN_H
#define BENCH_TURN_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* As on the wire. */
struct turn_message {
	uint16_t type;
	uint16_t length;
	uint32_t cookie;
	uint8_t transaction[12];
	uint8_t attributes[512];
};

/* A UDP socket from `local` (port 0: any) to `server`. Returns it or -errno. */
int turn_socket(const struct sockaddr_in *local, const struct sockaddr_in *server);

/* Allocate; *relay becomes the relay address. Returns 0 or -errno. */
int turn_allocate(int fd, struct sockaddr_in *relay);

/* ChannelBind, which also refreshes a channel. Returns 0 or -errno. */
int turn_bind(int fd, unsigned short channel, const struct sockaddr_in *peer);

/* Refresh to `lifetime` seconds; 0 ends the allocation. Returns 0 or -errno. */
int turn_refresh(int fd, unsigned int lifetime);

/* The same requests, to be sent by the caller, who may change the transaction. */
void turn_allocate_make(struct turn_message *request);
void turn_bind_make(struct turn_message *request, unsigned short channel, const struct sockaddr_in *peer);
void turn_refresh_make(struct turn_message *request, unsigned int lifetime);

/* Bytes of a message with its header. */
size_t turn_size(const struct turn_message *message);

/* Is this the success response to a request of this kind? */
int turn_answers(const struct turn_message *response, const struct turn_message *request);

/* The relay address in the response to Allocate. Returns 0 or -EPROTO. */
int turn_relayed(const struct turn_message *response, struct sockaddr_in *relay);

/* An IPv4 address and a port from the command line; exits if it is none. */
struct sockaddr_in address_of(const char *text, unsigned int port);

#endif
