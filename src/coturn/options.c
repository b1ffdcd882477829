/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The linker wraps the two functions of libc by which coturn reads its options, getopt_long and fgets: where
 * coturn calls x(), __wrap_x() is called, and __real_x() is libc's function. Everything here runs on the
 * main thread.
 */
#include "coturn/options.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/version.h"
#include "coturn/databases.h"
#include "offload.h"

int __real_getopt_long(int argc, char *const *argv, const char *shorts, const struct option *longs,
		       int *index);
char *__real_fgets(char *buffer, int size, FILE *file);

int __wrap_getopt_long(int argc, char *const *argv, const char *shorts, const struct option *longs,
		       int *index);
char *__wrap_fgets(char *buffer, int size, FILE *file);

/*
 * What getopt_long returns for our first option. It is greater than any character, and far from the numbers
 * that coturn uses for its own long options.
 */
#define OPTION_VALUE 0x58445000
/* The most long options that coturn and the offload may have together. */
#define LONG_OPTIONS 512

static struct options options;
static bool options_ready;

static struct options *get(void)
{
	if (!options_ready) {
		option_clear(&options);
		options_ready = true;
	}
	return &options;
}

const struct options *options_given(void)
{
	return get();
}

void options_log_without_effect(void)
{
	const char *name = option_without_effect(get());

	if (name)
		log_line(LOG_LEVEL_WARNING, "%s has no effect, because xdp-offload is not set: set xdp-offload too", name);
}

static void print_help(void)
{
	printf("\nKernel offload:\n");
	for (size_t i = 0; i < option_count; i++)
		printf(" --%-34s\t%s\n", option_descriptions[i].name, option_descriptions[i].help);
	printf("\n");
}

static void print_version(void)
{
	printf("coturn %s with kernel offload %s%s\n", version_coturn, version_offload,
	       offload_is_built() ? "" : ", which this build leaves out (configure --without-xdp)");
}

/*
 * Whether coturn will print its release and exit. After it has read its options once, it looks for --version in the
 * arguments itself, until it finds -n or -h.
 */
static bool version_is_asked(int argc, char *const *argv)
{
	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--version"))
			return true;
		if (!strcmp(argv[i], "-n") || !strcmp(argv[i], "-h"))
			return false;
	}
	return false;
}

/* What has to be done once, with the first arguments that coturn reads. */
static void begin(int argc, char *const *argv, const struct option *longs)
{
	static bool begun;

	if (begun)
		return;
	begun = true;
	databases_note_table(longs);
	/* The first line stays coturn's, for those who read the release from it. */
	if (version_is_asked(argc, argv))
		atexit(print_version);
}

/* turnadmin is the same program, and must not get our options. Only turnserver has this one. */
static bool is_turnserver(const struct option *longs)
{
	for (; longs && longs->name; longs++) {
		if (!strcmp(longs->name, "listening-port"))
			return true;
	}
	return false;
}

int __wrap_getopt_long(int argc, char *const *argv, const char *shorts, const struct option *longs,
		       int *index)
{
	static bool help;
	struct option all[LONG_OPTIONS];
	size_t count = 0;
	int c;

	if (!is_turnserver(longs))
		return __real_getopt_long(argc, argv, shorts, longs, index);
	begin(argc, argv, longs);
	while (longs[count].name)
		count++;
	if (count + option_count >= LONG_OPTIONS)
		return __real_getopt_long(argc, argv, shorts, longs, index);
	memcpy(all, longs, count * sizeof(*longs));
	for (size_t i = 0; i < option_count; i++)
		all[count++] = (struct option){ option_descriptions[i].name, option_descriptions[i].has_value,
						NULL, OPTION_VALUE + (int)i };
	all[count] = (struct option){ 0 };

	while ((c = __real_getopt_long(argc, argv, shorts, all, index)) >= OPTION_VALUE &&
	       c < OPTION_VALUE + (int)option_count)
		option_set(get(), OPTION_ARGV, (size_t)(c - OPTION_VALUE), optarg);
	/* coturn prints its own help later, and exits. Ours comes after it. */
	if (c == 'h' && !help) {
		help = true;
		atexit(print_help);
	}
	return c;
}

/* Takes our lines away from coturn, which calls fgets only to read its configuration file. */
char *__wrap_fgets(char *buffer, int size, FILE *file)
{
	char *line;

	do {
		line = __real_fgets(buffer, size, file);
	} while (line && !option_read_line(get(), line));
	if (line)
		databases_note_line(line);
	return line;
}
