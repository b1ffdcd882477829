/* SPDX-License-Identifier: BSD-3-Clause */
#include "coturn/socket_options.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "mainrelay.h"

/* The listener of this relay thread that was last found to be neither bound nor to mark, and the second of that. */
static _Thread_local struct {
	ioa_socket_handle socket;
	turn_time_t second;
} unbound;

/* Returns the value of a socket option, or 0 if the kernel does not tell. */
static int option_value(int fd, int option)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) ? 0 : value;
}

static bool is_bound(int fd)
{
	return option_value(fd, SO_BINDTOIFINDEX) || option_value(fd, SO_MARK);
}

/*
 * Most clients share their listener's socket. coturn sets its options only when it makes the socket, and it
 * makes a new one only after an error, so it is enough to ask once a second.
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
 * coturn means to send the data of ChannelData without DF (set_df_on_ioa_socket), but it only changes the
 * socket's option if a Send indication with DONT-FRAGMENT has set it before. Until then the socket has the
 * host's default.
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
