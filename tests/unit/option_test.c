/* SPDX-License-Identifier: BSD-3-Clause */
/* The options: both sources, which of them has priority, bad values, and lines of turnserver.conf. */
#include "unit.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/option.h"

#define SWITCH_WORDS "is not one of yes, no, on, off, true, false, 1, 0"
#define ONE_INTERFACE "is not the name of one interface; repeat the option, once for each interface"
#define COMMENT "; a comment needs a line of its own"

static struct options options;

static int setup(void **state)
{
	(void)state;
	memset(&options, 0xff, sizeof(options));
	option_clear(&options);
	return 0;
}

static size_t id_of(const char *name)
{
	for (size_t id = 0; id < option_count; id++) {
		if (!strcmp(option_descriptions[id].name, name))
			return id;
	}
	fail_msg("no option %s", name);
	return option_count;
}

static int set(enum option_source source, const char *name, const char *value)
{
	return option_set(&options, source, id_of(name), value);
}

static int read_line(const char *format, const char *value)
{
	char line[8192];

	snprintf(line, sizeof(line), format, value);
	return option_read_line(&options, line);
}

static struct settings resolve(void)
{
	struct settings settings;

	memset(&settings, 0xff, sizeof(settings));
	option_resolve(&options, &settings);
	return settings;
}

static void test_defaults(void **state)
{
	struct settings settings = resolve();

	(void)state;
	assert_false(settings.enabled);
	assert_false(settings.required);
	assert_int_equal(settings.mode, OPTION_MODE_AUTO);
	assert_int_equal(settings.channels, OPTION_CHANNELS_DEFAULT);
	assert_int_equal(settings.interfaces, 0);
	assert_string_equal(options.error, "");
}

static void test_descriptions(void **state)
{
	static const struct {
		const char *name;
		int has_value;
	} expected[] = {
		{ "xdp-offload", optional_argument },  { "xdp-interface", required_argument },
		{ "xdp-mode", required_argument },     { "xdp-max-channels", required_argument },
		{ "xdp-required", optional_argument },
	};

	(void)state;
	assert_int_equal(option_count, COUNT(expected));
	for (size_t i = 0; i < COUNT(expected); i++) {
		size_t id = id_of(expected[i].name);

		assert_int_equal(option_descriptions[id].has_value, expected[i].has_value);
		assert_true(strlen(option_descriptions[id].help) > 10);
	}
	/* The help has the numbers that the code uses. */
	assert_non_null(strstr(option_descriptions[id_of("xdp-max-channels")].help, "1 to 1048576"));
	assert_non_null(strstr(option_descriptions[id_of("xdp-max-channels")].help, "Default: 16384"));
}

static void test_mode_names(void **state)
{
	(void)state;
	assert_string_equal(option_mode_name(OPTION_MODE_AUTO), "auto");
	assert_string_equal(option_mode_name(OPTION_MODE_NATIVE), "native");
	assert_string_equal(option_mode_name(OPTION_MODE_GENERIC), "generic");
}

/* Sets an option by one of the sources three times, as coturn does, and checks that only the first changes something. */
static void take(enum option_source source, const char *name, const char *value)
{
	struct options once;

	for (int pass = 0; pass < 3; pass++) {
		if (source == OPTION_ARGV) {
			assert_int_equal(set(source, name, value), 0);
		} else {
			char line[256];

			snprintf(line, sizeof(line), "%s%s%s\n", name, value ? "=" : "", value ? value : "");
			assert_int_equal(option_read_line(&options, line), 0);
		}
		if (pass == 0)
			once = options;
		assert_memory_equal(&once, &options, sizeof(options));
	}
	assert_string_equal(options.error, "");
}

