/* SPDX-License-Identifier: BSD-3-Clause */
/* Words for the numbers that are in the tables. */
#include "abi.h"
#include "base/option.h"
#include "show.h"

const char *mode_word(unsigned int mode)
{
	static const char *const words[] = {
		[STATUS_MODE_NONE] = "none",
		[STATUS_MODE_NATIVE] = "native",
		[STATUS_MODE_GENERIC] = "generic",
	};

	return mode < sizeof(words) / sizeof(words[0]) ? words[mode] : "unknown";
}

const char *mode_asked_word(const struct status *state)
{
	return state->mode <= OPTION_MODE_GENERIC ? option_mode_name(state->mode) : "unknown";
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
#define VERDICT_NAME(number, name, text) [number] = #name,
		VERDICTS(VERDICT_NAME)
#undef VERDICT_NAME
	};

	return names[verdict];
}

const char *verdict_text(enum verdict verdict)
{
	static const char *const texts[] = {
#define VERDICT_TEXT(number, name, text) [number] = text,
		VERDICTS(VERDICT_TEXT)
#undef VERDICT_TEXT
	};

	return texts[verdict];
}
