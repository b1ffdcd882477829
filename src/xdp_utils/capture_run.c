/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture_run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/library_log.h"
#include "capture_output.h"
#include "choose.h"
#include "privilege.h"
#include "tables.h"
#include "tracer.h"

/* What ends a capture, as tracer_plan's `take` returns it. */
enum end {
	END_NONE,
	END_COUNT,
	END_OUTPUT,
	END_TIME,
	END_SIGNAL,
	END_SERVER,
};

struct capture {
	const struct arguments *arguments;
	struct server server;
	struct tables tables;
	struct capture_output output;
	struct tracer *tracer;
	enum end end;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static void catch_signals(void)
{
	const struct sigaction action = { .sa_handler = interrupt };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int take(void *data, void *record, size_t size)
{
	struct capture *capture = data;
	uint64_t most = capture->arguments->capture.count;
	struct captured captured;

	if (captured_read(record, size, &captured))
		return 0;
	capture_output_packet(&capture->output, &captured);
	if (ferror(capture->output.out))
		capture->end = END_OUTPUT;
	else if (most && capture->output.packets >= most)
		capture->end = END_COUNT;
	/* libbpf ends at a number below 0. What there is at a signal or after the time is still taken. */
	return capture->end == END_COUNT || capture->end == END_OUTPUT ? -ECANCELED : 0;
}

/* ---- what is open meanwhile ---- */

static int64_t clock_offset(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec - (int64_t)clock_monotonic_ns();
}

static int open_output(struct capture *capture)
{
	const struct capture_arguments *wanted = &capture->arguments->capture;

	capture->output.pcapng = wanted->file;
	capture->output.snap = wanted->snap;
	capture->output.offset = clock_offset();
	capture->output.status = capture->tables.status;
	capture->output.out = stdout;
	if (wanted->file && strcmp(wanted->file, "-"))
		capture->output.out = fopen(wanted->file, "we");
	if (!capture->output.out) {
		fprintf(stderr, PROGRAM ": cannot write %s: %s\n", wanted->file, strerror(errno));
		return EXIT_FAILURE;
	}
	if (wanted->file && isatty(fileno(capture->output.out))) {
		fputs(PROGRAM ": a terminal cannot show pcapng: leave out -w for lines, or send it to a file or a pipe\n",
		      stderr);
		return EXIT_USAGE;
	}
	return 0;
}

static int explain(const struct capture *capture, int error)
{
	if (error == -ENOENT)
		return choose_explain(&capture->server, error);
	fprintf(stderr,
		PROGRAM ": the kernel does not let programs look at the server's XDP program (%s), so nothing can be "
			"captured, and the server relays as before. It takes CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN, "
			"Linux 5.10 with CONFIG_DEBUG_INFO_BTF, and no kernel lockdown\n",
		strerror(-error));
	if (library_log_warning()[0])
		fprintf(stderr, PROGRAM ": libbpf says: %s\n", library_log_warning());
	return EXIT_FAILURE;
}

static int open_tracer(struct capture *capture)
{
	const struct arguments *arguments = capture->arguments;
	struct tracer_plan plan = {
		.server = &capture->server,
		.tables = &capture->tables,
		.snap = arguments->capture.snap,
		.buffer = arguments->capture.buffer,
		.take = take,
		.data = capture,
	};
	int error;

	captured_filter(&arguments->filter, arguments->capture.verdicts, &plan.filter);
	error = tracer_open(&plan, &capture->tracer);
	return error ? explain(capture, error) : 0;
}

/* All is open by now, so what packets hold can be read without privileges. */
static int give_up_privileges(void)
{
	int error = privilege_give_up();

	if (!error)
		return 0;
	fprintf(stderr, PROGRAM ": cannot give up privileges: %s\n", strerror(-error));
	return EXIT_FAILURE;
}

static int open_capture(struct capture *capture)
{
	int status = choose_server(capture->arguments->pid, &capture->server), error;

	if (status)
		return status;
	if (capture->server.version != ABI_VERSION)
		return choose_explain(&capture->server, -EPROTONOSUPPORT);
	error = tables_open(&capture->server, &capture->tables);
	if (error)
		return choose_explain(&capture->server, error);
	status = open_output(capture);
	if (!status)
		status = open_tracer(capture);
	return status ? status : give_up_privileges();
}

/* ---- until it ends ---- */

/* Milliseconds until the time is up; -1: there is no limit. */
static int time_left(const struct capture *capture, uint64_t began)
{
	double seconds = capture->arguments->capture.seconds;
	double left = seconds - (double)(clock_monotonic_ns() - began) / 1e9;

	if (seconds <= 0)
		return -1;
	return left > 0 ? (int)(left * 1000) + 1 : 0;
}

/* Sleeps until there are records. A record that is not yet read does not wake a reader up, so look now and then. */
static void wait_for_records(struct capture *capture, struct pollfd fds[2], uint64_t began)
{
	int left = time_left(capture, began);

	if (left < 0 || left > 200)
		left = 200;
	if (poll(fds, 2, left) < 0 && errno != EINTR)
		capture->end = END_SIGNAL;
	if (interrupted)
		capture->end = END_SIGNAL;
	else if (fds[1].revents)
		capture->end = END_SERVER;
	else if (!time_left(capture, began))
		capture->end = END_TIME;
}

static void read_records(struct capture *capture)
{
	if (capture->end != END_COUNT && capture->end != END_OUTPUT)
		tracer_read(capture->tracer);
	if (fflush(capture->output.out))
		capture->end = END_OUTPUT;
}

static void follow(struct capture *capture)
{
	/* Where the process cannot be seen, nothing says that the server has ended. */
	int process = capture->server.seen ? (int)syscall(SYS_pidfd_open, (pid_t)capture->server.pid, 0) : -1;
	struct pollfd fds[2] = { { .fd = tracer_fd(capture->tracer), .events = POLLIN },
				 { .fd = process, .events = POLLIN } };
	uint64_t began = clock_monotonic_ns();

	fprintf(stderr, PROGRAM ": capturing packets of turnserver (pid %u)\n", capture->server.pid);
	while (capture->end == END_NONE) {
		wait_for_records(capture, fds, began);
		if (capture->end == END_NONE)
			read_records(capture);
	}
	if (process >= 0)
		close(process);
	tracer_detach(capture->tracer);
	read_records(capture);
}

/* An exit status, after it has said how many packets there were. */
static int finish(struct capture *capture)
{
	uint64_t lost = tracer_lost(capture->tracer);

	capture_output_end(&capture->output, clock_monotonic_ns(), lost);
	if (fflush(capture->output.out))
		capture->end = END_OUTPUT;
	if (capture->end == END_SERVER)
		fprintf(stderr, PROGRAM ": the turnserver (pid %u) has ended\n", capture->server.pid);
	fprintf(stderr, PROGRAM ": %llu packets captured, %llu lost\n", (unsigned long long)capture->output.packets,
		(unsigned long long)lost);
	if (lost)
		fputs(PROGRAM ": packets are lost when the reader is slower than the relay: narrow the filter, lower "
			      "--snaplen or raise --buffer\n",
		      stderr);
	if (capture->end == END_OUTPUT) {
		fputs(PROGRAM ": the output cannot be written\n", stderr);
		return EXIT_FAILURE;
	}
	return capture->end == END_SERVER ? EXIT_NO_SERVER : EXIT_SUCCESS;
}

int capture_run(const struct arguments *arguments)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	int status;

	if (!capture)
		return EXIT_FAILURE;
	capture->arguments = arguments;
	/* Nothing is open yet: 0 would be standard input. */
	memset(capture->tables.fd, 0xff, sizeof(capture->tables.fd));
	catch_signals();
	status = open_capture(capture);
	if (!status) {
		capture_output_begin(&capture->output);
		follow(capture);
		status = finish(capture);
	}
	tracer_close(capture->tracer);
	tables_close(&capture->tables);
	if (capture->output.out && capture->output.out != stdout)
		fclose(capture->output.out);
	free(capture);
	return status;
}
