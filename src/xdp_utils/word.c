/* SPDX-License-Identifier: BSD-3-Clause */
#include "word.h"

#include <ctype.h>
#include <stdio.h>

#include "abi.h"
#include "base/option.h"

const char *word_mode(unsigned int mode)
{
	static const char *const words[] = {
		[STATUS_MODE_NONE] = "none",
		[STATUS_MODE_NATIVE] = "native",
		[STATUS_MODE_GENERIC] = "generic",
	};

	return mode < sizeof(words) / sizeof(words[0]) ? words[mode] : "unknown";
}

const char *word_fault(unsigned int fault)
{
	static const char *const words[] = {
		[STATUS_FAULT_NONE] = "none",
		[STATUS_FAULT_NEVER_RUNS] = "never-runs",
		[STATUS_FAULT_NO_ROOM] = "no-room",
		[STATUS_FAULT_NOT_SENT] = "not-sent",
		[STATUS_FAULT_DROPS_REDIRECTS] = "drops-redirects",
	};

	return fault < sizeof(words) / sizeof(words[0]) ? words[fault] : "unknown";
}

const char *word_mode_wanted(unsigned int mode)
{
	return mode <= OPTION_MODE_GENERIC ? option_mode_name(mode) : "unknown";
}

/* The names of two bits, v4 and v6; "" if neither is there. */
static const char *families(unsigned int flags, unsigned int v4, unsigned int v6)
{
	return (flags & v4) && (flags & v6) ? "IPv4 and IPv6" : flags & v4 ? "IPv4" :
							flags & v6         ? "IPv6" :
									     "";
}

struct text word_host(unsigned int flags)
{
	const char *examined = families(flags, STATUS_EXAMINED_V4, STATUS_EXAMINED_V6);
	const char *translated = families(flags, STATUS_NAT_V4, STATUS_NAT_V6);
	struct text word;

	snprintf(word.text, sizeof(word.text), "%s%s%s%s%s", *examined ? "examines " : *translated ? "" :
												     "free",
		 examined,
		 *examined && *translated ? ", " : "", *translated ? "translates " : "", translated);
	return word;
}

struct text word_verdict(enum verdict verdict)
{
	static const char *const names[] = {
#define VERDICT_NAME(number, name, text) [number] = #name,
		VERDICTS(VERDICT_NAME)
#undef VERDICT_NAME
	};
	const char *name = names[verdict];
	struct text word;
	size_t i = 0;

	for (; name[i] && i + 1 < sizeof(word.text); i++)
		word.text[i] = name[i] == '_' ? '-' : (char)tolower((unsigned char)name[i]);
	word.text[i] = '\0';
	return word;
}

const char *word_verdict_meaning(enum verdict verdict)
{
	static const char *const texts[] = {
#define VERDICT_TEXT(number, name, text) [number] = text,
		VERDICTS(VERDICT_TEXT)
#undef VERDICT_TEXT
	};

	return texts[verdict];
}
