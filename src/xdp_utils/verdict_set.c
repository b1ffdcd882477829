/* SPDX-License-Identifier: BSD-3-Clause */
#include "verdict_set.h"

#include <errno.h>
#include <string.h>

#include "capture.h"
#include "verdict.h"
#include "word.h"

#define RELAYED (1u << VERDICT_TO_PEER | 1u << VERDICT_TO_CLIENT | 1u << VERDICT_TO_OTHER_CLIENT)
#define DROPPED (1u << VERDICT_LIMITED)

uint32_t verdict_set_of_channels(void)
{
	return ~CAPTURE_WITHOUT_FLOW;
}

/* The verdicts that a word stands for; none if it is no word of ours. */
static uint32_t set_of(const char *word, size_t length)
{
	static const struct {
		const char *word;
		uint32_t set;
	} groups[] = {
		{ "all", ~0u },
		{ "relayed", RELAYED },
		{ "up", ~(CAPTURE_WITHOUT_FLOW | RELAYED | DROPPED) },
	};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (strlen(groups[i].word) == length && !memcmp(groups[i].word, word, length))
			return groups[i].set;
	}
	for (int i = 0; i < VERDICT_COUNT; i++) {
		struct text name = word_verdict(i);

		if (strlen(name.text) == length && !memcmp(name.text, word, length))
			return 1u << i;
	}
	return 0;
}

int verdict_set_add(const char *text, uint32_t *set)
{
	uint32_t found = 0;

	for (;;) {
		size_t length = strcspn(text, ",");
		uint32_t one = set_of(text, length);

		if (!one)
			return -EINVAL;
		found |= one;
		if (!text[length])
			break;
		text += length + 1;
	}
	*set |= found;
	return 0;
}
