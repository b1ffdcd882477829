/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/stray.h"

#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "iface/attachment.h"

/*
 * While the program is being attached to a device or detached from it, a few frames come by an interface that has no entry
 * yet, or none any more. FRAMES in each of SECONDS in a row are more than these.
 */
#define FRAMES 4
#define SECONDS 3

static struct {
	const struct stray *shared;
	uint32_t count, ifindex; /* as last read */
	unsigned int seconds;
	uint32_t warned; /* interface of the last warning */
} stray;

void stray_start(const struct stray *shared)
{
	memset(&stray, 0, sizeof(stray));
	stray.shared = shared;
}

static void warn(const struct links *links, const struct link *link)
{
	const struct link *upper = links_find(links, link->upper);

	log_line(LOG_LEVEL_WARNING,
		 "%s: the program gets frames that come in by this interface, which does not carry it%s%s, so that they are relayed in "
		 "userspace; with xdp-mode=generic they are relayed in the kernel",
		 link->name, upper ? " but is a part of " : "", upper ? upper->name : "");
}

void stray_look(const struct links *links)
{
	const struct link *link;
	uint32_t count, ifindex;
	bool many;

	if (!stray.shared)
		return;
	count = __atomic_load_n(&stray.shared->count, __ATOMIC_RELAXED);
	ifindex = __atomic_load_n(&stray.shared->ifindex, __ATOMIC_RELAXED);
	many = count - stray.count >= FRAMES && ifindex == stray.ifindex;
	stray.seconds = many ? stray.seconds + 1 : 0;
	stray.count = count;
	stray.ifindex = ifindex;
	link = links_find(links, ifindex);
	if (!links_find(links, stray.warned) || attachment_knows(stray.warned))
		stray.warned = 0;
	if (stray.seconds < SECONDS || !link || attachment_knows(ifindex) || stray.warned == ifindex)
		return;
	stray.warned = ifindex;
	warn(links, link);
}

uint32_t stray_ifindex(void)
{
	return stray.warned;
}
