/* table.h - the functions of group stdio: see patch/engine/table.h.
 *
 * Nearly all are alike, so a row here also has what its replacement does: which
 * FILE's lock it takes, and how it calls libc.  calls.c makes them.
 */
#ifndef PATCH_STDIO_TABLE_H
#define PATCH_STDIO_TABLE_H

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <wchar.h>

/* Y(X, type, name, (parameters), (arguments), FILE): libc locks the FILE.  One
 * character: */
#define STDIO_GET(Y, X)                                                        \
	Y(X, int, fgetc, (FILE * f), (f), f)                                   \
	Y(X, int, getc, (FILE * f), (f), f)                                    \
	Y(X, int, _IO_getc, (FILE * f), (f), f)                                \
	Y(X, int, getchar, (void), (), stdin)

#define STDIO_PUT(Y, X)                                                        \
	Y(X, int, fputc, (int c, FILE *f), (c, f), f)                          \
	Y(X, int, putc, (int c, FILE *f), (c, f), f)                           \
	Y(X, int, _IO_putc, (int c, FILE *f), (c, f), f)                       \
	Y(X, int, putchar, (int c), (c), stdout)

#define STDIO_LOCKED(Y, X)                                                     \
	/* reading */                                                          \
	Y(X, int, getw, (FILE * f), (f), f)                                    \
	Y(X, int, ungetc, (int c, FILE *f), (c, f), f)                         \
	Y(X, char *, fgets, (char *s, int n, FILE *f), (s, n, f), f)           \
	Y(X, char *, __fgets_chk, (char *s, size_t room, int n, FILE *f),      \
	  (s, room, n, f), f)                                                  \
	Y(X, char *, gets, (char *s), (s), stdin)                              \
	Y(X, char *, __gets_chk, (char *s, size_t room), (s, room), stdin)     \
	Y(X, size_t, fread, (void *p, size_t size, size_t n, FILE *f),         \
	  (p, size, n, f), f)                                                  \
	Y(X, size_t, __fread_chk,                                              \
	  (void *p, size_t room, size_t size, size_t n, FILE *f),              \
	  (p, room, size, n, f), f)                                            \
	Y(X, ssize_t, getline, (char **s, size_t *room, FILE *f),              \
	  (s, room, f), f)                                                     \
	Y(X, ssize_t, getdelim, (char **s, size_t *room, int end, FILE *f),    \
	  (s, room, end, f), f)                                                \
	Y(X, ssize_t, __getdelim, (char **s, size_t *room, int end, FILE *f),  \
	  (s, room, end, f), f)                                                \
	Y(X, int, vfscanf, (FILE * f, const char *format, va_list ap),         \
	  (f, format, ap), f)                                                  \
	Y(X, int, vscanf, (const char *format, va_list ap), (format, ap),      \
	  stdin)                                                               \
	Y(X, int, __isoc99_vfscanf,                                            \
	  (FILE * f, const char *format, va_list ap), (f, format, ap), f)      \
	Y(X, int, __isoc99_vscanf, (const char *format, va_list ap),           \
	  (format, ap), stdin)                                                 \
	Y(X, int, __isoc23_vfscanf,                                            \
	  (FILE * f, const char *format, va_list ap), (f, format, ap), f)      \
	Y(X, int, __isoc23_vscanf, (const char *format, va_list ap),           \
	  (format, ap), stdin)                                                 \
	/* writing */                                                          \
	Y(X, int, putw, (int w, FILE *f), (w, f), f)                           \
	Y(X, int, fputs, (const char *s, FILE *f), (s, f), f)                  \
	Y(X, int, puts, (const char *s), (s), stdout)                          \
	Y(X, size_t, fwrite, (const void *p, size_t size, size_t n, FILE *f),  \
	  (p, size, n, f), f)                                                  \
	Y(X, int, vfprintf, (FILE * f, const char *format, va_list ap),        \
	  (f, format, ap), f)                                                  \
	Y(X, int, vprintf, (const char *format, va_list ap), (format, ap),     \
	  stdout)                                                              \
	Y(X, int, __vfprintf_chk,                                              \
	  (FILE * f, int flag, const char *format, va_list ap),                \
	  (f, flag, format, ap), f)                                            \
	Y(X, int, __vprintf_chk, (int flag, const char *format, va_list ap),   \
	  (flag, format, ap), stdout)                                          \
	/* wide */                                                             \
	Y(X, wint_t, fgetwc, (FILE * f), (f), f)                               \
	Y(X, wint_t, getwc, (FILE * f), (f), f)                                \
	Y(X, wint_t, getwchar, (void), (), stdin)                              \
	Y(X, wint_t, ungetwc, (wint_t c, FILE *f), (c, f), f)                  \
	Y(X, wchar_t *, fgetws, (wchar_t * s, int n, FILE *f), (s, n, f), f)   \
	Y(X, wchar_t *, __fgetws_chk,                                          \
	  (wchar_t * s, size_t room, int n, FILE *f), (s, room, n, f), f)      \
	Y(X, wint_t, fputwc, (wchar_t c, FILE *f), (c, f), f)                  \
	Y(X, wint_t, putwc, (wchar_t c, FILE *f), (c, f), f)                   \
	Y(X, wint_t, putwchar, (wchar_t c), (c), stdout)                       \
	Y(X, int, fputws, (const wchar_t *s, FILE *f), (s, f), f)              \
	Y(X, int, vfwprintf, (FILE * f, const wchar_t *format, va_list ap),    \
	  (f, format, ap), f)                                                  \
	Y(X, int, vwprintf, (const wchar_t *format, va_list ap), (format, ap), \
	  stdout)                                                              \
	Y(X, int, __vfwprintf_chk,                                             \
	  (FILE * f, int flag, const wchar_t *format, va_list ap),             \
	  (f, flag, format, ap), f)                                            \
	Y(X, int, __vwprintf_chk,                                              \
	  (int flag, const wchar_t *format, va_list ap), (flag, format, ap),   \
	  stdout)                                                              \
	Y(X, int, vfwscanf, (FILE * f, const wchar_t *format, va_list ap),     \
	  (f, format, ap), f)                                                  \
	Y(X, int, vwscanf, (const wchar_t *format, va_list ap), (format, ap),  \
	  stdin)                                                               \
	Y(X, int, __isoc99_vfwscanf,                                           \
	  (FILE * f, const wchar_t *format, va_list ap), (f, format, ap), f)   \
	Y(X, int, __isoc99_vwscanf, (const wchar_t *format, va_list ap),       \
	  (format, ap), stdin)                                                 \
	Y(X, int, __isoc23_vfwscanf,                                           \
	  (FILE * f, const wchar_t *format, va_list ap), (f, format, ap), f)   \
	Y(X, int, __isoc23_vwscanf, (const wchar_t *format, va_list ap),       \
	  (format, ap), stdin)                                                 \
	/* the rest */                                                         \
	Y(X, int, feof, (FILE * f), (f), f)                                    \
	Y(X, int, ferror, (FILE * f), (f), f)                                  \
	Y(X, void, clearerr, (FILE * f), (f), f)                               \
	Y(X, int, fseek, (FILE * f, long to, int from), (f, to, from), f)      \
	Y(X, int, fseeko, (FILE * f, off_t to, int from), (f, to, from), f)    \
	Y(X, int, fseeko64, (FILE * f, off64_t to, int from), (f, to, from),   \
	  f)                                                                   \
	Y(X, long, ftell, (FILE * f), (f), f)                                  \
	Y(X, off_t, ftello, (FILE * f), (f), f)                                \
	Y(X, off64_t, ftello64, (FILE * f), (f), f)                            \
	Y(X, void, rewind, (FILE * f), (f), f)                                 \
	Y(X, int, fgetpos, (FILE * f, fpos_t *at), (f, at), f)                 \
	Y(X, int, fgetpos64, (FILE * f, fpos64_t *at), (f, at), f)             \
	Y(X, int, fsetpos, (FILE * f, const fpos_t *at), (f, at), f)           \
	Y(X, int, fsetpos64, (FILE * f, const fpos64_t *at), (f, at), f)       \
	Y(X, int, setvbuf, (FILE * f, char *buf, int mode, size_t size),       \
	  (f, buf, mode, size), f)                                             \
	Y(X, void, setbuf, (FILE * f, char *buf), (f, buf), f)                 \
	Y(X, void, setbuffer, (FILE * f, char *buf, size_t size),              \
	  (f, buf, size), f)                                                   \
	Y(X, void, setlinebuf, (FILE * f), (f), f)                             \
	Y(X, FILE *, freopen, (const char *path, const char *mode, FILE *f),   \
	  (path, mode, f), f)                                                  \
	Y(X, FILE *, freopen64, (const char *path, const char *mode, FILE *f), \
	  (path, mode, f), f)

