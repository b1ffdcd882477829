/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Chooses among the cases of a compiled test. It is linked into each of them, in front
 * of main() and of what runs cmocka's groups (the linker's --wrap).
 *
 * usage: build/tests/NAME [--list | WORD...]
 *   --list  prints the names of the cases
 *   WORD    the case of this name; if there is none, those that have it in their names.
 *           A word that is in no name is an error, and nothing runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USAGE_ERROR 2

int __real_main(void);
int __wrap_main(int argc, char **argv);
int __real__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
				   CMFixtureFunction setup, CMFixtureFunction teardown);
int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
				   CMFixtureFunction setup, CMFixtureFunction teardown);

static struct {
	char **words;
	size_t count;
	bool collecting; /* nothing runs: the names are asked for */
	const char **names;
	size_t names_count;
} cases;

static bool is_known(const char *name)
{
	for (size_t i = 0; i < cases.names_count; i++)
		if (!strcmp(cases.names[i], name))
			return true;
	return false;
}

/* Each name once: a case may be in several groups. */
static void collect(const char *name)
{
	const char **more;

	if (is_known(name))
		return;
	more = realloc(cases.names, (cases.names_count + 1) * sizeof(*more));
	if (!more)
		abort();
	more[cases.names_count++] = name;
	cases.names = more;
}

static bool word_means(const char *word, const char *name)
{
	return is_known(word) ? !strcmp(word, name) : strstr(name, word) != NULL;
}

static bool is_chosen(const char *name)
{
	for (size_t i = 0; i < cases.count; i++)
		if (word_means(cases.words[i], name))
			return true;
	return cases.count == 0;
}

static bool means_something(const char *word)
{
	for (size_t i = 0; i < cases.names_count; i++)
		if (word_means(word, cases.names[i]))
			return true;
	return false;
}

int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
				   CMFixtureFunction setup, CMFixtureFunction teardown)
{
	struct CMUnitTest *chosen;
	size_t kept = 0;
	int failures;

	if (cases.collecting) {
		for (size_t i = 0; i < count; i++)
			collect(tests[i].name);
		return 0;
	}
	chosen = calloc(count, sizeof(*chosen));
	if (!chosen)
		abort();
	for (size_t i = 0; i < count; i++)
		if (is_chosen(tests[i].name))
			chosen[kept++] = tests[i];
	/* A group of which nothing is wanted is not set up either. */
	failures = kept ? __real__cmocka_run_group_tests(name, chosen, kept, setup, teardown) : 0;
	free(chosen);
	return failures;
}

int __wrap_main(int argc, char **argv)
{
	bool list = argc == 2 && !strcmp(argv[1], "--list");
	int status;

	if (argc < 2)
		return __real_main();
	cases.collecting = true;
	__real_main();
	cases.collecting = false;
	for (size_t i = 0; list && i < cases.names_count; i++)
		puts(cases.names[i]);
	if (list) {
		free(cases.names);
		return 0;
	}
	cases.words = argv + 1;
	cases.count = (size_t)argc - 1;
	for (size_t i = 0; i < cases.count; i++)
		if (!means_something(cases.words[i])) {
			fprintf(stderr, "no case of this test has \"%s\" in its name; --list prints the names\n",
				cases.words[i]);
			free(cases.names);
			return USAGE_ERROR;
		}
	status = __real_main();
	free(cases.names);
	return status;
}
