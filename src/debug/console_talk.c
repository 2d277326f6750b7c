/* console_talk.c - lines of a client, and their answers.
 *
 * An answer is written to memory first and sent from there: while it is made
 * nothing waits for the client, and one that does not read is let go of.
 */
#include "debug/console.h"
#include "debug/out.h"

#include "io/sock.h"
#include "kernel/calls.h"

#include <string.h>
#include <sys/mman.h>

enum { LINE_ROOM = 256, PATIENCE_S = 5 /* for an answer to be taken */ };

static ssize_t receive(struct talk *t, char *at, size_t room)
{
	struct loop *l = t->loop;
	ssize_t n;

	l->tools_outside++;
	n = ramet__sock_recv(t->fd, at, room, 0, NULL, NULL);
	l->tools_outside--;
	return n;
}

static int send_all(struct talk *t, const char *text, size_t size)
{
	struct loop *l = t->loop;
	struct ramet_scope scope = {0};
	ssize_t n;

	ramet_scope_open(&scope, PATIENCE_S * RAMET_SEC);
	l->tools_outside++;
	n = ramet__sock_send(t->fd, text, size, MSG_NOSIGNAL, NULL, 0);
	l->tools_outside--;
	ramet_scope_close(&scope);
	return n < 0 ? (int)n : n < (ssize_t)size ? -EPIPE : 0;
}

static int send_text(struct talk *t, const char *text)
{
	return send_all(t, text, strlen(text));
}

/* What is in the memory of descriptor fd. */
static int send_answer(struct talk *t, int fd)
{
	char text[2048];
	off_t at = 0;
	long n;
	int err = 0;

	while (err == 0) {
		n = kernel_call(SYS_pread64, fd, KERNEL_ARG(text), sizeof text,
				at, 0, 0);
		if (n <= 0)
			return (int)n;
		err = send_all(t, text, (size_t)n);
		at += n;
	}
	return err;
}

/* Returns 0, or what ends the conversation. */
static int answer(struct talk *t, const char *line)
{
	int err, fd = (int)kernel_call(SYS_memfd_create,
				       KERNEL_ARG("ramet-console"), MFD_CLOEXEC,
				       0, 0, 0, 0);

	if (fd < 0)
		return send_text(t, "error: no memory for the answer\n> ");
	if (ramet__command(t->loop, line, fd) == COMMAND_QUIT)
		err = -ECANCELED;
	else
		err = send_answer(t, fd);
	kernel_close(fd);
	return err < 0 ? err : send_text(t, "> ");
}

/* Lines of a client.  One that is too long is skipped. */
struct input {
	char text[LINE_ROOM];
	size_t used;
	bool skips;
};

/* Take a line out, without its end.  Returns whether there was one. */
static bool take_line(struct input *in, char line[LINE_ROOM])
{
	char *end = memchr(in->text, '\n', in->used);
	size_t n = end ? (size_t)(end - in->text) : 0;

	if (!end)
		return false;
	memcpy(line, in->text, n);
	line[n] = '\0';
	in->used -= n + 1;
	memmove(in->text, end + 1, in->used);
	return true;
}

static int take_all(struct talk *t, struct input *in)
{
	char line[LINE_ROOM];
	int err = 0;

	while (err == 0 && take_line(in, line)) {
		if (in->skips)
			err = send_text(t, "error: the line is too long\n> ");
		else
			err = answer(t, line);
		in->skips = false;
	}
	if (in->used == sizeof in->text) {
		in->skips = true;
		in->used = 0;
	}
	return err;
}

static void greet(struct talk *t)
{
	struct out o;

	ramet__out_open(&o, -1); /* it stays in the buffer */
	ramet__print(&o,
		     "ramet console of process %lu, thread %lu; \"help\" lists "
		     "the commands\n> ",
		     (unsigned long)kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0),
		     (unsigned long)kernel_call(SYS_gettid, 0, 0, 0, 0, 0, 0));
	send_all(t, o.text, o.used);
}

void ramet__console_talk(struct talk *t)
{
	struct input in = {.used = 0};
	ssize_t n;

	greet(t);
	do {
		n = receive(t, in.text + in.used, sizeof in.text - in.used);
		if (n > 0)
			in.used += (size_t)n;
	} while (n > 0 && take_all(t, &in) == 0);
	if (n == 0 && in.used && !in.skips && in.used < sizeof in.text) {
		in.text[in.used++] = '\n'; /* the last line has no end */
		take_all(t, &in);
	}
}
