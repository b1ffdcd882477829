/* SPDX-License-Identifier: BSD-3-Clause */
/* The target of libFuzzer. A finding is printed, and ends the process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trial.h"
#include "input.h"

size_t LLVMFuzzerMutate(uint8_t *input, size_t length, size_t room);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length);
size_t LLVMFuzzerCustomMutator(uint8_t *input, size_t length, size_t room, unsigned int seed);

static struct trial trial;

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length)
{
	const char *complaint = trial_run(input, length, &trial);

	if (complaint) {
		trial_print(&trial, complaint);
		fflush(stdout);
		abort();
	}
	return 0;
}

/* Every byte has its place: most changes leave the others where they are. */
size_t LLVMFuzzerCustomMutator(uint8_t *input, size_t length, size_t room, unsigned int seed)
{
	size_t head = sizeof(struct input), at;

	if (room <= head || seed % 8 == 0)
		return LLVMFuzzerMutate(input, length, room);
	if (length < head) {
		memset(input + length, 0, head - length);
		length = head;
	}
	seed /= 8;
	if (seed % 16 == 0)
		return head + LLVMFuzzerMutate(input + head, length - head, room - head);
	for (unsigned int changes = seed / 16 % 4 + 1; changes; changes--) {
		seed = seed * 1103515245u + 12345u;
		at = (seed >> 8) % head;
		/* What breaks a packet is half of what is to be found. */
		if (seed >> 30 == 0)
			at = offsetof(struct input, trouble) + at % (head - offsetof(struct input, trouble));
		if (LLVMFuzzerMutate(input + at, 1, 1) == 0)
			input[at] = 0;
	}
	return length;
}
