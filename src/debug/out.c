/* out.c - buffered text.  A descriptor that does not take it at once is given a
 * second: it may be a slow pipe, or one that nobody reads. */
#include "debug/out.h"

#include "kernel/calls.h"

#include <stdarg.h>
#include <string.h>

void ramet__out_open(struct out *o, int fd)
{
	o->fd = fd;
	o->err = 0;
	o->used = 0;
}

/* Returns 0 if the descriptor takes more, or -EAGAIN. */
static int wait_for_room(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	struct timespec second = {1, 0};

	return kernel_ppoll(&p, 1, &second) > 0 ? 0 : -EAGAIN;
}

static int write_all(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = kernel_write(fd, text, size);

		if (n == -EAGAIN)
			n = wait_for_room(fd);
		if (n == -EINTR)
			continue;
		if (n < 0)
			return (int)n;
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

static void flush(struct out *o)
{
	if (o->err == 0)
		o->err = write_all(o->fd, o->text, o->used);
	o->used = 0;
}

int ramet__out_close(struct out *o)
{
	flush(o);
	return o->err;
}

void ramet__put(struct out *o, const char *text, size_t size)
{
	while (size) {
		size_t room = sizeof o->text - o->used;
		size_t n = size < room ? size : room;

		memcpy(o->text + o->used, text, n);
		o->used += n;
		text += n;
		size -= n;
		if (o->used == sizeof o->text)
			flush(o);
	}
}

static void put_number(struct out *o, unsigned long n, unsigned base)
{
	char digits[20], *end = digits + sizeof digits, *at = end;

	do
		*--at = "0123456789abcdef"[n % base];
	while (n /= base);
	ramet__put(o, at, (size_t)(end - at));
}

static void put_int(struct out *o, int n)
{
	if (n < 0)
		ramet__put(o, "-", 1);
	put_number(o, n < 0 ? 0 - (unsigned long)n : (unsigned long)n, 10);
}

void ramet__print(struct out *o, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	for (size_t n; *fmt; fmt++) {
		n = strcspn(fmt, "%");
		ramet__put(o, fmt, n);
		fmt += n;
		if (!*fmt)
			break;
		switch (*++fmt) {
		case 's':
			text = va_arg(ap, const char *);
			ramet__put(o, text, strlen(text));
			break;
		case 'd':
			put_int(o, va_arg(ap, int));
			break;
		case 'l':
			put_number(o, va_arg(ap, unsigned long),
				   *++fmt == 'x' ? 16 : 10);
			break;
		default:
			ramet__put(o, fmt, 1);
		}
	}
	va_end(ap);
}

void ramet__put_name(struct out *o, const char *name, size_t size)
{
	for (; size && *name; size--, name++)
		ramet__put(o, *name < ' ' || *name == 0x7f ? "?" : name, 1);
}

void ramet__put_duration(struct out *o, int64_t ns)
{
	unsigned long ms = ns < 0 ? 0 : (unsigned long)(ns / RAMET_MS);

	if (ms < 1000)
		ramet__print(o, "%lu ms", ms);
	else if (ms < 600 * 1000)
		ramet__print(o, "%lu.%lu s", ms / 1000, ms % 1000 / 100);
	else
		ramet__print(o, "%lu min", ms / 60000);
}
