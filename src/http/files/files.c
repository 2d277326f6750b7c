/* files.c - the public calls: one file, and all below a directory. */
#include "http/files/answer.h"
#include "http/files/directory.h"
#include "http/files/find.h"
#include "http/files/page.h"
#include "http/files/text.h"
#include "http/files/type.h"

#include "core/core.h"
#include "http/server.h"

#include <string.h>

/* ---- one file ------------------------------------------------------------ */

static int answer_file(struct ramet_http *h, const char *path, const char *type)
{
	struct loop *l = ramet__loop();
	struct found found;
	int err;

	if (!path)
		return -EFAULT;
	if (h->stage != HTTP_ASKED)
		return -EALREADY;
	if (!ramet__file_is_asked(h, &err))
		return err;
	err = ramet__file_open(l, path, &found);
	if (err < 0)
		return err;
	err = ramet__file_answer(h, &found,
				 type ? type : ramet__media_type(path));
	ramet__file_close(&found);
	return err;
}

int ramet_http_file(struct ramet_http *h, const char *path, const char *type)
{
	return (int)ramet__ret(answer_file(h, path, type));
}

/* ---- those below a directory --------------------------------------------- */

/* What is said where nothing can be opened; 0: nothing, it is the caller's. */
static int status_of(int err)
{
	switch (err) {
	case -ETIMEDOUT:
	case -ECANCELED:
		return 0;
	case -ENOENT:
	case -ENOTDIR:
	case -ELOOP:
	case -EXDEV: /* it leaves the root */
	case -ENAMETOOLONG:
	case -EINVAL:
	case -ENXIO:
		return 404;
	case -EACCES:
	case -EPERM:
		return 403;
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -EAGAIN:
		return 503;
	default:
		return 500;
	}
}

static int answer_error(struct ramet_http *h, int err)
{
	int status = status_of(err);

	return status ? ramet__http_fail(h, status) : err;
}

/* The same with a slash; it begins with one slash alone, or a browser would
 * take what follows for a host. */
static int answer_slash(struct ramet_http *h)
{
	const char *path = h->path + strspn(h->path, "/");
	size_t size = TEXT_URL_MAX(strlen(path)) + strlen(h->query) + 3;
	char *to, *location = ramet__http_alloc(h, size);
	int err;

	if (!location)
		return -ENOMEM;
	*location = '/';
	to = ramet__text_url(location + 1, path);
	to = stpcpy(to, "/");
	if (*h->query)
		stpcpy(stpcpy(to, "?"), h->query);
	err = ramet__http_set(h, "Location", location);
	return err < 0 ? err : ramet__http_fail(h, 301);
}

/* The helper takes the descriptor over. */
static int answer_list(struct ramet_http *h, struct found *found)
{
	struct directory *d;
	int fd = found->fd, err;

	found->fd = -1;
	err = ramet__directory_read(ramet__loop(), fd, &d);
	if (err < 0)
		return answer_error(h, err);
	err = ramet__page_answer(h, h->path, d);
	ramet__directory_free(d);
	return err;
}

static int answer_found(struct ramet_http *h, struct found *found, bool list)
{
	const char *path = h->path;
	size_t size = strlen(path);

	if (!S_ISDIR(found->st.st_mode))
		return ramet__file_answer(h, found,
					  path[size - 1] == '/'
						  ? "text/html; charset=utf-8"
						  : ramet__media_type(path));
	if (path[size - 1] != '/')
		return answer_slash(h);
	return list ? answer_list(h, found) : ramet__http_fail(h, 403);
}

static int answer_files(struct ramet_http *h, const char *root, bool list)
{
	struct found found;
	int err;

	if (!root)
		return -EFAULT;
	if (h->stage != HTTP_ASKED)
		return -EALREADY;
	if (!ramet__file_is_asked(h, &err))
		return err;
	if (*h->path != '/') /* "*", "" */
		return ramet__http_fail(h, 404);
	err = ramet__file_find(ramet__loop(), &h->server->root, root,
			       h->path + 1, ramet__file_gzip_accepted(h),
			       &found);
	if (err < 0)
		return answer_error(h, err);
	err = answer_found(h, &found, list);
	ramet__file_close(&found);
	return err;
}

int ramet_http_files(struct ramet_http *h, const char *root, int list)
{
	return (int)ramet__ret(answer_files(h, root, list));
}
