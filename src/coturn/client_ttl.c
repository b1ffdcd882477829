/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The TTL towards UDP clients. A client's socket in coturn shares the descriptor of its listener, and nobody tells it what
 * the descriptor's TTL is: it takes 0 for the usual one, and since 4.17 sends with 1 then. No router passes
 * that, so clients behind a router would get no allocation. Here the socket takes over the TTL of its listener. 4.6
 * asks the kernel for a TTL of 0, which is refused, and needs nothing. The linker wraps the function: where
 * coturn calls x(), __wrap_x() is called. On the relay thread of the listener.
 */
#include "mainrelay.h"

ioa_socket_handle __real_create_ioa_socket_from_fd(ioa_engine_handle e, ioa_socket_raw fd, ioa_socket_handle parent_s,
						   SOCKET_TYPE st, SOCKET_APP_TYPE sat, const ioa_addr *remote_addr,
						   const ioa_addr *local_addr);

ioa_socket_handle __wrap_create_ioa_socket_from_fd(ioa_engine_handle e, ioa_socket_raw fd, ioa_socket_handle parent_s,
						   SOCKET_TYPE st, SOCKET_APP_TYPE sat, const ioa_addr *remote_addr,
						   const ioa_addr *local_addr);

ioa_socket_handle __wrap_create_ioa_socket_from_fd(ioa_engine_handle e, ioa_socket_raw fd, ioa_socket_handle parent_s,
						   SOCKET_TYPE st, SOCKET_APP_TYPE sat, const ioa_addr *remote_addr,
						   const ioa_addr *local_addr)
{
	ioa_socket_handle made = __real_create_ioa_socket_from_fd(e, fd, parent_s, st, sat, remote_addr, local_addr);

	if (made && parent_s && !made->default_ttl) {
		made->default_ttl = parent_s->default_ttl;
		made->current_ttl = parent_s->current_ttl;
	}
	return made;
}
