/* SPDX-License-Identifier: BSD-3-Clause */
/* Stands in for coturn's header: see README.md. */
#ifndef STANDIN_NS_TURN_SESSION_H
#define STANDIN_NS_TURN_SESSION_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define TURN_SERVER_VERSION "4.17.1"

typedef union {
	struct {
		sa_family_t sa_family;
	} ss;
	struct sockaddr_in s4;
	struct sockaddr_in6 s6;
} ioa_addr;

struct peer_table {
	const char *name;
};

typedef struct session_standin ts_ur_super_session;

struct event_base;

typedef struct engine_standin {
	struct event_base *event_base;
	struct peer_table mp_table;
} *ioa_engine_handle;

enum { UDP_SOCKET = 1, TCP_SOCKET };

typedef struct socket_standin {
	ioa_engine_handle e;
	struct socket_standin *parent_s;
	int fd, st, done;
	ioa_addr remote_addr;
	ts_ur_super_session *session;
} *ioa_socket_handle;

typedef struct buffer_standin {
	uint8_t data[8];
	size_t size;
} *ioa_network_buffer_handle;

typedef struct {
	ioa_addr peer_addr;
	void *kernel_channel;
} ch_info;

typedef struct {
	ioa_socket_handle relay, relay6;
	ch_info *channel;
} allocation;

struct session_standin {
	void *server;
	allocation alloc;
	bool is_mobile;
	ioa_socket_handle client_socket;
	uint32_t received_packets, sent_packets, received_bytes, sent_bytes;
	uint32_t peer_received_packets, peer_sent_packets, peer_received_bytes, peer_sent_bytes;
};

#endif
