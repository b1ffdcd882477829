/* SPDX-License-Identifier: BSD-3-Clause */
#include "page.h"

#include <errno.h>
#include <stdlib.h>

#define SECONDS 1

/* Answers that are being sent keep the text until they have been sent. */
static void forget(struct page *page)
{
	if (page->text)
		evbuffer_free(page->text);
	page->text = NULL;
	page->made = false;
}

static void on_old(evutil_socket_t number, short what, void *page)
{
	(void)number, (void)what;
	forget(page);
}

int page_open(struct page *page, struct event_base *base)
{
	page->old = evtimer_new(base, on_old, page);
	return page->old ? 0 : -ENOMEM;
}

static void free_text(const void *text, size_t length, void *memory)
{
	(void)text, (void)length;
	free(memory);
}

/* Makes the text a buffer, without a copy. NULL without memory. */
static struct evbuffer *buffer_of(char *text, size_t length)
{
	struct evbuffer *buffer = evbuffer_new();

	if (buffer && !evbuffer_add_reference(buffer, text, length, free_text, text))
		return buffer;
	if (buffer)
		evbuffer_free(buffer);
	free(text);
	return NULL;
}

static int make(struct page *page)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	int error;

	if (!out)
		return -ENOMEM;
	error = page->write(out, page->data);
	if (fclose(out) && !error)
		error = -ENOMEM;
	if (error) {
		free(text);
		return error;
	}
	page->text = buffer_of(text, length);
	return page->text ? 0 : -ENOMEM;
}

int page_get(struct page *page, struct evbuffer *out)
{
	static const struct timeval time = { .tv_sec = SECONDS };

	if (!page->made) {
		page->error = make(page);
		page->made = true;
		event_add(page->old, &time);
	}
	if (page->error)
		return page->error;
	return evbuffer_add_buffer_reference(out, page->text) ? -ENOMEM : 0;
}

void page_close(struct page *page)
{
	forget(page);
	if (page->old)
		event_free(page->old);
	page->old = NULL;
}
