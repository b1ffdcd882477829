/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What becomes of the packets that coturn itself sends for channels of the kernel. The offload takes over
 * what coturn was seen to relay (channel/examples.h). All functions are for the relay thread of the session.
 */
#ifndef OFFLOAD_COTURN_SEND_H
#define OFFLOAD_COTURN_SEND_H

#include <netinet/in.h>
#include <stdbool.h>

struct hooked_channel;

/**
 * A system call has sent a packet, or packets: `fd` is the socket, `to` the address that the call had (NULL: none), and
 * `error` is 0 or its errno.
 */
void send_done(int fd, const struct sockaddr *to, int error);

/** The channel ends: nothing is told to it any more. */
void send_forget(const struct hooked_channel *hooked);

#endif
