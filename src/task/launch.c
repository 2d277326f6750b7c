/* launch.c - start a program without the loop standing still.
 *
 * Whoever starts a program stands still until the system has found it and read
 * its beginning, which on a slow disk takes long; so a helper thread does, when
 * it is its turn among the calls on files.  It has copies of all it needs: the
 * caller may leave earlier, and then the program, once it runs, is killed.
 *
 * One that shall die with the calling OS thread must be started by that thread.
 */
#include "task/launch.h"

#include "core/errand.h"
#include "kernel/calls.h"
#include "kernel/launch.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_PATH "/bin:/usr/bin"

struct job {
	struct errand errand;
	struct kernel_launch launch;
	int fds[3]; /* to close when it is done; -1 */
	bool begun;
	int error;
	char *room[]; /* the copies: pointers first, then text */
};

/* ---- copies ------------------------------------------------------------- */

/* Where they go; without a job they are only counted. */
struct copies {
	char **pointer;
	char *text;
	size_t pointers, bytes;
};

/* dir/name, or only name if dir has no size. */
static void copy_text(struct copies *c, const char *dir, size_t size,
		      const char *name)
{
	size_t slash = size && dir[size - 1] != '/';
	size_t name_size = strlen(name) + 1;

	c->pointers++;
	c->bytes += size + slash + name_size;
	if (!c->pointer)
		return;
	*c->pointer++ = c->text;
	memcpy(c->text, dir, size);
	if (slash)
		c->text[size] = '/';
	memcpy(c->text + size + slash, name, name_size);
	c->text += size + slash + name_size;
}

static void end_list(struct copies *c)
{
	c->pointers++;
	if (c->pointer)
		*c->pointer++ = NULL;
}

static char *const *copy_list(struct copies *c, char *const *list)
{
	char *const *start = c->pointer;

	for (; *list; list++)
		copy_text(c, "", 0, *list);
	end_list(c);
	return start;
}

/* All places where a program of that name may be.  An empty name is nowhere,
 * an empty place is the working directory. */
static char *const *copy_paths(struct copies *c, const char *name)
{
	char *const *start = c->pointer;
	const char *path = getenv("PATH");
	size_t size;

	if (!path)
		path = DEFAULT_PATH;
	if (!*name || strchr(name, '/')) {
		copy_text(c, "", 0, name);
		path = NULL;
	}
	for (; path; path = path[size] ? path + size + 1 : NULL) {
		size = strcspn(path, ":");
		copy_text(c, path, size, name);
	}
	end_list(c);
	return start;
}

/* Into k, if it is not NULL. */
static void copy_all(struct copies *c, struct kernel_launch *k,
		     char *const argv[], const struct ramet_process_opts *opts)
{
	char *const *paths = copy_paths(c, argv[0]);
	char *const *args = copy_list(c, argv);
	char *const *env = copy_list(c, opts->env ? opts->env : environ);
	char **dir = c->pointer;

	if (opts->dir)
		copy_text(c, "", 0, opts->dir);
	if (!k)
		return;
	k->paths = paths;
	k->argv = args;
	k->env = env;
	k->dir = opts->dir ? *dir : NULL;
}

/* ---- by a helper thread ------------------------------------------------- */

static void close_fds(const int fds[3])
{
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			kernel_close(fds[i]);
}

static void start(struct errand *e)
{
	struct job *job = container_of(e, struct job, errand);

	job->begun = true;
	job->error = ramet__kernel->launch(&job->launch);
	close_fds(job->fds);
}

/* What nobody asks for any more. */
static void kill_child(const struct kernel_launch *k)
{
	if (k->own_group)
		kernel_call(SYS_kill, -k->pid, SIGKILL, 0, 0, 0, 0);
	kernel_call(SYS_kill, k->pid, SIGKILL, 0, 0, 0, 0);
}

static void bury(struct errand *e)
{
	struct job *job = container_of(e, struct job, errand);
	const struct kernel_launch *k = &job->launch;
	bool known = k->pidfd >= 0;

	while (kernel_call(SYS_waitid, known ? P_PIDFD : P_PID,
			   known ? k->pidfd : k->pid, 0, WEXITED, 0,
			   0) == -EINTR)
		;
	if (known)
		kernel_close(k->pidfd);
	job->error = -ECHILD;
}

/* Its end may take a moment, so that is an errand again. */
static void drop(struct loop *l, struct errand *e)
{
	struct job *job = container_of(e, struct job, errand);

	if (!job->begun) {
		close_fds(job->fds);
	} else if (job->error == 0) {
		kill_child(&job->launch);
		e->run = bury;
		if (l && ramet__errand_send(l, e) == 0) {
			e->owner = NULL;
			return;
		}
		bury(e);
	}
	kernel_free(job);
}

/* ---- by the loop -------------------------------------------------------- */

static struct job *new_job(char *const argv[],
			   const struct ramet_process_opts *opts,
			   const int streams[3])
{
	struct copies c = {.pointer = NULL};
	struct job *job;

	copy_all(&c, NULL, argv, opts);
	job = kernel_alloc(sizeof *job + c.pointers * sizeof *job->room +
			   c.bytes);
	if (!job)
		return NULL;
	c = (struct copies){.pointer = job->room,
			    .text = (char *)(job->room + c.pointers)};
	copy_all(&c, &job->launch, argv, opts);
	job->launch.own_group = !opts->same_group;
	job->launch.dies_with_us = opts->dies_with_us != 0;
	memcpy(job->launch.streams, streams, sizeof job->launch.streams);
	memcpy(job->fds, streams, sizeof job->fds);
	job->errand.run = start;
	job->errand.drop = drop;
	job->errand.lane = LANE_FILE;
	return job;
}

static int run_job(struct loop *l, struct job *job)
{
	int err = -EAGAIN;

	if (!job->launch.dies_with_us)
		err = ramet__errand_send(l, &job->errand);
	if (err == 0)
		return ramet__errand_wait(l, &job->errand, WAIT_OFFLOAD, NULL,
					  NULL);
	start(&job->errand);
	ramet__spend(l);
	return 0;
}

int ramet__launch(struct loop *l, char *const argv[],
		  const struct ramet_process_opts *opts, const int streams[3],
		  struct launched *out)
{
	struct job *job = new_job(argv, opts, streams);
	int err;

	if (!job) {
		close_fds(streams);
		return -ENOMEM;
	}
	err = run_job(l, job);
	if (err < 0)
		return err; /* it is not ours any more */
	err = job->error;
	*out = (struct launched){job->launch.pid, job->launch.pidfd};
	kernel_free(job);
	return err;
}
