/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two steps lead to the outcome of a packet. coturn's function that sends a buffer says to which channel the
 * packet belongs, but not whether the host has let it out: it tells coturn that a lost packet was sent.
 * The system call knows that, but not the channel. coturn 4.17 with --multiplex-peer collects packets and
 * sends them later. So the first step notes the channel with the socket and the address, and the second one looks for
 * them. The linker wraps the functions: where coturn calls x(), __wrap_x() is called.
 */
#include "coturn/send.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "mainrelay.h"
#include "ns_turn_allocation.h"

#include "coturn/relay_thread.h"
#include "coturn/release.h"
#include "coturn/session.h"
#include "coturn/startup.h"
#include "offload.h"

int __real_send_data_from_ioa_socket_nbh(ioa_socket_handle s, ioa_addr *dest_addr, ioa_network_buffer_handle nbh,
					 int ttl, int tos, int *skip);
ssize_t __real_send(int fd, const void *buffer, size_t size, int flags);
ssize_t __real_sendto(int fd, const void *buffer, size_t size, int flags, const struct sockaddr *to, socklen_t length);

int __wrap_send_data_from_ioa_socket_nbh(ioa_socket_handle s, ioa_addr *dest_addr, ioa_network_buffer_handle nbh,
					 int ttl, int tos, int *skip);
ssize_t __wrap_send(int fd, const void *buffer, size_t size, int flags);
ssize_t __wrap_sendto(int fd, const void *buffer, size_t size, int flags, const struct sockaddr *to, socklen_t length);

/* coturn collects at most 64 packets before it sends them. */
#define PACKETS 64

/* A packet of a channel that coturn is about to send. */
struct packet {
	struct hooked_channel *hooked;
	ioa_addr to; /* the address that the system call may have */
	int fd;
	bool to_client;
};

/* Those of the calling thread. A new one takes the place of the oldest. */
static _Thread_local struct {
	struct packet packet[PACKETS];
	unsigned int next, count;
} thread;

static bool address_is(const ioa_addr *address, const struct sockaddr *to)
{
	ioa_addr other;

	if (to->sa_family == AF_INET)
		memcpy(&other, to, sizeof(other.s4));
	else
		memcpy(&other, to, sizeof(other.s6));
	return addr_eq(address, &other);
}

void send_done(int fd, const struct sockaddr *to, int error)
{
	for (unsigned int i = 0; i < thread.count; i++) {
		struct packet *packet = &thread.packet[i];

		if (!packet->hooked || packet->fd != fd || (to && !address_is(&packet->to, to)))
			continue;
		if (packet->hooked->channel)
			offload_channel_relayed(packet->hooked->channel, packet->to_client, error);
		/* After other errors coturn may send the packet again. */
		if (!error || error == EPERM)
			packet->hooked = NULL;
	}
}

void send_forget(const struct hooked_channel *hooked)
{
	for (unsigned int i = 0; i < thread.count; i++) {
		if (thread.packet[i].hooked == hooked)
			thread.packet[i].hooked = NULL;
	}
}

/* The channel of a ChannelData message to a client, or NULL. */
static const ch_info *channel_to_client(ioa_socket_handle s, ioa_network_buffer_handle nbh)
{
	ts_ur_super_session *ss = s->session;
	const uint8_t *data = ioa_network_buffer_data(nbh);
	uint16_t number;

	if (!ss || ss->client_socket != s || ioa_network_buffer_get_size(nbh) < 4)
		return NULL;
	number = (uint16_t)(data[0] << 8 | data[1]);
	if (number < 0x4000 || number > 0x7fff)
		return NULL;
	return allocation_get_ch_info(&ss->alloc, number);
}

/*
 * Whether a buffer has data of a client or a peer: all that is sent to a peer; and ChannelData and Data indications (RFC
 * 8656, sections 12.4 and 11.4), which are sent to clients.
 */
