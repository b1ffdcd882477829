/* SPDX-License-Identifier: BSD-3-Clause */
/* A TURN client's requests over UDP (RFC 8656), without authentication. */
#ifndef BENCH_TURN_H
#define BENCH_TURN_H

#include <netinet/in.h>

/* A UDP socket from `local` (port 0: any) to `server`. Returns it or -errno. */
int turn_socket(const struct sockaddr_in *local, const struct sockaddr_in *server);

/* Allocate; *relay becomes the relay address. Returns 0 or -errno. */
int turn_allocate(int fd, struct sockaddr_in *relay);

/* ChannelBind, which also refreshes a channel. Returns 0 or -errno. */
int turn_bind(int fd, unsigned short channel, const struct sockaddr_in *peer);

/* Refresh to `lifetime` seconds; 0 ends the allocation. Returns 0 or -errno. */
int turn_refresh(int fd, unsigned int lifetime);

/* An IPv4 address and a port from the command line; exits if it is none. */
struct sockaddr_in address_of(const char *text, unsigned int port);

#endif
