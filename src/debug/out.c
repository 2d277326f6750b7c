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

void ramet__out_flush(struct out *o)
{
	if (o->err == 0)
		o->err = write_all(o->fd, o->text, o->used);
	o->used = 0;
}

int ramet__out_close(struct out *o)
{
	ramet__out_flush(o);
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
			ramet__out_flush(o);
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

/* RFC 3629, 4. */
size_t ramet__character(const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;
	unsigned char c = *at, low = 0x80, high = 0xbf;
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (n > size || (c >= 0x80 && c < 0xc2) || c > 0xf4)
		return 0;
	if (c == 0xe0)
		low = 0xa0; /* shorter ones are not to be longer */
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xed)
		high = 0x9f; /* surrogates */
	else if (c == 0xf4)
		high = 0x8f; /* beyond the last one */
	for (size_t i = 1; i < n; i++) {
		if (at[i] < low || at[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

/* C0, DEL and C1, which come as one byte and as two. */
static bool is_control(const char *at, size_t length)
{
	unsigned char c = (unsigned char)at[length - 1];

	return length == 1 ? c < ' ' || c == 0x7f
			   : length == 2 && at[0] == '\xc2' && c < 0xa0;
}

void ramet__put_name(struct out *o, const char *name, size_t size)
{
	size_t n, end = strnlen(name, size);

	for (size_t i = 0; i < end; i += n) {
		n = ramet__character(name + i, end - i);
		if (n && !is_control(name + i, n))
			ramet__put(o, name + i, n);
		else
			ramet__put(o, "?", 1);
		n += !n;
	}
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