static void test_switches(void **state)
{
	static const struct {
		const char *value;
		bool on;
	} words[] = {
		{ NULL, true },    { "", true },       { "1", true },    { "yes", true },   { "on", true },
		{ "true", true },  { "YES", true },    { "On", true },   { "True", true },  { "0", false },
		{ "no", false },   { "off", false },   { "false", false }, { "NO", false }, { "Off", false },
		{ "FALSE", false },
		/* The first character decides, as it does for coturn's own switches. */
		{ "y", true },     { "Y", true },      { "t", true },    { "T", true },     { "2", true },
		{ "9", true },     { "10", true },     { "yess", true }, { "n", false },    { "N", false },
		{ "f", false },    { "F", false },     { "00", false },  { "01", false },   { "none", false },
		{ "yes # or no", true }, { "no # or yes", false }, { "0#1", false }, { "ON", true }, { "OFF", false },
	};

	for (int source = 0; source < OPTION_SOURCES; source++) {
		for (size_t i = 0; i < COUNT(words); i++) {
			setup(state);
			take(source, "xdp-offload", words[i].value);
			assert_entry_equal(words[i].value, resolve().enabled, words[i].on);
			assert_entry_equal(words[i].value, resolve().required, false);
			setup(state);
			take(source, "xdp-required", words[i].value);
			assert_entry_equal(words[i].value, resolve().required, words[i].on);
			assert_entry_equal(words[i].value, resolve().enabled, false);
		}
	}
}

static void test_modes(void **state)
{
	for (int source = 0; source < OPTION_SOURCES; source++) {
		for (int mode = OPTION_MODE_AUTO; mode <= OPTION_MODE_GENERIC; mode++) {
			setup(state);
			take(source, "xdp-mode", option_mode_name(mode));
			assert_entry_equal(option_mode_name(mode), resolve().mode, mode);
		}
	}
}

static void test_channels(void **state)
{
	static const struct {
		const char *value;
		unsigned int channels;
	} numbers[] = {
		{ "1", 1 }, { "2", 2 }, { "16384", 16384 }, { "1048575", 1048575 }, { "1048576", 1048576 }, { "007", 7 },
		{ "12 # 34", 12 }, { "12\t#", 12 }, { "12#34", 12 },
	};

	for (int source = 0; source < OPTION_SOURCES; source++) {
		for (size_t i = 0; i < COUNT(numbers); i++) {
			setup(state);
			take(source, "xdp-max-channels", numbers[i].value);
			assert_entry_equal(numbers[i].value, resolve().channels, numbers[i].channels);
		}
	}
}

static void test_interfaces(void **state)
{
	struct settings settings;

	for (int source = 0; source < OPTION_SOURCES; source++) {
		setup(state);
		take(source, "xdp-interface", "eth0");
		take(source, "xdp-interface", "enp0s31f6.1234"); /* 14 characters */
		take(source, "xdp-interface", "abcdefghijklmno"); /* 15, the most */
		take(source, "xdp-interface", "x");
		take(source, "xdp-interface", "eth0");
		settings = resolve();
		assert_int_equal(settings.interfaces, 4);
		assert_string_equal(settings.interface[0], "eth0");
		assert_string_equal(settings.interface[1], "enp0s31f6.1234");
		assert_string_equal(settings.interface[2], "abcdefghijklmno");
		assert_string_equal(settings.interface[3], "x");
	}
}

static void test_interfaces_full(void **state)
{
	char name[IFNAMSIZ];

	(void)state;
	for (int i = 0; i < ABI_ATTACHMENTS; i++) {
		snprintf(name, sizeof(name), "eth%d", i);
		take(OPTION_FILE, "xdp-interface", name);
	}
	/* A name that is in the list already is no error, even if the list is full. */
	take(OPTION_FILE, "xdp-interface", "eth0");
	assert_int_equal(resolve().interfaces, ABI_ATTACHMENTS);
	assert_int_equal(set(OPTION_FILE, "xdp-interface", "eth16"), -EINVAL);
	assert_string_equal(options.error,
			    "xdp-interface: 'eth16' is not among the first 16 interfaces; no more can carry the program");
	assert_int_equal(resolve().interfaces, ABI_ATTACHMENTS);
	assert_string_equal(resolve().interface[ABI_ATTACHMENTS - 1], "eth15");
	/* Each source has its own list. */
	assert_int_equal(set(OPTION_ARGV, "xdp-interface", "eth16"), 0);
	assert_int_equal(resolve().interfaces, 1);
}

