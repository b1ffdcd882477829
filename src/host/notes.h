/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notes: what of the host holds for packets that coturn sends, and not for those that the kernel
 * relays, and of which no example tells. Each is a whole sentence.
 */
#ifndef OFFLOAD_HOST_NOTES_H
#define OFFLOAD_HOST_NOTES_H

#include "abi.h"

/* So many are kept; further ones are counted. */
#define NOTES_ROOM 64

struct notes {
	unsigned int count;
	struct status_note note[NOTES_ROOM];
};

/** Adds a sentence, unless it is there already. */
void notes_add(struct notes *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Adds that packets do not pass `what`, by its whole name, and that it can neither shape, refuse nor count them. */
void notes_add_passed_by(struct notes *notes, const char *what);

#endif
