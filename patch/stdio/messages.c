/* messages.c - printing without a FILE in one's hand: libc's messages, which go
 * to stderr, with its lock; and text for a descriptor. */
#include "patch/stdio/lock.h"

#include <stdlib.h>

/* Formats are the callers'. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* libc's, for programs compiled with _FORTIFY_SOURCE. */
int __vasprintf_chk(char **text, int flag, const char *format, va_list ap);

void HOOK(perror)(const char *what)
{
	FILE_HELD(held) = file_hold(stderr);
	libc.perror(what);
}

void HOOK(psignal)(int sig, const char *what)
{
	FILE_HELD(held) = file_hold(stderr);
	libc.psignal(sig, what);
}

void HOOK(psiginfo)(const siginfo_t *info, const char *what)
{
	FILE_HELD(held) = file_hold(stderr);
	libc.psiginfo(info, what);
}

/* ---- <err.h> ------------------------------------------------------------- */

void HOOK(vwarn)(const char *format, va_list ap)
{
	FILE_HELD(held) = file_hold(stderr);
	libc.vwarn(format, ap);
}

void HOOK(vwarnx)(const char *format, va_list ap)
{
	FILE_HELD(held) = file_hold(stderr);
	libc.vwarnx(format, ap);
}

/* Not libc's: exit runs the program's handlers, without the lock. */
void HOOK(verr)(int status, const char *format, va_list ap)
{
	HOOK(vwarn)(format, ap);
	exit(status);
}

void HOOK(verrx)(int status, const char *format, va_list ap)
{
	HOOK(vwarnx)(format, ap);
	exit(status);
}

#define WITH_LIST(...)                                                         \
	do {                                                                   \
		va_list ap;                                                    \
                                                                               \
		va_start(ap, format);                                          \
		__VA_ARGS__;                                                   \
		va_end(ap);                                                    \
	} while (0)

void HOOK(warn)(const char *format, ...)
{
	WITH_LIST(HOOK(vwarn)(format, ap));
}

void HOOK(warnx)(const char *format, ...)
{
	WITH_LIST(HOOK(vwarnx)(format, ap));
}

void HOOK(err)(int status, const char *format, ...)
{
	WITH_LIST(HOOK(verr)(status, format, ap));
}

void HOOK(errx)(int status, const char *format, ...)
{
	WITH_LIST(HOOK(verrx)(status, format, ap));
}

/* ---- <error.h> ----------------------------------------------------------- */

struct text {
	char *at;
};

static void text_free(struct text *t)
{
	free(t->at);
}

#define TEXT(name) struct text name __attribute__((cleanup(text_free)))

/* libc flushes stdout first.  Always in this order. */
static void report(int err, const char *file, unsigned line, const char *text)
{
	FILE_HELD(out) = file_hold(stdout);
	FILE_HELD(held) = file_hold(stderr);

	if (file)
		libc.error_at_line(0, err, file, line, "%s", text);
	else
		libc.error(0, err, "%s", text);
}

/* There is no function of libc's that takes a list.  Returns what is to be
 * printed. */
__attribute__((format(printf, 2, 0))) static const char *print(
	struct text *t, const char *format, va_list ap)
{
	int saved = errno;

	if (vasprintf(&t->at, format, ap) < 0)
		t->at = NULL;
	errno = saved;
	return t->at ? t->at : format;
}

void HOOK(error)(int status, int err, const char *format, ...)
{
	TEXT(t) = {NULL};

	WITH_LIST(report(err, NULL, 0, print(&t, format, ap)));
	if (status)
		exit(status);
}

void HOOK(error_at_line)(int status, int err, const char *file, unsigned line,
			 const char *format, ...)
{
	TEXT(t) = {NULL};

	WITH_LIST(report(err, file, line, print(&t, format, ap)));
	if (status)
		exit(status);
}

/* ---- <assert.h> ---------------------------------------------------------- */

void HOOK(__assert_fail)(const char *what, const char *file, unsigned line,
			 const char *function)
{
	FILE_HELD(held) = file_hold(stderr);
	libc.__assert_fail(what, file, line, function);
}

void HOOK(__assert_perror_fail)(int err, const char *file, unsigned line,
				const char *function)
{
	FILE_HELD(held) = file_hold(stderr);
	libc.__assert_perror_fail(err, file, line, function);
}

/* ---- to a descriptor ----------------------------------------------------- */

/* Returns n, which is how long the text is, or -1. */
static int put(int fd, const struct text *t, int n)
{
	for (int done = 0; done < n;) {
		ssize_t m = HOOK(write)(fd, t->at + done, (size_t)(n - done));

		if (m < 0)
			return -1;
		done += (int)m;
	}
	return n;
}

int HOOK(vdprintf)(int fd, const char *format, va_list ap)
{
	TEXT(t) = {NULL};
	int n;

	if (!hook_loop(RAMET_STDIO))
		return libc.vdprintf(fd, format, ap);
	n = vasprintf(&t.at, format, ap);
	if (n < 0)
		t.at = NULL;
	return n < 0 ? -1 : put(fd, &t, n);
}

int HOOK(__vdprintf_chk)(int fd, int flag, const char *format, va_list ap)
{
	TEXT(t) = {NULL};
	int n;

	if (!hook_loop(RAMET_STDIO))
		return libc.__vdprintf_chk(fd, flag, format, ap);
	n = __vasprintf_chk(&t.at, flag, format, ap);
	if (n < 0)
		t.at = NULL;
	return n < 0 ? -1 : put(fd, &t, n);
}

int HOOK(dprintf)(int fd, const char *format, ...)
{
	int n;

	WITH_LIST(n = HOOK(vdprintf)(fd, format, ap));
	return n;
}

int HOOK(__dprintf_chk)(int fd, int flag, const char *format, ...)
{
	int n;

	WITH_LIST(n = HOOK(__vdprintf_chk)(fd, flag, format, ap));
	return n;
}