/* The command line has priority, whichever source is read first. */
static void test_command_line_wins(void **state)
{
	for (int argv_first = 0; argv_first < 2; argv_first++) {
		for (int on = 0; on < 2; on++) {
			struct settings settings;

			setup(state);
			for (int pass = 0; pass < 6; pass++) {
				enum option_source source = pass % 2 == argv_first ? OPTION_FILE : OPTION_ARGV;
				bool argv = source == OPTION_ARGV;

				assert_int_equal(set(source, "xdp-offload", argv == on ? "yes" : "no"), 0);
				assert_int_equal(set(source, "xdp-required", argv == on ? "no" : "yes"), 0);
				assert_int_equal(set(source, "xdp-mode", argv ? "auto" : "generic"), 0);
				assert_int_equal(set(source, "xdp-max-channels", argv ? "16384" : "77"), 0);
				assert_int_equal(set(source, "xdp-interface", argv ? "eth9" : "eth1"), 0);
				assert_int_equal(set(source, "xdp-interface", argv ? "eth9" : "eth2"), 0);
			}
			settings = resolve();
			assert_int_equal(settings.enabled, on);
			assert_int_equal(settings.required, !on);
			assert_int_equal(settings.mode, OPTION_MODE_AUTO);
			assert_int_equal(settings.channels, 16384);
			assert_int_equal(settings.interfaces, 1);
			assert_string_equal(settings.interface[0], "eth9");
		}
	}
}

/* An option that is not on the command line comes from the file. */
static void test_sources_complete_each_other(void **state)
{
	struct settings settings;

	(void)state;
	take(OPTION_FILE, "xdp-offload", NULL);
	take(OPTION_FILE, "xdp-max-channels", "12");
	take(OPTION_FILE, "xdp-interface", "eth1");
	take(OPTION_ARGV, "xdp-mode", "native");
	take(OPTION_ARGV, "xdp-required", NULL);
	settings = resolve();
	assert_true(settings.enabled);
	assert_true(settings.required);
	assert_int_equal(settings.mode, OPTION_MODE_NATIVE);
	assert_int_equal(settings.channels, 12);
	assert_int_equal(settings.interfaces, 1);
	assert_string_equal(settings.interface[0], "eth1");
}

static void test_last_line_wins(void **state)
{
	(void)state;
	take(OPTION_FILE, "xdp-mode", "native");
	take(OPTION_FILE, "xdp-mode", "generic");
	take(OPTION_FILE, "xdp-max-channels", "5");
	take(OPTION_FILE, "xdp-max-channels", "4");
	assert_int_equal(resolve().mode, OPTION_MODE_GENERIC);
	assert_int_equal(resolve().channels, 4);
}

