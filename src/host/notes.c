/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void notes_add(struct notes *notes, const char *format, ...)
{
	struct status_note note;
	va_list args;

	/* Readers compare notes as a whole. */
	memset(&note, 0, sizeof(note));
	va_start(args, format);
	vsnprintf(note.text, sizeof(note.text), format, args);
	va_end(args);
	for (unsigned int i = 0; i < notes->count && i < NOTES_ROOM; i++) {
		if (!strcmp(notes->note[i].text, note.text))
			return;
	}
	if (notes->count < NOTES_ROOM)
		notes->note[notes->count] = note;
	notes->count++;
}

void notes_add_passed_by(struct notes *notes, const char *what)
{
	notes_add(notes, "packets that the kernel relays do not pass %s: it can neither shape, refuse nor count them", what);
}
