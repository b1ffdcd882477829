/* SPDX-License-Identifier: BSD-3-Clause */
/* Which channel, and which of its directions, is told what has become of a packet that coturn sends. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sendmmsg */
#endif
#include "unit.h"

#include <errno.h>
#include <string.h>

/* The files under test; coturn's headers are those in standin/. */
#include "coturn/send.c"
#include "coturn/send_batch.c"

#define NUMBER 0x4001
#define TOLD 160

/* Two sessions with a channel each. Their clients and relays have sockets of their own, or share those of the server. */
static struct socket_standin client[2], relay[2], listener;
static ts_ur_super_session session[2];
static ch_info chn[2];
static struct hooked_channel hooked[2];
static char kernel[2]; /* any addresses for the kernel's channels */

static struct {
	bool runs, wants, collects, resting, room;
	int woken;
	/* What coturn does when it is given a buffer. */
	int calls, skip;
	bool with_address;
	/* What the kernel says of each call. */
	int error[8];
	unsigned int called;
} host;

struct told {
	int channel;
	bool to_client;
	int error;
};
static struct told told[TOLD];
static unsigned int tells;

static ioa_addr address(uint16_t port)
{
	return (ioa_addr){ .s4 = { .sin_family = AF_INET, .sin_port = htons(port) } };
}

/* ---- coturn's, and the kernel's ---- */

void addr_cpy(ioa_addr *to, const ioa_addr *from)
{
	*to = *from;
}

int addr_eq(const ioa_addr *one, const ioa_addr *other)
{
	if (one->ss.sa_family != other->ss.sa_family)
		return 0;
	return one->ss.sa_family == AF_INET ? one->s4.sin_port == other->s4.sin_port :
					      one->s6.sin6_port == other->s6.sin6_port;
}

uint8_t *ioa_network_buffer_data(ioa_network_buffer_handle buffer)
{
	return buffer->data;
}

size_t ioa_network_buffer_get_size(ioa_network_buffer_handle buffer)
{
	return buffer->size;
}

int is_allocation_valid(const allocation *a)
{
	(void)a;
	return 1;
}

static unsigned int counted;

void relay_thread_count_userspace(void)
{
	counted++;
}

ch_info *allocation_get_ch_info(allocation *a, uint16_t number)
{
	/* What is no channel number is not to be looked up. */
	return a->channel && (number == NUMBER || number < 0x4000) ? a->channel : NULL;
}

ch_info *allocation_get_ch_info_by_peer_addr(allocation *a, ioa_addr *peer)
{
	return a->channel && addr_eq(&a->channel->peer_addr, peer) ? a->channel : NULL;
}

static ssize_t result(void)
{
	int error = host.error[host.called++];

	errno = error ? error : 77;
	return error ? -1 : 1;
}

ssize_t __real_send(int fd, const void *buffer, size_t size, int flags)
{
	(void)fd, (void)buffer, (void)size, (void)flags;
	return result();
}

ssize_t __real_sendto(int fd, const void *buffer, size_t size, int flags, const struct sockaddr *to, socklen_t length)
{
	(void)fd, (void)buffer, (void)size, (void)flags, (void)to, (void)length;
	return result();
}

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags)
{
	(void)fd, (void)message, (void)flags;
	return result();
}

static int mmsg_sends;

int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	(void)fd, (void)messages, (void)count, (void)flags;
	errno = 78;
	return mmsg_sends;
}

static void check_errno(ssize_t sent, int error)
{
	assert_int_equal(sent, error ? -1 : 1);
	assert_int_equal(errno, error ? error : 77);
}

int __real_send_data_from_ioa_socket_nbh(ioa_socket_handle s, ioa_addr *dest, ioa_network_buffer_handle nbh, int ttl,
					 int tos, int *skip)
{
	int fd = s->parent_s ? s->parent_s->fd : s->fd;
	ioa_addr *to = dest ? dest : &s->remote_addr;

	(void)nbh, (void)ttl, (void)tos;
	for (int i = 0; i < host.calls; i++) {
		int error = host.error[host.called];

		if (dest || host.with_address)
			check_errno(__wrap_sendto(fd, NULL, 1, 0, (struct sockaddr *)to, sizeof(*to)), error);
		else
			check_errno(__wrap_send(fd, NULL, 1, 0), error);
	}
	if (skip)
		*skip = host.skip;
	return 5;
}

/* ---- of the other hook files, and the offload ---- */

bool startup_offload_runs(void)
{
	return host.runs;
}

bool offload_wants_examples(void)
{
	return host.wants;
}

bool release_collects_packets(void)
{
	return host.collects;
}

