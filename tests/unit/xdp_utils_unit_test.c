/* SPDX-License-Identifier: BSD-3-Clause */
/* turnutils_xdp: numbers become text, and words. */
#include "unit.h"

#include "channel/eligibility.h"
#include "xdp_utils.h"
#include "xdp_utils/unit.h"
#include "xdp_utils/word.h"

static void test_counts(void **state)
{
	static const struct {
		uint64_t number;
		const char *count, *bytes, *time;
	} cases[] = {
		{ 0, "0", "0 B", "0s" },
		{ 999, "999", "999 B", "16m 39s" },
		{ 1000, "1,000", "1.0 kB", "16m 40s" },
		{ 59, "59", "59 B", "59s" },
		{ 60, "60", "60 B", "1m 00s" },
		{ 3600, "3,600", "3.6 kB", "1h 00m" },
		{ 172799, "172,799", "172.8 kB", "47h 59m" },
		{ 172800, "172,800", "172.8 kB", "2d 0h" },
		{ 999949, "999,949", "999.9 kB", "11d 13h" },
		{ 999950, "999,950", "1.0 MB", "11d 13h" },
		{ 1234567, "1,234,567", "1.2 MB", "14d 6h" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_text(cases[i].count, unit_count(cases[i].number).text, cases[i].count);
		assert_text(cases[i].count, unit_bytes(cases[i].number).text, cases[i].bytes);
		assert_text(cases[i].count, unit_time(cases[i].number * SECOND + SECOND - 1).text, cases[i].time);
	}
	assert_text("the largest number", unit_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
	assert_text("the largest number of bytes", unit_bytes(UINT64_MAX).text, "18.4 EB");
}

static void test_rates(void **state)
{
	static const struct {
		double rate;
		const char *packets, *bits;
	} rates[] = {
		{ 0, "0", "0 bit/s" },           { 0.04, "0", "0 bit/s" },        { 0.5, "0.5", "0 bit/s" },
		{ 12.34, "12.3", "12 bit/s" },   { 99.96, "100", "100 bit/s" },   { 1234.5, "1,235", "1.2 kbit/s" },
		{ 999.6, "1,000", "1.0 kbit/s" }, { 1e10, "10,000,000,000", "10.0 Gbit/s" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rates); i++) {
		assert_text(rates[i].packets, unit_rate(rates[i].rate).text, rates[i].packets);
		assert_text(rates[i].bits, unit_bits(rates[i].rate).text, rates[i].bits);
	}
}

/* Every reason and every verdict has a word of its own that programs can rely on, and a meaning. */
static void test_words(void **state)
{
	(void)state;
	assert_true(REFUSAL_COUNT <= STATUS_REFUSALS);
	for (int i = 0; i < REFUSAL_COUNT; i++) {
		if (!eligibility_refusal_name(i) || !eligibility_refusal_text(i))
			fail_msg("refusal %d has no words", i);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(eligibility_refusal_name(i), eligibility_refusal_name(k));
	}
	for (int i = 0; i < VERDICT_COUNT; i++) {
		if (!word_verdict(i).text[0] || !word_verdict_meaning(i))
			fail_msg("verdict %d has no words", i);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(word_verdict(i).text, word_verdict(k).text);
	}
	assert_text("a verdict", word_verdict(VERDICT_TO_OTHER_CLIENT).text, "to-other-client");
	assert_text("a free host", word_host(0).text, "free");
	assert_text("a host", word_host(STATUS_EXAMINED_V6).text, "examines IPv6");
	assert_text("a host", word_host(STATUS_EXAMINED_V4 | STATUS_NAT_V4).text, "examines IPv4, translates IPv4");
	assert_text("a host", word_host(15).text, "examines IPv4 and IPv6, translates IPv4 and IPv6");
	assert_text("a host that only translates", word_host(STATUS_NAT_V6).text, "translates IPv6");
	assert_text("a mode that is not known", word_mode(99), "unknown");
	assert_text("a wanted mode that is not known", word_mode_wanted(99), "unknown");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("xdp_utils_unit", tests, NULL, NULL);
}
