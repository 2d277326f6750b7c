/* option.c - setsockopt, as far as it changes how calls wait. */
#include "patch/socket/call.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

/* By their numbers: which of them the names mean depends on the word size. */
enum {
	RCVTIMEO_OLD = 20,
	SNDTIMEO_OLD = 21,
	RCVTIMEO_NEW = 66,
	SNDTIMEO_NEW = 67,
};

static void set_lingers(int fd, const struct linger *linger)
{
	struct info *info = ramet__info_known(fd);

	if (info)
		info->lingers = linger->l_onoff && linger->l_linger > 0;
}

static void on_socket(int fd, int name, const void *value)
{
	switch (name) {
	case RCVTIMEO_OLD:
	case SNDTIMEO_OLD:
	case RCVTIMEO_NEW:
	case SNDTIMEO_NEW:
		ramet__mode_limits(fd);
		break;
	case SO_LINGER:
		set_lingers(fd, value);
		break;
	}
}

/* From now on what is read are records: a short read may leave others. */
static void on_protocol(int fd)
{
	struct loop *l = hook_loop(RAMET_SOCKET);
	struct info *info = ramet__info_known(fd);
	struct fd *f = l ? ramet__fd(l, fd) : NULL;

	if (info)
		__atomic_store_n(&info->kind, FD_STREAM, __ATOMIC_RELAXED);
	if (f) {
		f->kind = FD_STREAM;
		f->drained = false;
	}
}

int HOOK(setsockopt)(int fd, int level, int name, const void *value,
		     socklen_t size)
{
	int err = libc.setsockopt(fd, level, name, value, size);

	if (err < 0 || !call_counts())
		return err;
	if (level == SOL_SOCKET)
		on_socket(fd, name, value);
	else if (level == IPPROTO_TCP && name == TCP_ULP)
		on_protocol(fd);
	return err;
}
