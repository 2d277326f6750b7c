/* tasks.c - reads /proc/self/task. */
#include "patch/engine/tasks.h"

#include "kernel/calls.h"

#include <string.h>

/* One record of getdents64(2). */
struct record {
	uint64_t inode;
	int64_t offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

static int open_at(int dir, const char *path, int flags)
{
	return (int)kernel_call(SYS_openat, dir, KERNEL_ARG(path),
				flags | O_RDONLY | O_CLOEXEC, 0, 0, 0);
}

/* Threads that have just ended have no name. */
static bool is_foreign(int dir, const char *task)
{
	char path[32], name[16] = "";
	size_t length = strlen(task);
	int fd;
	ssize_t n;

	if (*task == '.' || length > sizeof path - sizeof "/comm")
		return false;
	memcpy(path, task, length);
	memcpy(path + length, "/comm", sizeof "/comm");
	fd = open_at(dir, path, 0);
	if (fd < 0)
		return false;
	n = kernel_read(fd, name, sizeof name);
	kernel_close(fd);
	return n > 0 && strncmp(name, "ramet ", 6) != 0 &&
	       strncmp(name, "iou-", 4) != 0;
}

static int count(int dir, const char *buf, ssize_t size)
{
	int found = 0;

	for (ssize_t at = 0; at < size;) {
		const struct record *r = (const void *)(buf + at);

		found += is_foreign(dir, r->name);
		at += r->size;
	}
	return found;
}

int tasks_foreign(void)
{
	char buf[2048] __attribute__((aligned(8)));
	int dir = open_at(AT_FDCWD, "/proc/self/task", O_DIRECTORY), found = 0;
	long n = dir;

	if (dir < 0)
		return dir;
	while ((n = kernel_call(SYS_getdents64, dir, KERNEL_ARG(buf),
				sizeof buf, 0, 0, 0)) > 0)
		found += count(dir, buf, n);
	kernel_close(dir);
	return n < 0 ? (int)n : found;
}
