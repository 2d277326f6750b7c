/* popen.c - pipes to commands.  Opening one does not wait; closing waits for
 * the command, inside libc, which alone knows the process: so a helper thread
 * does it. */
#include "patch/os/mask.h"

#include "core/errand.h"

FILE *HOOK(popen)(const char *command, const char *mode)
{
	FILE *f;

	os_mask_own();
	f = libc.popen(command, mode);
	os_mask_all();
	return f;
}

struct closing {
	struct errand errand;
	FILE *file;
	int result, error;
};

static void close_it(struct errand *e)
{
	struct closing *c = container_of(e, struct closing, errand);

	c->result = libc.pclose(c->file);
	c->error = errno;
}

static void drop(struct loop *l, struct errand *e)
{
	(void)l;
	kernel_free(container_of(e, struct closing, errand));
}

/* The stream is gone whatever ends the wait, as POSIX has it. */
int HOOK(pclose)(FILE *stream)
{
	struct loop *l = hook_loop(RAMET_OS);
	struct closing *c = l ? kernel_alloc(sizeof *c) : NULL;
	int err, result;

	if (!c)
		return libc.pclose(stream);
	*c = (struct closing){.errand = {.run = close_it, .drop = drop},
			      .file = stream};
	err = ramet__errand_send(l, &c->errand);
	if (err < 0) {
		drop(l, &c->errand);
		return libc.pclose(stream);
	}
	err = ramet__errand_wait(l, &c->errand, WAIT_OFFLOAD, NULL, NULL);
	if (err < 0)
		return (int)ramet__fail(err);
	result = c->result;
	if (result < 0)
		errno = c->error;
	drop(l, &c->errand);
	return result;
}
