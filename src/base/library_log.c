/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/library_log.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/*
 * The verifier prints a line for each instruction that it visits, which are some 100,000. Its last lines name the
 * instruction that it refuses.
 */
#define VERIFIER_LINES 20
#define VERIFIER_BYTES 4096

/* libbpf prints the verifier's lines between these two (bpf_object_load_prog in libbpf.c). */
#define VERIFIER_BEGIN "-- BEGIN PROG LOAD LOG --\n"
#define VERIFIER_END "-- END PROG LOAD LOG --"

static struct {
	bool debug;
	char warning[256];
	char verifier[VERIFIER_BYTES]; /* its last lines */
} said;

static void log_lines(enum log_level level, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		if (length)
			log_line(level, "%.*s", (int)length, text);
		text += length + (text[length] == '\n');
	}
}

/* Returns where the last `lines` lines of a text begin. */
static const char *last_lines(const char *text, const char *end, int lines)
{
	while (end > text && end[-1] == '\n')
		end--;
	while (end > text) {
		if (end[-1] == '\n' && !--lines)
			break;
		end--;
	}
	return end;
}

static void keep_verifier(const char *begin)
{
	const char *end = strstr(begin, VERIFIER_END);
	const char *first;

	if (!end)
		end = begin + strlen(begin);
	first = last_lines(begin, end, VERIFIER_LINES);
	if (end - first >= VERIFIER_BYTES)
		first = end - VERIFIER_BYTES + 1;
	memcpy(said.verifier, first, (size_t)(end - first));
	said.verifier[end - first] = '\0';
}

/*
 * libbpf also warns if it cannot raise RLIMIT_MEMLOCK. Kernels since 5.11 do not apply that limit to BPF, so the
 * warning explains no failure there.
 */
static bool is_warning(int level, const char *text)
{
	return level == LIBBPF_WARN && !strstr(text, "RLIMIT_MEMLOCK");
}

/* Returns the formatted text, which the caller frees, or NULL. */
static char *format_text(const char *format, va_list args)
{
	va_list again;
	char *text;
	int length;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	text = length < 0 ? NULL : malloc((size_t)length + 1);
	if (text)
		vsnprintf(text, (size_t)length + 1, format, args);
	return text;
}

int library_log_print(int level, const char *format, va_list args)
{
	const char *verifier;
	char *text;

	if (level > LIBBPF_WARN && !said.debug)
		return 0;
	text = format_text(format, args);
	if (!text)
		return 0;
	verifier = strstr(text, VERIFIER_BEGIN);
	if (verifier)
		keep_verifier(verifier + strlen(VERIFIER_BEGIN));
	if (said.debug)
		log_lines(LOG_LEVEL_INFO, verifier && level == LIBBPF_WARN ? "libbpf: the lines of the verifier follow" : text);
	if (!said.warning[0] && is_warning(level, text))
		snprintf(said.warning, sizeof(said.warning), "%.*s", (int)strcspn(text, "\n"), text);
	free(text);
	return 0;
}

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	return library_log_print((int)level, format, args);
}

void library_log_start(bool debug)
{
	library_log_forget();
	said.debug = debug;
	libbpf_set_print(print_libbpf);
}

void library_log_forget(void)
{
	said.warning[0] = '\0';
	said.verifier[0] = '\0';
}

const char *library_log_warning(void)
{
	return said.warning;
}

bool library_log_verifier_said(const char *text)
{
	return strstr(said.verifier, text) != NULL;
}

static void log_verifier(enum log_level level)
{
	if (!said.verifier[0])
		return;
	log_line(level, "the last lines of the kernel's verifier:");
	log_lines(level, said.verifier);
}

void library_log_verifier(void)
{
	log_verifier(LOG_LEVEL_ERROR);
}

void library_log_verifier_debug(void)
{
	if (said.debug)
		log_verifier(LOG_LEVEL_INFO);
}