static const struct {
	const char *name, *value, *error;
	bool argv_only; /* a line of the file cannot have this value */
} bad[] = {
	{ "xdp-offload", "maybe", "xdp-offload: 'maybe' " SWITCH_WORDS, false },
	{ "xdp-offload", "o", "xdp-offload: 'o' " SWITCH_WORDS, false },
	{ "xdp-offload", "onn", "xdp-offload: 'onn' " SWITCH_WORDS, false },
	{ "xdp-offload", "offf", "xdp-offload: 'offf' " SWITCH_WORDS, false },
	{ "xdp-offload", "-1", "xdp-offload: '-1' " SWITCH_WORDS, false },
	{ "xdp-offload", " no", "xdp-offload: ' no' " SWITCH_WORDS, true },
	{ "xdp-offload", "=no", "xdp-offload: '=no' " SWITCH_WORDS, true },
	{ "xdp-offload", "'no'", "xdp-offload: ''no'' " SWITCH_WORDS, false },
	{ "xdp-offload", "# not yet", "xdp-offload: '# not yet' " SWITCH_WORDS COMMENT, false },
	{ "xdp-offload", "on # at last", "xdp-offload: 'on # at last' " SWITCH_WORDS COMMENT, false },
	{ "xdp-required", "# not yet", "xdp-required: '# not yet' " SWITCH_WORDS COMMENT, false },
	{ "xdp-required", "perhaps", "xdp-required: 'perhaps' " SWITCH_WORDS, false },
	{ "xdp-mode", "hardware", "xdp-mode: 'hardware' is not one of auto, native, generic", false },
	{ "xdp-mode", "Native", "xdp-mode: 'Native' is not one of auto, native, generic", false },
	{ "xdp-mode", "nativ", "xdp-mode: 'nativ' is not one of auto, native, generic", false },
	{ "xdp-mode", "native,generic", "xdp-mode: 'native,generic' is not one of auto, native, generic", false },
	{ "xdp-mode", "native # the fast one",
	  "xdp-mode: 'native # the fast one' is not one of auto, native, generic" COMMENT, false },
	{ "xdp-mode", "", "xdp-mode: '' is not one of auto, native, generic", false },
	{ "xdp-mode", NULL, "xdp-mode: '' is not one of auto, native, generic", false },
	{ "xdp-max-channels", "0", "xdp-max-channels: '0' is not a number from 1 to 1048576", false },
	{ "xdp-max-channels", "1048577", "xdp-max-channels: '1048577' is not a number from 1 to 1048576", false },
	{ "xdp-max-channels", "-1", "xdp-max-channels: '-1' is not a number from 1 to 1048576", false },
	{ "xdp-max-channels", "+5", "xdp-max-channels: '+5' is not a number from 1 to 1048576", false },
	{ "xdp-max-channels", " 5", "xdp-max-channels: ' 5' is not a number from 1 to 1048576", true },
	{ "xdp-max-channels", "5k", "xdp-max-channels: '5k' is not a number from 1 to 1048576", false },
	{ "xdp-max-channels", "5 6", "xdp-max-channels: '5 6' is not a number from 1 to 1048576", false },
	{ "xdp-max-channels", "5k # 5000", "xdp-max-channels: '5k # 5000' is not a number from 1 to 1048576" COMMENT,
	  false },
	{ "xdp-max-channels", "0 # none", "xdp-max-channels: '0 # none' is not a number from 1 to 1048576" COMMENT, false },
	{ "xdp-max-channels", "0x10", "xdp-max-channels: '0x10' is not a number from 1 to 1048576", false },
	{ "xdp-max-channels", "1e3", "xdp-max-channels: '1e3' is not a number from 1 to 1048576", false },
	{ "xdp-max-channels", "many", "xdp-max-channels: 'many' is not a number from 1 to 1048576", false },
	/* 2^32 + 1 and 2^64 + 1, whose lower bits are an allowed number */
	{ "xdp-max-channels", "4294967297", "xdp-max-channels: '4294967297' is not a number from 1 to 1048576", false },
	{ "xdp-max-channels", "18446744073709551617",
	  "xdp-max-channels: '18446744073709551617' is not a number from 1 to 1048576", false },
	{ "xdp-max-channels", "", "xdp-max-channels: '' is not a number from 1 to 1048576", false },
	{ "xdp-max-channels", NULL, "xdp-max-channels: '' is not a number from 1 to 1048576", false },
	{ "xdp-interface", "", "xdp-interface: '' is not a name of an interface (1 to 15 characters)", false },
	{ "xdp-interface", NULL, "xdp-interface: '' is not a name of an interface (1 to 15 characters)", false },
	{ "xdp-interface", "abcdefghijklmnop",
	  "xdp-interface: 'abcdefghijklmnop' is not a name of an interface (1 to 15 characters)", false },
	{ "xdp-interface", "a/b", "xdp-interface: 'a/b' is not a name of an interface (1 to 15 characters)", false },
	{ "xdp-interface", "eth0,eth1", "xdp-interface: 'eth0,eth1' " ONE_INTERFACE, false },
	{ "xdp-interface", "eth0, eth1", "xdp-interface: 'eth0, eth1' " ONE_INTERFACE, false },
	{ "xdp-interface", "eth0,", "xdp-interface: 'eth0,' " ONE_INTERFACE, false },
	{ "xdp-interface", "enp0s31f6,enp1s0,enp2s0", "xdp-interface: 'enp0s31f6,enp1s0,enp2s0' " ONE_INTERFACE, false },
	{ "xdp-interface", "eth0 eth1", "xdp-interface: 'eth0 eth1' " ONE_INTERFACE, false },
	{ "xdp-interface", "a\tb", "xdp-interface: 'a\tb' " ONE_INTERFACE, false },
	{ "xdp-interface", "eth0 # uplink",
	  "xdp-interface: 'eth0 # uplink' is not a name of an interface (1 to 15 characters)" COMMENT, false },
};