ts_ur_super_session *release_session_of(ioa_socket_handle s, const ioa_addr *peer)
{
	if (s->session)
		return s->session;
	for (int i = 0; i < 2; i++)
		if (addr_eq(&chn[i].peer_addr, peer))
			return &session[i];
	return NULL;
}

bool relay_thread_has_resting(void)
{
	return host.resting;
}

/* There is room again, or there is none yet. */
void session_channel_wake(ts_ur_super_session *ss, const ch_info *channel, struct hooked_channel *resting)
{
	int i = (int)(channel - chn);

	assert_ptr_equal(ss, &session[i]);
	assert_ptr_equal(resting, &hooked[i]);
	host.woken++;
	if (!host.room)
		return;
	resting->channel = (struct channel *)&kernel[i];
	resting->resting = false;
}

void offload_channel_relayed(struct channel *channel, bool to_client, int error)
{
	assert_true(tells < TOLD);
	told[tells++] = (struct told){ (int)((char *)channel - kernel), to_client, error };
	errno = ERANGE;
}

/* ---- the tests ---- */

static int set_up(void **state)
{
	(void)state;
	memset(&host, 0, sizeof(host));
	memset(&thread, 0, sizeof(thread));
	tells = 0;
	host.runs = host.wants = true;
	host.calls = 1;
	listener = (struct socket_standin){ .fd = 3, .st = UDP_SOCKET };
	for (int i = 0; i < 2; i++) {
		client[i] = (struct socket_standin){ .fd = 10 + i, .st = UDP_SOCKET, .session = &session[i],
						     .remote_addr = address((uint16_t)(100 + i)) };
		relay[i] = (struct socket_standin){ .fd = 20 + i, .st = UDP_SOCKET, .session = &session[i] };
		hooked[i] = (struct hooked_channel){ .session = &session[i], .channel = (struct channel *)&kernel[i] };
		chn[i] = (ch_info){ .peer_addr = address((uint16_t)(200 + i)), .kernel_channel = &hooked[i] };
		session[i] = (ts_ur_super_session){ .client_socket = &client[i], .alloc = { .channel = &chn[i] } };
	}
	return 0;
}

static void to_peer(int i)
{
	struct buffer_standin data = { .size = 8 };
	ioa_addr peer = chn[i].peer_addr;

	assert_int_equal(__wrap_send_data_from_ioa_socket_nbh(&relay[i], &peer, &data, 0, 0, NULL), 5);
}

static void message_to_client(int i, uint16_t number, size_t size)
{
	struct buffer_standin data = { .data = { (uint8_t)(number >> 8), (uint8_t)number }, .size = size };

	assert_int_equal(__wrap_send_data_from_ioa_socket_nbh(&client[i], NULL, &data, 0, 0, NULL), 5);
}

static void to_client(int i)
{
	message_to_client(i, NUMBER, 8);
}

/* A packet that is of no channel: nothing is to be told. */
static void other_packet(int fd, ioa_addr to)
{
	__wrap_sendto(fd, NULL, 1, 0, (struct sockaddr *)&to, sizeof(to));
	host.called = 0;
}

static void check_told(unsigned int index, int channel, bool client_too, int error)
{
	assert_true(index < tells);
	assert_int_equal(told[index].channel, channel);
	assert_int_equal(told[index].to_client, client_too);
	assert_int_equal(told[index].error, error);
}

static void test_directions(void **state)
{
	static const int errors[] = { 0, EPERM, ENETUNREACH, EAGAIN };

	for (size_t i = 0; i < COUNT(errors); i++) {
		for (int which = 0; which < 2; which++) {
			set_up(state);
			host.error[0] = host.error[1] = errors[i];
			to_peer(which);
			assert_int_equal(tells, 1);
			check_told(0, which, false, errors[i]);
			to_client(which);
			assert_int_equal(tells, 2);
			check_told(1, which, true, errors[i]);
		}
	}
}

/* Clients of a session without a socket of its own get packets from the socket that listens, with their address. */
static void test_shared_socket(void **state)
{
	(void)state;
	client[0].parent_s = client[1].parent_s = &listener;
	client[0].fd = client[1].fd = 9;
	host.with_address = true;
	to_client(1);
	assert_int_equal(tells, 1);
	check_told(0, 1, true, 0);
}