static bool has_data(ioa_socket_handle s, const ioa_addr *peer, ioa_network_buffer_handle nbh)
{
	const uint8_t *data = ioa_network_buffer_data(nbh);
	ts_ur_super_session *ss = s->session;

	if (peer)
		return true;
	if (!ss || ss->client_socket != s || !is_allocation_valid(&ss->alloc))
		return false;
	return ioa_network_buffer_get_size(nbh) >= 4 && (data[0] >> 6 == 1 || (data[0] == 0 && data[1] == 0x17));
}

/* The channel to a peer, or NULL. */
static const ch_info *channel_to_peer(ioa_socket_handle s, ioa_addr *peer)
{
	ts_ur_super_session *ss = release_session_of(s, peer);

	return ss ? allocation_get_ch_info_by_peer_addr(&ss->alloc, peer) : NULL;
}

/* The channel of a buffer that coturn sends, if it is in the kernel or is resting; else NULL. A resting one wakes up. */
static struct hooked_channel *find(ioa_socket_handle s, ioa_addr *peer, ioa_network_buffer_handle nbh)
{
	const ch_info *chn = peer ? channel_to_peer(s, peer) : channel_to_client(s, nbh);
	struct hooked_channel *hooked = chn ? chn->kernel_channel : NULL;

	if (hooked && hooked->resting)
		session_channel_wake(hooked->session, chn, hooked);
	if (hooked)
		hooked->idle_seconds = 0;
	return hooked;
}

/* Notes a packet of a channel that is in the kernel. Returns the note, or NULL. */
static struct packet *note(ioa_socket_handle s, ioa_addr *peer, ioa_network_buffer_handle nbh)
{
	struct hooked_channel *hooked = find(s, peer, nbh);
	struct packet *packet = &thread.packet[thread.next];

	if (!hooked || !hooked->channel)
		return NULL;
	packet->hooked = hooked;
	packet->to_client = !peer;
	packet->fd = s->parent_s ? s->parent_s->fd : s->fd;
	addr_cpy(&packet->to, peer ? peer : &s->remote_addr);
	thread.next = (thread.next + 1) % PACKETS;
	if (thread.count < PACKETS)
		thread.count++;
	return packet;
}

/*
 * coturn sends a buffer for a session, on the session's relay thread. *skip becomes 1 if it drops the buffer because
 * of max-bps.
 */
int __wrap_send_data_from_ioa_socket_nbh(ioa_socket_handle s, ioa_addr *dest_addr, ioa_network_buffer_handle nbh,
					 int ttl, int tos, int *skip)
{
	struct packet *noted = NULL;
	int sent;

	if (startup_offload_runs() && (offload_wants_examples() || relay_thread_has_resting()) && s && nbh &&
	    s->st == UDP_SOCKET && !s->done && s->fd >= 0)
		noted = note(s, dest_addr, nbh);
	if (startup_offload_runs() && s && nbh && has_data(s, dest_addr, nbh))
		relay_thread_count_userspace();
	sent = __real_send_data_from_ioa_socket_nbh(s, dest_addr, nbh, ttl, tos, skip);
	if (noted && (!release_collects_packets() || (skip && *skip)))
		noted->hooked = NULL;
	if (!release_collects_packets())
		thread.next = thread.count = 0;
	return sent;
}

static void tell(int fd, const struct sockaddr *to, ssize_t sent)
{
	int error = errno;

	if (thread.count)
		send_done(fd, to, sent < 0 ? error : 0);
	errno = error;
}

ssize_t __wrap_sendto(int fd, const void *buffer, size_t size, int flags, const struct sockaddr *to, socklen_t length)
{
	ssize_t sent = __real_sendto(fd, buffer, size, flags, to, length);

	tell(fd, to, sent);
	return sent;
}

ssize_t __wrap_send(int fd, const void *buffer, size_t size, int flags)
{
	ssize_t sent = __real_send(fd, buffer, size, flags);

	tell(fd, NULL, sent);
	return sent;
}
