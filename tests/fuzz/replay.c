/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Without libFuzzer. Inputs from files, printed in full; seeds to a directory;
 * or inputs by chance, for as many seconds.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "trial.h"
#include "input.h"

#define INPUT_MAX 4096

static struct trial trial;
static uint8_t input[INPUT_MAX];

static int usage(const char *name)
{
	fprintf(stderr,
		"usage: %s FILE...            what becomes of these inputs\n"
		"       %s --seeds DIRECTORY  writes inputs to start from\n"
		"       %s --random SECONDS [SEED]\n",
		name, name, name);
	return 2;
}

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	const char *complaint;
	size_t length;

	if (!file) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 2;
	}
	length = fread(input, 1, sizeof(input), file);
	fclose(file);
	complaint = trial_run(input, length, &trial);
	printf("/* %s */\n", path);
	trial_print(&trial, complaint);
	return !!complaint;
}

static int seeds_write(const char *directory)
{
	size_t length;

	if (mkdir(directory, 0777) && errno != EEXIST) {
		fprintf(stderr, "%s: %s\n", directory, strerror(errno));
		return 2;
	}
	for (unsigned int number = 0; seed_input(number, input, &length); number++) {
		char path[4096];
		FILE *file;

		snprintf(path, sizeof(path), "%s/seed%03u", directory, number);
		file = fopen(path, "wb");
		if (!file || fwrite(input, 1, length, file) != length || fclose(file)) {
			fprintf(stderr, "%s: %s\n", path, strerror(errno));
			return 2;
		}
	}
	return 0;
}

static uint32_t next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* A seed with some bytes changed. */
static size_t input_by_chance(uint32_t *state)
{
	size_t length;

	while (!seed_input(next(state) % 512, input, &length))
		;
	for (uint32_t changes = next(state) % 12; changes; changes--)
		input[next(state) % length] = next(state) >> 16;
	return length;
}

static int random_run(unsigned int seconds, uint32_t state)
{
	time_t end = time(NULL) + seconds;
	unsigned long runs = 0, seen[VERDICT_COUNT] = {0};

	while (runs % 1024 || time(NULL) < end) {
		size_t length = input_by_chance(&state);
		const char *complaint = trial_run(input, length, &trial);

		if (complaint) {
			trial_print(&trial, complaint);
			return 1;
		}
		seen[trial.outcome.verdict]++;
		runs++;
	}
	printf("# %lu inputs\n", runs);
	for (int i = 0; i < VERDICT_COUNT; i++)
		printf("# %8lu %s\n", seen[i], verdict_text(i));
	return 0;
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc >= 3 && !strcmp(argv[1], "--seeds"))
		return seeds_write(argv[2]);
	if (argc >= 3 && !strcmp(argv[1], "--random"))
		return random_run(atoi(argv[2]), (argc > 3 ? strtoul(argv[3], NULL, 0) : 1) | 1);
	if (argc < 2 || argv[1][0] == '-')
		return usage(argv[0]);
	for (int i = 1; i < argc; i++)
		status |= replay(argv[i]);
	printf("/* a table changed in %lu runs */\n", machine_races());
	return status;
}
