/* SPDX-License-Identifier: BSD-3-Clause */
/* Short files, which are read once or again and again. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/small_file.h"

static char path[64];

static void write_text(const char *text)
{
	FILE *file = fopen(path, "w");
	int error;

	assert_non_null(file);
	fputs(text, file);
	error = fclose(file);
	assert_int_equal(error, 0);
}

static int setup(void **state)
{
	int file;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/small_file_test.XXXXXX");
	file = mkstemp(path);
	return file < 0 ? -1 : close(file);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path) && errno != ENOENT ? -1 : 0;
}

static void test_read(void **state)
{
	char text[8] = "before";

	(void)state;
	assert_int_equal(small_file_read(path, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	write_text("1234567890");
	assert_int_equal(small_file_read(path, text, sizeof(text)), 0);
	assert_string_equal(text, "1234567");
	assert_int_equal(small_file_read("/tmp", text, sizeof(text)), -EISDIR);
	assert_string_equal(text, "");
	unlink(path);
	strcpy(text, "before");
	assert_int_equal(small_file_read(path, text, sizeof(text)), -ENOENT);
	assert_string_equal(text, "");
}

static void test_read_again(void **state)
{
	int file = -1, first;
	char text[64];

	(void)state;
	write_text("one");
	assert_int_equal(small_file_read_again(&file, path, text, sizeof(text)), 0);
	assert_string_equal(text, "one");
	first = file;
	assert_true(first >= 0);
	/* From its beginning, and what is there now. */
	write_text("another");
	assert_int_equal(small_file_read_again(&file, path, text, sizeof(text)), 0);
	assert_string_equal(text, "another");
	assert_int_equal(file, first);
	/* Nobody needs the name any more. */
	unlink(path);
	assert_int_equal(small_file_read_again(&file, path, text, sizeof(text)), 0);
	assert_string_equal(text, "another");
	small_file_close(&file);
	assert_int_equal(file, -1);
	small_file_close(&file);
	assert_int_equal(small_file_read_again(&file, path, text, sizeof(text)), -ENOENT);
	assert_int_equal(file, -1);
	assert_string_equal(text, "");
}

/* As a file of proc whose module has gone. */
static void test_opened_anew(void **state)
{
	int pipes[2], file;
	char text[64];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	close(pipes[1]);
	file = pipes[0]; /* it cannot be read from an offset */
	write_text("there");
	assert_int_equal(small_file_read_again(&file, path, text, sizeof(text)), 0);
	assert_string_equal(text, "there");
	small_file_close(&file);
}

/* What the kernel makes at each reading. */
static void test_proc(void **state)
{
	char text[4096], again[4096];
	int file = -1;

	(void)state;
	assert_int_equal(small_file_read_again(&file, "/proc/self/cgroup", text, sizeof(text)), 0);
	assert_int_equal(small_file_read_again(&file, "/proc/self/cgroup", again, sizeof(again)), 0);
	assert_string_equal(text, again);
	assert_true(strlen(text) > 0);
	small_file_close(&file);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_opened_anew, setup, teardown),
		cmocka_unit_test(test_proc),
	};

	return cmocka_run_group_tests_name("small files", tests, NULL, NULL);
}