static void test_bad_values(void **state)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct settings before;

		print_message("# %s: %s\n", bad[i].name, bad[i].value ? bad[i].value : "no value");
		setup(state);
		assert_int_equal(set(OPTION_ARGV, "xdp-offload", "yes"), 0);
		assert_int_equal(set(OPTION_ARGV, "xdp-mode", "native"), 0);
		assert_int_equal(set(OPTION_ARGV, "xdp-max-channels", "99"), 0);
		assert_int_equal(set(OPTION_ARGV, "xdp-interface", "eth0"), 0);
		before = resolve();
		/* Only xdp-required is on after a bad value: the server must not start without what may be required. */
		before.required = !strcmp(bad[i].name, "xdp-required");
		assert_int_equal(set(OPTION_ARGV, bad[i].name, bad[i].value), -EINVAL);
		assert_string_equal(options.error, bad[i].error);
		assert_memory_equal(&before, &(struct settings[1]){ resolve() }, sizeof(before));
	}
}

/* A line with a bad value is still ours: coturn must not warn that its format is wrong. */
static void test_bad_lines(void **state)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		char line[256];

		if (bad[i].argv_only)
			continue;
		print_message("# %s: %s\n", bad[i].name, bad[i].value ? bad[i].value : "no value");
		setup(state);
		snprintf(line, sizeof(line), "%s %s\n", bad[i].name, bad[i].value ? bad[i].value : "");
		assert_int_equal(option_read_line(&options, line), 0);
		assert_string_equal(options.error, bad[i].error);
	}
}

static void test_first_error_is_kept(void **state)
{
	char error[sizeof(options.error)];

	(void)state;
	assert_int_equal(set(OPTION_FILE, "xdp-mode", "fast"), -EINVAL);
	memcpy(error, options.error, sizeof(error));
	assert_int_equal(set(OPTION_ARGV, "xdp-max-channels", "none"), -EINVAL);
	assert_int_equal(set(OPTION_ARGV, "xdp-mode", "native"), 0);
	assert_string_equal(options.error, error);
	option_clear(&options);
	assert_string_equal(options.error, "");
	assert_int_equal(resolve().mode, OPTION_MODE_AUTO);
}

