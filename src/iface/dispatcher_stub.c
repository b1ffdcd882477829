/* SPDX-License-Identifier: BSD-3-Clause */
/* Stands in for dispatcher.c where libxdp is not installed: there is never a dispatcher. */
#include "iface/dispatcher.h"

#include <errno.h>
#include <stdio.h>

bool dispatcher_is_there(uint32_t ifindex)
{
	(void)ifindex;
	return false;
}

void dispatcher_clean(uint32_t ifindex)
{
	(void)ifindex;
}

int dispatcher_join(uint32_t ifindex, dispatcher_copy copy, bool *generic, char *why, size_t size)
{
	(void)ifindex, (void)copy, (void)generic;
	snprintf(why, size, "this server was built without libxdp");
	return -EOPNOTSUPP;
}

void dispatcher_leave(uint32_t ifindex)
{
	(void)ifindex;
}

bool dispatcher_holds(uint32_t ifindex)
{
	(void)ifindex;
	return false;
}
