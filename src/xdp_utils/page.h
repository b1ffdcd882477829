/* SPDX-License-Identifier: BSD-3-Clause */
/* A page that is made at most once a second, however often it is asked for. */
#ifndef OFFLOAD_XDP_UTILS_PAGE_H
#define OFFLOAD_XDP_UTILS_PAGE_H

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>

struct page {
	/* Writes the page to `out`. 0 or -errno. */
	int (*write)(FILE *out, const void *data);
	const void *data;
	struct event *old;
	bool made;             /* within the last second */
	int error;             /* of the last `write` */
	struct evbuffer *text; /* NULL if there was an error */
};

/** Prepares a page, whose `write` and `data` are set. 0, to be closed, or -ENOMEM. */
int page_open(struct page *page, struct event_base *base);

/** Appends the page to `out`, which shares the memory of its text. 0 or -errno. */
int page_get(struct page *page, struct evbuffer *out);

/** Closes a page; one that is not open is left as it is. */
void page_close(struct page *page);

#endif