static void test_long_value_is_cut_in_the_error(void **state)
{
	char value[4000];

	(void)state;
	memset(value, 'v', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	for (size_t id = 0; id < option_count; id++) {
		const char *name = option_descriptions[id].name;

		option_clear(&options);
		assert_int_equal(option_set(&options, OPTION_ARGV, id, value), -EINVAL);
		assert_memory_equal(options.error, name, strlen(name));
		assert_memory_equal(options.error + strlen(name), ": 'vvvv", 7);
		assert_non_null(strstr(options.error, "vvv' is not "));
		assert_true(strlen(options.error) < 200);
	}
}

static void test_no_such_option(void **state)
{
	struct options before = options;

	(void)state;
	assert_int_equal(option_set(&options, OPTION_ARGV, option_count, "yes"), -EINVAL);
	assert_int_equal(option_set(&options, OPTION_ARGV, SIZE_MAX, "yes"), -EINVAL);
	assert_memory_equal(&before, &options, sizeof(options));
}

static void test_line_forms(void **state)
{
	static const char *const forms[] = {
		"xdp-mode=%s",         "xdp-mode=%s\n",       "xdp-mode=%s\r\n",       "xdp-mode %s\n",
		"xdp-mode\t%s\n",      "xdp-mode = %s\n",     "xdp-mode\t=\t%s\n",     "xdp-mode  \t %s  \t \n",
		"  xdp-mode=%s\n",     "\txdp-mode %s\r\n",   " \t xdp-mode==%s\n",    "xdp-mode=\"%s\"\n",
		"xdp-mode \"%s\"\r\n", "xdp-mode=\"%s\" \t\n", "xdp-mode = \"%s\"",    "xdp-mode=\"%s\n",
		"xdp-mode=%s \r\n", "xdp-mode=%s\f\v\n", "xdp-mode=\"%s\"\v\n",
	};

	for (size_t i = 0; i < COUNT(forms); i++) {
		for (int mode = OPTION_MODE_NATIVE; mode <= OPTION_MODE_GENERIC; mode++) {
			setup(state);
			assert_entry_equal(forms[i], read_line(forms[i], option_mode_name(mode)), 0);
			assert_string_equal(options.error, "");
			assert_entry_equal(forms[i], resolve().mode, mode);
		}
	}
}

static void test_lines_without_value(void **state)
{
	static const char *const lines[] = {
		"xdp-offload",     "xdp-offload\n",      "xdp-offload\r\n", "  xdp-offload  \n", "xdp-offload=\n",
		"xdp-offload = \n", "xdp-offload \"\"\n", "xdp-offload=\"\r\n", "\txdp-offload\t\r\n",
		"xdp-offload\f\n", "xdp-offload==\n",
	};

	for (size_t i = 0; i < COUNT(lines); i++) {
		setup(state);
		assert_entry_equal(lines[i], option_read_line(&options, lines[i]), 0);
		assert_string_equal(options.error, "");
		assert_entry_equal(lines[i], resolve().enabled, true);
	}
}

static void test_lines_of_others(void **state)
{
	static const char *const lines[] = {
		"",
		"\n",
		"\r\n",
		"   \t \n",
		"=\n",
		"\"\n",
		"# xdp-offload\n",
		"#xdp-offload\n",
		"  # xdp-mode=native\n",
		"listening-port=3478\n",
		"verbose\n",
		"realm=xdp-offload\n",
		"xdp\n",
		"xdp-\n",
		"xdp-offloaded\n",
		"xdp-offloa\n",
		"XDP-OFFLOAD\n",
		"--xdp-offload\n",
		"xdp_offload\n",
		"xdp-offload#\n",
		"xdp-offload;\n",
		"xdp-offload\fno\n",
		"\rxdp-offload\n",
		"xdp-mode:native\n",
		"\"xdp-offload\"\n",
		"user=xdp-mode:native\n",
		"=xdp-offload\n",
	};
	struct options before = options;

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		assert_entry_equal(lines[i], option_read_line(&options, lines[i]), -ENOENT);
		assert_memory_equal(&before, &options, sizeof(options));
	}
}

static void test_without_effect(void **state)
{
	static const struct {
		const char *entry; /* lines of the file, with ; between them */
		const char *argv;  /* an option of the command line */
		const char *name;  /* which option has no effect */
	} table[] = {
		{ "", "", NULL },
		{ "xdp-interface=eth0", "", "xdp-interface" },
		{ "xdp-mode=auto", "", "xdp-mode" },
		{ "xdp-max-channels=16384", "", "xdp-max-channels" },
		{ "xdp-max-channels=1;xdp-mode=native;xdp-interface=eth0", "", "xdp-interface" },
		{ "xdp-max-channels=1;xdp-mode=native", "", "xdp-mode" },
		{ "", "xdp-interface=eth0", "xdp-interface" },
		{ "", "xdp-mode=native", "xdp-mode" },
		{ "", "xdp-max-channels=1", "xdp-max-channels" },
		{ "xdp-mode=native;xdp-offload", "", NULL },
		{ "xdp-mode=native", "xdp-offload=yes", NULL },
		/* It is off on purpose. */
		{ "xdp-mode=native;xdp-offload=no", "", NULL },
		{ "xdp-interface=eth0", "xdp-offload=no", NULL },
		/* This is an error of its own. */
		{ "xdp-mode=native;xdp-required", "", NULL },
		{ "xdp-required", "", NULL },
		{ "xdp-mode=native;xdp-required=no", "", "xdp-mode" },
		{ "xdp-required=no", "", NULL },
		/* It has not been taken; the error says so. */
		{ "xdp-mode=fast", "", NULL },
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		const char *name;
		char text[128], *rest = text, *line;

		setup(state);
		snprintf(text, sizeof(text), "%s", table[i].entry);
		while ((line = strsep(&rest, ";")))
			option_read_line(&options, line);
		snprintf(text, sizeof(text), "%s", table[i].argv);
		line = text;
		name = strsep(&line, "=");
		if (*name)
			assert_entry_equal(table[i].argv, set(OPTION_ARGV, name, line), 0);
		name = option_without_effect(&options);
		print_message("# file: %s, command line: %s; %s\n", table[i].entry, table[i].argv, name ? name : "(null)");
		assert_string_equal(name ? name : "none", table[i].name ? table[i].name : "none");
	}
}

