/* SPDX-License-Identifier: BSD-3-Clause */
#include "coturn/socket_options.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "mainrelay.h"

/* A listener of this relay thread that was found not to be bound, and the second of that. */
static _Thread_local struct {
	ioa_socket_handle socket;
	turn_time_t second;
} unbound;

/* 0 as well if the kernel does not tell. */
static int ask(int fd, int option)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) ? 0 : value;
}

static bool is_bound(int fd)
{
	return ask(fd, SO_BINDTOIFINDEX) || ask(fd, SO_MARK);
}

/*
 * Most clients share their listener's socket, which coturn sets up when it makes
 * it, and makes anew only after an error: once a second is often enough.
 */
bool socket_options_client_bound(ioa_socket_handle client)
{
	ioa_socket_handle listener = client->parent_s;

	if (!listener)
		return is_bound(client->fd);
	if (unbound.socket == listener && unbound.second == client->e->jiffie)
		return false;
	if (is_bound(listener->fd))
		return true;
	unbound.socket = listener;
	unbound.second = client->e->jiffie;
	return false;
}

bool socket_options_relay_bound(ioa_socket_handle relay)
{
	return is_bound(relay->fd);
}

/*
 * coturn wants none (set_df_on_ioa_socket), but only says so to a socket on
 * which a Send indication with DONT-FRAGMENT has asked for it before; until then
 * the socket is as the host makes it.
 */
bool socket_options_relay_df(ioa_socket_handle relay)
{
	int discover = IP_PMTUDISC_DONT;
	socklen_t size = sizeof(discover);

	if (relay->current_df_relay_flag ||
	    getsockopt(relay->fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, &size))
		return false;
	return discover != IP_PMTUDISC_DONT;
}