/* The same, libc does not lock; the last ones are what the macros of programs
 * call that were compiled to look into FILEs. */
#define STDIO_UNLOCKED(Y, X)                                                   \
	Y(X, int, fgetc_unlocked, (FILE * f), (f), f)                          \
	Y(X, int, getc_unlocked, (FILE * f), (f), f)                           \
	Y(X, int, getchar_unlocked, (void), (), stdin)                         \
	Y(X, char *, fgets_unlocked, (char *s, int n, FILE *f), (s, n, f), f)  \
	Y(X, char *, __fgets_unlocked_chk,                                     \
	  (char *s, size_t room, int n, FILE *f), (s, room, n, f), f)          \
	Y(X, size_t, fread_unlocked,                                           \
	  (void *p, size_t size, size_t n, FILE *f), (p, size, n, f), f)       \
	Y(X, size_t, __fread_unlocked_chk,                                     \
	  (void *p, size_t room, size_t size, size_t n, FILE *f),              \
	  (p, room, size, n, f), f)                                            \
	Y(X, int, fputc_unlocked, (int c, FILE *f), (c, f), f)                 \
	Y(X, int, putc_unlocked, (int c, FILE *f), (c, f), f)                  \
	Y(X, int, putchar_unlocked, (int c), (c), stdout)                      \
	Y(X, int, fputs_unlocked, (const char *s, FILE *f), (s, f), f)         \
	Y(X, size_t, fwrite_unlocked,                                          \
	  (const void *p, size_t size, size_t n, FILE *f), (p, size, n, f), f) \
	Y(X, wint_t, fgetwc_unlocked, (FILE * f), (f), f)                      \
	Y(X, wint_t, getwc_unlocked, (FILE * f), (f), f)                       \
	Y(X, wint_t, getwchar_unlocked, (void), (), stdin)                     \
	Y(X, wchar_t *, fgetws_unlocked, (wchar_t * s, int n, FILE *f),        \
	  (s, n, f), f)                                                        \
	Y(X, wchar_t *, __fgetws_unlocked_chk,                                 \
	  (wchar_t * s, size_t room, int n, FILE *f), (s, room, n, f), f)      \
	Y(X, wint_t, fputwc_unlocked, (wchar_t c, FILE *f), (c, f), f)         \
	Y(X, wint_t, putwc_unlocked, (wchar_t c, FILE *f), (c, f), f)          \
	Y(X, wint_t, putwchar_unlocked, (wchar_t c), (c), stdout)              \
	Y(X, int, fputws_unlocked, (const wchar_t *s, FILE *f), (s, f), f)     \
	Y(X, int, __uflow, (FILE * f), (f), f)                                 \
	Y(X, int, __underflow, (FILE * f), (f), f)                             \
	Y(X, int, __overflow, (FILE * f, int c), (f, c), f)                    \
	Y(X, wint_t, __wuflow, (FILE * f), (f), f)                             \
	Y(X, wint_t, __wunderflow, (FILE * f), (f), f)                         \
	Y(X, wint_t, __woverflow, (FILE * f, wint_t c), (f, c), f)

