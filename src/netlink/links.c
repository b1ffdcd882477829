/* SPDX-License-Identifier: BSD-3-Clause */
#include "netlink/links.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 10

struct collection {
	struct links *links;
	bool incomplete; /* there was no memory for all */
};

static void add(const struct link *link, void *data)
{
	struct collection *collection = data;
	struct links *links = collection->links;

	if (links->count == links->room) {
		unsigned int room = links->room ? 2 * links->room : 16;
		struct link *more = realloc(links->link, room * sizeof(*more));

		if (!more) {
			collection->incomplete = true;
			return;
		}
		links->link = more;
		links->room = room;
	}
	links->link[links->count++] = *link;
}

int links_read(struct links *links)
{
	struct collection collection = { .links = links };
	int error = -EINTR;

	memset(links, 0, sizeof(*links));
	/* While links come and go, the kernel may interrupt its answer (NLM_F_DUMP_INTR). */
	for (int i = 0; i < TRIES && error == -EINTR; i++) {
		links->count = 0;
		error = link_each(add, &collection);
	}
	/* A link that is missing from the list would be taken for one that is gone. */
	if (!error && collection.incomplete)
		error = -ENOMEM;
	if (error)
		links_free(links);
	return error;
}

void links_free(struct links *links)
{
	free(links->link);
	memset(links, 0, sizeof(*links));
}

const struct link *links_find(const struct links *links, uint32_t ifindex)
{
	for (unsigned int i = 0; i < links->count; i++) {
		if (links->link[i].ifindex == ifindex)
			return &links->link[i];
	}
	return NULL;
}