static void test_nothing_told(void **state)
{
	static const struct {
		const char *name;
		bool runs, wants, channel, kernel, other, tcp, done, closed;
		uint16_t number;
		size_t size;
	} cases[] = {
		{ "a channel", true, true, true, true, false, false, false, false, NUMBER, 8 },
		{ "no offload", false, true, true, true, false, false, false, false, NUMBER, 8 },
		{ "a free host", true, false, true, true, false, false, false, false, NUMBER, 8 },
		{ "no channel in the kernel", true, true, false, true, false, false, false, false, NUMBER, 8 },
		{ "its slots are given back", true, true, true, false, false, false, false, false, NUMBER, 8 },
		{ "not the client's socket", true, true, true, true, true, false, false, false, NUMBER, 8 },
		{ "TCP", true, true, true, true, false, true, false, false, NUMBER, 8 },
		{ "a socket that ends", true, true, true, true, false, false, true, false, NUMBER, 8 },
		{ "a socket that is closed", true, true, true, true, false, false, false, true, NUMBER, 8 },
		{ "STUN", true, true, true, true, false, false, false, false, 0x0101, 8 },
		{ "another number", true, true, true, true, false, false, false, false, NUMBER + 1, 8 },
		{ "too short", true, true, true, true, false, false, false, false, NUMBER, 3 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		set_up(state);
		host.runs = cases[i].runs;
		host.wants = cases[i].wants;
		chn[0].kernel_channel = cases[i].channel ? &hooked[0] : NULL;
		hooked[0].channel = cases[i].kernel ? (struct channel *)&kernel[0] : NULL;
		session[0].client_socket = cases[i].other ? &client[1] : &client[0];
		client[0].st = cases[i].tcp ? TCP_SOCKET : UDP_SOCKET;
		client[0].done = cases[i].done;
		client[0].fd = cases[i].closed ? -1 : 10;
		message_to_client(0, cases[i].number, cases[i].size);
		assert_entry_equal(cases[i].name, tells, i == 0);
	}
}

/* coturn sends the packet again after these errors. */
/* What is counted as data that coturn relays itself. */
static void test_counted(void **state)
{
	static const struct {
		const char *name;
		bool runs, other;
		uint16_t first;
		size_t size;
		unsigned int counted;
	} cases[] = {
		{ "ChannelData", true, false, NUMBER, 8, 1 },
		{ "the last channel number", true, false, 0x7fff, 8, 1 },
		{ "a Data indication", true, false, 0x0017, 28, 1 },
		{ "a Binding response", true, false, 0x0101, 28, 0 },
		{ "no channel number", true, false, 0x8000, 8, 0 },
		{ "too short", true, false, NUMBER, 3, 0 },
		{ "not the client's socket", true, true, NUMBER, 8, 0 },
		{ "no offload", false, false, NUMBER, 8, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		set_up(state);
		counted = 0;
		host.runs = cases[i].runs;
		session[0].client_socket = cases[i].other ? &client[1] : &client[0];
		message_to_client(0, cases[i].first, cases[i].size);
		if (counted != cases[i].counted)
			fail_msg("%s: %u", cases[i].name, counted);
	}
	set_up(state);
	counted = 0;
	to_peer(0);
	assert_int_equal(counted, 1);
}

static void test_tried_again(void **state)
{
	static const int errors[] = { EINTR, ECONNREFUSED, ECONNRESET };

	for (size_t i = 0; i < COUNT(errors); i++) {
		set_up(state);
		host.calls = 3;
		host.error[0] = host.error[1] = errors[i];
		to_peer(0);
		assert_true(tells > 0);
		check_told(tells - 1, 0, false, 0);
	}
}

/* What is noted of a packet ends with it, whether it was sent or not. */
static void test_stale(void **state)
{
	(void)state;
	host.calls = 0;
	to_peer(0);
	to_client(0);
	other_packet(20, chn[0].peer_addr);
	other_packet(10, client[0].remote_addr);
	assert_int_equal(tells, 0);
	host.calls = 1;
	host.error[0] = EINTR;
	to_peer(0);
	host.error[0] = 0;
	tells = 0;
	other_packet(20, chn[0].peer_addr);
	assert_int_equal(tells, 0);
}

/* ---- coturn collects packets, and sends them later ---- */

static void send_messages(int fd, const int *to, int count, int sends)
{
	struct mmsghdr messages[8] = { 0 };
	ioa_addr names[8];

	for (int i = 0; i < count; i++) {
		names[i] = chn[to[i]].peer_addr;
		messages[i].msg_hdr.msg_name = &names[i];
	}
	mmsg_sends = sends;
	assert_int_equal(__wrap_sendmmsg(fd, messages, (unsigned int)count, 0), sends);
	assert_int_equal(errno, 78);
}

static void send_message(int fd, int to, int error)
{
	ioa_addr name = chn[to].peer_addr;
	struct msghdr message = { .msg_name = &name };

	host.called = 0;
	host.error[0] = error;
	check_errno(__wrap_sendmsg(fd, &message, 0), error);
}

static void collect(void)
{
	host.collects = true;
	host.calls = 0;
	/* Both sessions have one relay, which is nobody's. */
	relay[1].fd = relay[0].fd;
	relay[0].session = relay[1].session = NULL;
}

/* A channel that rests wakes up with a packet of either direction, on a free host too, once there is room. */
static void test_resting(void **state)
{
	(void)state;
	host.wants = false;
	host.resting = true;
	hooked[1].idle_seconds = 50;
	hooked[0].channel = NULL;
	hooked[0].resting = true;
	to_peer(1);
	assert_int_equal(host.woken, 0);
	assert_int_equal(hooked[1].idle_seconds, 0);
	to_client(0);
	assert_int_equal(host.woken, 1);
	assert_true(hooked[0].resting);
	host.room = true;
	to_peer(0);
	to_client(0);
	assert_int_equal(host.woken, 2);
	assert_false(hooked[0].resting);
	/* Nothing rests any more: nobody looks. */
	host.resting = false;
	hooked[1].idle_seconds = 50;
	to_peer(1);
	assert_int_equal(hooked[1].idle_seconds, 50);
}

static void test_batch(void **state)
{
	(void)state;
	collect();
	to_peer(0);
	to_peer(1);
	assert_int_equal(tells, 0);
	send_messages(21, (int[]){ 0, 1 }, 2, 2);
	assert_int_equal(tells, 0);
	/* The first is sent, and the second by itself, after an error. */
	send_messages(20, (int[]){ 0, 1 }, 2, 1);
	assert_int_equal(tells, 1);
	check_told(0, 0, false, 0);
	send_message(20, 1, EPERM);
	assert_int_equal(tells, 2);
	check_told(1, 1, false, EPERM);
	send_messages(20, (int[]){ 0, 1 }, 2, 2);
	assert_int_equal(tells, 2);
}

/* None of a batch is sent: they are sent one by one. So they are if the kernel cannot divide a large packet (UDP-GSO). */
static void test_batch_fails(void **state)
{
	(void)state;
	collect();
	to_peer(0);
	send_messages(20, (int[]){ 0 }, 1, -1);
	assert_int_equal(tells, 0);
	send_message(20, 0, EINVAL);
	send_message(20, 0, 0);
	assert_true(tells > 0);
	check_told(tells - 1, 0, false, 0);
}

/* max-bps drops a packet before it is collected. */
static void test_batch_skips(void **state)
{
	struct buffer_standin data = { .size = 8 };
	ioa_addr peer = chn[0].peer_addr;
	int skip = 0;

	(void)state;
	collect();
	host.skip = 1;
	__wrap_send_data_from_ioa_socket_nbh(&relay[0], &peer, &data, 0, 0, &skip);
	assert_int_equal(skip, 1);
	send_message(20, 0, 0);
	assert_int_equal(tells, 0);
}

static void test_batch_channel_ends(void **state)
{
	(void)state;
	collect();
	to_peer(0);
	to_peer(1);
	to_peer(0);
	send_forget(&hooked[0]);
	send_messages(20, (int[]){ 0, 1 }, 2, 2);
	assert_int_equal(tells, 1);
	check_told(0, 1, false, 0);
	/* Its slots are given back before coturn deletes it. */
	to_peer(0);
	hooked[0].channel = NULL;
	send_message(20, 0, 0);
	assert_int_equal(tells, 1);
}

/* As many as coturn collects are noted; the oldest give way. */
static void test_batch_full(void **state)
{
	(void)state;
	collect();
	to_peer(1);
	for (int i = 0; i < 63; i++)
		to_peer(0);
	send_message(20, 1, 0);
	assert_int_equal(tells, 1);
	to_peer(1);
	for (int i = 0; i < 64; i++)
		to_peer(0);
	send_message(20, 1, 0);
	assert_int_equal(tells, 1);
	send_message(20, 0, 0);
	assert_int_equal(tells, 1 + 64);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_directions, set_up),
		cmocka_unit_test_setup(test_shared_socket, set_up),
		cmocka_unit_test_setup(test_nothing_told, set_up),
		cmocka_unit_test_setup(test_counted, set_up),
		cmocka_unit_test_setup(test_tried_again, set_up),
		cmocka_unit_test_setup(test_stale, set_up),
		cmocka_unit_test_setup(test_resting, set_up),
		cmocka_unit_test_setup(test_batch, set_up),
		cmocka_unit_test_setup(test_batch_fails, set_up),
		cmocka_unit_test_setup(test_batch_skips, set_up),
		cmocka_unit_test_setup(test_batch_channel_ends, set_up),
		cmocka_unit_test_setup(test_batch_full, set_up),
	};

	return cmocka_run_group_tests_name("send", tests, NULL, NULL);
}
