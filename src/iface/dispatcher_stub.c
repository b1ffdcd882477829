/* SPDX-License-Identifier: BSD-3-Clause */
/* In place of chain.c where libxdp is not there to build with. */
#include "iface/dispatcher.h"

#include <errno.h>
#include <stdio.h>

bool chain_is_there(uint32_t ifindex)
{
	(void)ifindex;
	return false;
}

void chain_clean(uint32_t ifindex)
{
	(void)ifindex;
}

int chain_attach(uint32_t ifindex, chain_copy copy, bool *generic, char *why, size_t size)
{
	(void)ifindex, (void)copy, (void)generic;
	snprintf(why, size, "built without libxdp");
	return -EOPNOTSUPP;
}

void chain_detach(uint32_t ifindex)
{
	(void)ifindex;
}

bool chain_holds(uint32_t ifindex)
{
	(void)ifindex;
	return false;
}
