// SPDX-License-Identifier: BSD-3-Clause
/*
 * What one load from memory costs when the next one depends on it: nanoseconds for each
 * load of a chain that visits all cache lines of so many bytes in random order. The memory
 * has pages of 4 KiB, as the XDP program's tables have. With many channels, the program has
 * to wait for one such load for each packet.
 *
 * usage: loads BYTES
 *
 * Prints a figure for each line that it reads, as `cost` does with 0 packets, so that both
 * can take turns.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define ROUND 65536 /* loads of a figure */

struct line {
	struct line *next;
} __attribute__((aligned(64)));

static void fail(const char *what)
{
	fprintf(stderr, "loads: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Memory that is there from the start, so that no load is a page fault. */
static struct line *map_lines(size_t count)
{
	size_t size = count * sizeof(struct line);
	struct line *lines = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (lines == MAP_FAILED)
		fail("memory");
	/* A kernel without huge pages does not know the advice. */
	if (madvise(lines, size, MADV_NOHUGEPAGE) && errno != EINVAL)
		fail("pages of 4 KiB");
	memset(lines, 0, size);
	return lines;
}

static uint64_t random_below(uint64_t limit)
{
	return ((uint64_t)random() << 31 | (uint64_t)random()) % limit;
}

/* Puts all lines into one circle (Sattolo's algorithm), which is in random order. */
static void link_lines(struct line *lines, size_t count)
{
	struct line *swap;
	size_t k;

	srandom(1);
	for (size_t i = 0; i < count; i++)
		lines[i].next = &lines[i];
	for (size_t i = count - 1; i > 0; i--) {
		k = random_below(i);
		swap = lines[i].next;
		lines[i].next = lines[k].next;
		lines[k].next = swap;
	}
}

/* CPU time: while another process runs, the kernel's clock for the XDP program stands still too. */
static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Nanoseconds for each of the next ROUND loads. The pointer is volatile, so that they stay in the program. */
static double run_round(struct line *volatile *at)
{
	struct line *line = *at;
	double start = now();

	for (int i = 0; i < ROUND; i++)
		line = line->next;
	*at = line;
	return (now() - start) / ROUND;
}

int main(int argc, char **argv)
{
	size_t count = argc == 2 ? strtoull(argv[1], NULL, 10) / sizeof(struct line) : 0;
	struct line *volatile at;
	char text[16];

	if (count < 2) {
		fputs("usage: loads BYTES\n", stderr);
		return 2;
	}
	at = map_lines(count);
	link_lines(at, count);
	setlinebuf(stdout);
	while (fgets(text, sizeof(text), stdin)) {
		/* As with `cost`, the first round after a turn of another program warms up. */
		run_round(&at);
		printf("%.1f\n", run_round(&at));
	}
	return 0;
}