/* Y(X, type, name, (parameters), name of the function that takes a va_list,
 * (its arguments), FILE). */
#define STDIO_VARIADIC(Y, X)                                                   \
	Y(X, int, fprintf, (FILE * f, const char *format, ...), vfprintf,      \
	  (f, format, ap), f)                                                  \
	Y(X, int, printf, (const char *format, ...), vfprintf,                 \
	  (stdout, format, ap), stdout)                                        \
	Y(X, int, __fprintf_chk,                                               \
	  (FILE * f, int flag, const char *format, ...), __vfprintf_chk,       \
	  (f, flag, format, ap), f)                                            \
	Y(X, int, __printf_chk, (int flag, const char *format, ...),           \
	  __vfprintf_chk, (stdout, flag, format, ap), stdout)                  \
	Y(X, int, fscanf, (FILE * f, const char *format, ...), vfscanf,        \
	  (f, format, ap), f)                                                  \
	Y(X, int, scanf, (const char *format, ...), vfscanf,                   \
	  (stdin, format, ap), stdin)                                          \
	Y(X, int, __isoc99_fscanf, (FILE * f, const char *format, ...),        \
	  __isoc99_vfscanf, (f, format, ap), f)                                \
	Y(X, int, __isoc99_scanf, (const char *format, ...), __isoc99_vfscanf, \
	  (stdin, format, ap), stdin)                                          \
	Y(X, int, __isoc23_fscanf, (FILE * f, const char *format, ...),        \
	  __isoc23_vfscanf, (f, format, ap), f)                                \
	Y(X, int, __isoc23_scanf, (const char *format, ...), __isoc23_vfscanf, \
	  (stdin, format, ap), stdin)                                          \
	Y(X, int, fwprintf, (FILE * f, const wchar_t *format, ...), vfwprintf, \
	  (f, format, ap), f)                                                  \
	Y(X, int, wprintf, (const wchar_t *format, ...), vfwprintf,            \
	  (stdout, format, ap), stdout)                                        \
	Y(X, int, __fwprintf_chk,                                              \
	  (FILE * f, int flag, const wchar_t *format, ...), __vfwprintf_chk,   \
	  (f, flag, format, ap), f)                                            \
	Y(X, int, __wprintf_chk, (int flag, const wchar_t *format, ...),       \
	  __vfwprintf_chk, (stdout, flag, format, ap), stdout)                 \
	Y(X, int, fwscanf, (FILE * f, const wchar_t *format, ...), vfwscanf,   \
	  (f, format, ap), f)                                                  \
	Y(X, int, wscanf, (const wchar_t *format, ...), vfwscanf,              \
	  (stdin, format, ap), stdin)                                          \
	Y(X, int, __isoc99_fwscanf, (FILE * f, const wchar_t *format, ...),    \
	  __isoc99_vfwscanf, (f, format, ap), f)                               \
	Y(X, int, __isoc99_wscanf, (const wchar_t *format, ...),               \
	  __isoc99_vfwscanf, (stdin, format, ap), stdin)                       \
	Y(X, int, __isoc23_fwscanf, (FILE * f, const wchar_t *format, ...),    \
	  __isoc23_vfwscanf, (f, format, ap), f)                               \
	Y(X, int, __isoc23_wscanf, (const wchar_t *format, ...),               \
	  __isoc23_vfwscanf, (stdin, format, ap), stdin)

