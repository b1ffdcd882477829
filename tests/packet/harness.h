/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs packets through the loaded program (BPF_PROG_TEST_RUN), in a network
 * namespace of its own, and looks at everything that it may change: the
 * packet, the action, the verdict counters, those of the flows.
 */
#ifndef PACKET_HARNESS_H
#define PACKET_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/judge.h"
#include "setup.h"

#define ROWS(table) (table), sizeof(table) / sizeof((table)[0])

/* Interfaces of the namespace: lo, and another one. */
extern uint32_t harness_lo, harness_other;

/* As it is loaded: for frames of one buffer, of several, and for Linux before 5.11, where data cannot move. */
int harness_open(void **state);
int harness_open_frags(void **state);
int harness_open_old(void **state);
/* The same where no frame's start can move: one buffer, several. */
int harness_open_fixed(void **state);
int harness_open_fixed_frags(void **state);
int harness_close(void **state);
/* First in every test: skips it, with the reason, if the program is not loaded. */
void harness_need(void);
/* The same if this kernel's test runs cannot divide a frame at a chosen place. */
void harness_need_linear(void);

/* Skips the test that runs. */
void harness_skip(const char *why);
/* Whether this kernel's test runs leave a frame as little room as the world says. */
bool harness_takes(const struct world *world);

/* Runs the tests with the program for one buffer, then with that for several. */
int harness_run(const char *name, const struct CMUnitTest *tests, size_t count);

/* What the kernel's test runs put into the first buffer: a page, less what is around the frame. */
#define HARNESS_BUFFER (4096 - 256 - 320)

/* Puts the world into the tables and sends a frame through the program. */
void harness_send(const struct world *world, struct frame *frame, struct outcome *outcome);
/* The same; NULL, or what is not as the model has it. */
const char *harness_judge(const struct world *world, struct frame *frame, struct expectation *want,
			  struct outcome *outcome);

/* What the model says of it, now. */
void harness_expect(const struct world *world, struct frame *frame, struct expectation *want);
/* One more frame, when the world is in the tables: nobody looks whether they change. */
void harness_send_again(const struct world *world, struct frame *frame, struct outcome *outcome);

/*
 * Whether a row came out as it must, in all families; says on stdout what did not. One
 * that this kernel cannot be asked about has.
 */
bool harness_row(const struct row *row);
/*
 * Fails the test if any row does, after all of them; skips it if all others are right
 * and this kernel cannot be asked about some.
 */
void harness_table(const struct row *row, size_t rows);

/*
 * The paths of a row, one after the other: false after the last. Begin with all
 * zeros.
 */
bool harness_path_next(const struct row *row, struct path *path);

int harness_cpus(void);
/* Goes to this CPU for what follows; false if it cannot. */
bool harness_cpu(int cpu);

/* When the relay threads of harness_world are held to be dead. */
uint64_t harness_deadline(void);

/* Whether some packet got this verdict since the process began. */
bool harness_seen(enum verdict verdict);

#endif
