/* find.h - finds the file that is asked for without holding up the loop. */
#ifndef HTTP_FILES_FIND_H
#define HTTP_FILES_FIND_H

#include "core/core.h"
#include "http/files/beneath.h"
#include "http/files/root.h"

/* As ramet__beneath_find, below the directory `root`, which `kept` keeps open.
 * At once if the kernel knows all the names, else a helper looks.  Also
 * -ETIMEDOUT, -ECANCELED, -ENOMEM, -EAGAIN (no thread to be had). */
int ramet__file_find(struct loop *l, struct http_root *kept, const char *root,
		     const char *path, bool gzip, struct found *found);

/* The same for one file that is named by the program: links are followed. */
int ramet__file_open(struct loop *l, const char *path, struct found *found);

#endif
