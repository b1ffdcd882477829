// SPDX-License-Identifier: BSD-3-Clause
#include "pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUIET_MS 250
#define QUIET_MAX 20
#define EVENTS 64

struct run {
	const struct pipeline *pipeline;
	unsigned char *answered;
	unsigned int next, done, first; /* all below `first` are answered */
	int epoll;
};

static int request_send(const struct run *run, unsigned int i)
{
	const struct pipeline *pipeline = run->pipeline;
	struct turn_message request;

	pipeline->make(pipeline->context, i, &request);
	memcpy(request.transaction, &i, sizeof(i));
	/* A server that has not started yet answers with an ICMP error; what is lost is repeated. */
	if (send(pipeline->fds[i % pipeline->fd_count], &request, turn_size(&request), 0) < 0 &&
	    errno != ECONNREFUSED && errno != EAGAIN)
		return -errno;
	return 0;
}

/* One response; a late one to something else has another kind or a number that is answered. */
static int response_take(struct run *run, const struct turn_message *response, ssize_t size)
{
	const struct pipeline *pipeline = run->pipeline;
	struct turn_message request;
	unsigned int i;
	int error = 0;

	memcpy(&i, response->transaction, sizeof(i));
	if (size < 20 || turn_size(response) != (size_t)size || i >= run->next || run->answered[i])
		return 0;
	pipeline->make(pipeline->context, i, &request);
	if (!turn_answers(response, &request))
		return -EPROTO;
	if (pipeline->take)
		error = pipeline->take(pipeline->context, i, response);
	run->answered[i] = 1;
	run->done++;
	while (run->first < run->next && run->answered[run->first])
		run->first++;
	return error;
}

static int socket_read(struct run *run, int fd)
{
	struct turn_message response;
	ssize_t size;
	int error = 0;

	while (!error && ((size = recv(fd, &response, sizeof(response), MSG_DONTWAIT)) >= 0 || errno == ECONNREFUSED))
		if (size >= 0)
			error = response_take(run, &response, size);
	return error;
}

/* Fills the window. */
static int requests_send(struct run *run)
{
	const struct pipeline *pipeline = run->pipeline;
	int error = 0;

	while (!error && run->next < pipeline->count && run->next - run->done < pipeline->window)
		error = request_send(run, run->next++);
	return error;
}

static int requests_repeat(const struct run *run)
{
	int error = 0;

	for (unsigned int i = run->first; i < run->next && !error; i++)
		if (!run->answered[i])
			error = request_send(run, i);
	return error;
}

static int run_all(struct run *run)
{
	struct epoll_event events[EVENTS];
	int quiet = 0, error = 0;

	while (!error && run->done < run->pipeline->count) {
		int count;

		error = requests_send(run);
		count = error ? 0 : epoll_wait(run->epoll, events, EVENTS, QUIET_MS);
		if (count < 0)
			return -errno;
		for (int i = 0; i < count && !error; i++)
			error = socket_read(run, events[i].data.fd);
		if (count)
			quiet = 0;
		else if (!error)
			error = ++quiet < QUIET_MAX ? requests_repeat(run) : -ETIMEDOUT;
	}
	return error;
}

int pipeline_run(const struct pipeline *pipeline)
{
	struct run run = { .pipeline = pipeline };
	int error = 0;

	run.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (run.epoll < 0)
		return -errno;
	run.answered = calloc(pipeline->count, 1);
	if (!run.answered)
		error = -ENOMEM;
	for (unsigned int i = 0; i < pipeline->fd_count && !error; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.fd = pipeline->fds[i] };

		if (epoll_ctl(run.epoll, EPOLL_CTL_ADD, pipeline->fds[i], &event))
			error = -errno;
	}
	if (!error)
		error = run_all(&run);
	free(run.answered);
	close(run.epoll);
	return error;
}
