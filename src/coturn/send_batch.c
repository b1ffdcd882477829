/* SPDX-License-Identifier: BSD-3-Clause */
/* coturn 4.17 sends what it has collected (--multiplex-peer) by these system calls. See send.c. */
#include <errno.h>
#include <sys/socket.h>

#include "coturn/send.h"

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags);

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags);

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t sent = __real_sendmsg(fd, message, flags);
	int error = errno;

	send_done(fd, message->msg_name, sent < 0 ? error : 0);
	errno = error;
	return sent;
}

/* The messages before the first that fails are sent; coturn then sends the others one by one. */
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	int sent = __real_sendmmsg(fd, messages, count, flags);
	int error = errno;

	for (int i = 0; i < sent; i++)
		send_done(fd, messages[i].msg_hdr.msg_name, 0);
	errno = error;
	return sent;
}