/* These have replacements of their own. */
#define STDIO_OTHERS(X)                                                        \
	X(RAMET_STDIO, void, flockfile, (FILE * f))                            \
	X(RAMET_STDIO, int, ftrylockfile, (FILE * f))                          \
	X(RAMET_STDIO, void, funlockfile, (FILE * f))                          \
	X(RAMET_STDIO, int, fclose, (FILE * f))                                \
	X(RAMET_STDIO, int, fcloseall, (void))                                 \
	X(RAMET_STDIO, int, fflush, (FILE * f))                                \
	X(RAMET_STDIO, int, fflush_unlocked, (FILE * f))                       \
	X(RAMET_STDIO, void, _flushlbf, (void))

/* Messages to stderr, some of which end the program. */
#define STDIO_MESSAGES(X)                                                      \
	X(RAMET_STDIO, void, perror, (const char *what))                       \
	X(RAMET_STDIO, void, psignal, (int sig, const char *what))             \
	X(RAMET_STDIO, void, psiginfo,                                         \
	  (const siginfo_t *info, const char *what))                           \
	X(RAMET_STDIO, void, warn, (const char *format, ...))                  \
	X(RAMET_STDIO, void, vwarn, (const char *format, va_list ap))          \
	X(RAMET_STDIO, void, warnx, (const char *format, ...))                 \
	X(RAMET_STDIO, void, vwarnx, (const char *format, va_list ap))         \
	X(RAMET_STDIO, void, err, (int status, const char *format, ...))       \
	X(RAMET_STDIO, void, verr,                                             \
	  (int status, const char *format, va_list ap))                        \
	X(RAMET_STDIO, void, errx, (int status, const char *format, ...))      \
	X(RAMET_STDIO, void, verrx,                                            \
	  (int status, const char *format, va_list ap))                        \
	X(RAMET_STDIO, void, error,                                            \
	  (int status, int err, const char *format, ...))                      \
	X(RAMET_STDIO, void, error_at_line,                                    \
	  (int status, int err, const char *file, unsigned line,               \
	   const char *format, ...))                                           \
	X(RAMET_STDIO, void, __assert_fail,                                    \
	  (const char *what, const char *file, unsigned line,                  \
	   const char *function))                                              \
	X(RAMET_STDIO, void, __assert_perror_fail,                             \
	  (int err, const char *file, unsigned line, const char *function))

/* To a descriptor, without a FILE. */
#define STDIO_DESCRIPTORS(X)                                                   \
	X(RAMET_STDIO, int, dprintf, (int fd, const char *format, ...))        \
	X(RAMET_STDIO, int, vdprintf,                                          \
	  (int fd, const char *format, va_list ap))                            \
	X(RAMET_STDIO, int, __dprintf_chk,                                     \
	  (int fd, int flag, const char *format, ...))                         \
	X(RAMET_STDIO, int, __vdprintf_chk,                                    \
	  (int fd, int flag, const char *format, va_list ap))

#define STDIO_ROW(X, type, name, params, ...)                                  \
	X(RAMET_STDIO, type, name, params)

#define PATCH_STDIO(X)                                                         \
	STDIO_GET(STDIO_ROW, X)                                                \
	STDIO_PUT(STDIO_ROW, X)                                                \
	STDIO_LOCKED(STDIO_ROW, X)                                             \
	STDIO_UNLOCKED(STDIO_ROW, X)                                           \
	STDIO_VARIADIC(STDIO_ROW, X)                                           \
	STDIO_OTHERS(X)                                                        \
	STDIO_MESSAGES(X)                                                      \
	STDIO_DESCRIPTORS(X)

#endif