/* The line is on the heap and has no spare byte, so that a sanitizer finds a read past its end. */
static int read_long(const char *start, char fill, size_t length)
{
	char *line = test_malloc(length + 1);
	int result;

	memset(line, fill, length);
	memcpy(line, start, strlen(start));
	line[length] = '\0';
	result = option_read_line(&options, line);
	test_free(line);
	return result;
}

static void test_long_lines(void **state)
{
	static const size_t lengths[] = { 1022, 1023, 1024, 1025, 1026, 5000, 100000 };

	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct options before;

		setup(state);
		before = options;
		assert_int_equal(read_long("static-auth-secret=", 's', lengths[i]), -ENOENT);
		assert_int_equal(read_long("xdp-offload", 'x', lengths[i]), -ENOENT);
		assert_int_equal(read_long("#", ' ', lengths[i]), -ENOENT);
		assert_int_equal(read_long("", ' ', lengths[i]), -ENOENT);
		assert_int_equal(read_long("", '"', lengths[i]), -ENOENT);
		assert_int_equal(read_long("", '=', lengths[i]), -ENOENT);
		assert_memory_equal(&before, &options, sizeof(options));

		assert_int_equal(read_long("xdp-mode=native", ' ', lengths[i]), 0);
		assert_string_equal(options.error, "");
		assert_int_equal(resolve().mode, OPTION_MODE_NATIVE);

		assert_int_equal(read_long("xdp-interface=", 'i', lengths[i]), 0);
		assert_memory_equal(options.error, "xdp-interface: 'iiii", 20);
		assert_int_equal(resolve().interfaces, 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_defaults, setup),
		cmocka_unit_test_setup(test_descriptions, setup),
		cmocka_unit_test_setup(test_mode_names, setup),
		cmocka_unit_test_setup(test_switches, setup),
		cmocka_unit_test_setup(test_modes, setup),
		cmocka_unit_test_setup(test_channels, setup),
		cmocka_unit_test_setup(test_interfaces, setup),
		cmocka_unit_test_setup(test_interfaces_full, setup),
		cmocka_unit_test_setup(test_command_line_wins, setup),
		cmocka_unit_test_setup(test_sources_complete_each_other, setup),
		cmocka_unit_test_setup(test_last_line_wins, setup),
		cmocka_unit_test_setup(test_bad_values, setup),
		cmocka_unit_test_setup(test_bad_lines, setup),
		cmocka_unit_test_setup(test_first_error_is_kept, setup),
		cmocka_unit_test_setup(test_long_value_is_cut_in_the_error, setup),
		cmocka_unit_test_setup(test_no_such_option, setup),
		cmocka_unit_test_setup(test_line_forms, setup),
		cmocka_unit_test_setup(test_lines_without_value, setup),
		cmocka_unit_test_setup(test_lines_of_others, setup),
		cmocka_unit_test_setup(test_without_effect, setup),
		cmocka_unit_test_setup(test_long_lines, setup),
	};

	return cmocka_run_group_tests_name("option", tests, NULL, NULL);
}
