/* target.c - reads another process by process_vm_readv, which neither stops nor
 * slows it. */
#include "tools/ramet/target.h"
#include "tools/ramet/say.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

void *need(void *memory)
{
	if (!memory)
		refuse(1, "there is no memory");
	return memory;
}

const char *only_process(int argc, char **argv, const char *command)
{
	if (argc != 1)
		refuse(STATUS_REFUSED,
		       "one process is to be given by its number: ramet %s PID",
		       command);
	return argv[0];
}

/* ---- /proc --------------------------------------------------------------- */

static FILE *proc_open(const struct target *t, int tid, const char *file)
{
	char path[64];

	if (tid)
		snprintf(path, sizeof path, "/proc/%d/task/%d/%s", (int)t->pid,
			 tid, file);
	else
		snprintf(path, sizeof path, "/proc/%d/%s", (int)t->pid, file);
	return fopen(path, "re");
}

bool target_proc(const struct target *t, int tid, const char *file, char *text,
		 size_t size)
{
	FILE *f = proc_open(t, tid, file);
	size_t n = f ? fread(text, 1, size - 1, f) : 0;

	text[n] = '\0';
	if (f)
		fclose(f);
	return n > 0;
}

bool target_lives(const struct target *t)
{
	char text[256], *state;

	if (!target_proc(t, 0, "stat", text, sizeof text))
		return false;
	state = strrchr(text, ')');
	return state && state[1] && state[2] != 'Z' && state[2] != 'X';
}

/* Whether a thread has that number in the innermost namespace that it is in. */
static bool calls_itself(const struct target *t, int task, int tid)
{
	char text[4096], *at;

	if (!target_proc(t, task, "status", text, sizeof text))
		return false;
	at = strstr(text, "\nNSpid:");
	if (!at)
		return task == tid;
	at += strlen("\nNSpid:");
	at[strcspn(at, "\n")] = '\0';
	at = strrchr(at, '\t'); /* the innermost is the last */
	return at && atoi(at) == tid;
}

int target_task(const struct target *t, int tid)
{
	const struct dirent *e;
	char path[64];
	int task = tid;
	DIR *dir;

	if (calls_itself(t, tid, tid))
		return tid;
	snprintf(path, sizeof path, "/proc/%d/task", (int)t->pid);
	dir = opendir(path);
	if (!dir)
		return tid;
	while ((e = readdir(dir)))
		if (atoi(e->d_name) > 0 &&
		    calls_itself(t, atoi(e->d_name), tid)) {
			task = atoi(e->d_name);
			break;
		}
	closedir(dir);
	return task;
}

static void add_mapping(struct target *t, const char *line)
{
	unsigned long start, end, offset;
	char rights[5];
	int name = 0;
	struct mapping *m;

	if (sscanf(line, "%lx-%lx %4s %lx %*s %*s %n", &start, &end, rights,
		   &offset, &name) < 4)
		return;
	if ((t->mapping_count & (t->mapping_count - 1)) == 0)
		t->mappings =
			need(realloc(t->mappings, (2 * t->mapping_count + 1) *
							  sizeof *t->mappings));
	m = &t->mappings[t->mapping_count++];
	*m = (struct mapping){start, end, offset, rights[0] == 'r', NULL};
	m->name = need(strndup(line + name, strcspn(line + name, "\n")));
}

static void forget_mappings(struct target *t)
{
	for (size_t i = 0; i < t->mapping_count; i++)
		free(t->mappings[i].name);
	free(t->mappings);
	t->mappings = NULL;
	t->mapping_count = 0;
}

bool target_map(struct target *t)
{
	FILE *f = proc_open(t, 0, "maps");
	size_t size = 0;
	char *line = NULL;

	if (!f)
		return false;
	forget_mappings(t);
	errno = 0;
	while (getline(&line, &size, f) > 0)
		add_mapping(t, line);
	free(line);
	fclose(f);
	return t->mapping_count > 0;
}

const struct mapping *target_mapping(const struct target *t, uint64_t address)
{
	size_t low = 0, high = t->mapping_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (t->mappings[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == t->mapping_count || t->mappings[low].start > address)
		return NULL;
	return &t->mappings[low];
}

/* ---- memory -------------------------------------------------------------- */

static void *remote(uint64_t address)
{
	return (void *)(uintptr_t)address; /* to be given to the kernel only */
}

bool target_read(const struct target *t, uint64_t from, void *to, size_t size)
{
	struct iovec here = {to, size}, there = {remote(from), size};

	return process_vm_readv(t->pid, &here, 1, &there, 1, 0) ==
	       (ssize_t)size;
}

/* Read up to n pieces; whichever cannot be read ends it.  Returns how many are
 * dealt with. */
static size_t read_some(const struct target *t, struct piece *pieces, size_t n)
{
	struct iovec here[IOV_MAX], there[IOV_MAX];
	ssize_t got;
	size_t i;

	for (i = 0; i < n; i++) {
		here[i] = (struct iovec){pieces[i].to, pieces[i].size};
		there[i] =
			(struct iovec){remote(pieces[i].from), pieces[i].size};
	}
	got = process_vm_readv(t->pid, here, n, there, n, 0);
	for (i = 0; i < n && got >= (ssize_t)pieces[i].size; i++) {
		got -= (ssize_t)pieces[i].size;
		pieces[i].got = true;
	}
	if (i == n)
		return n;
	pieces[i].got = false;
	return i + 1;
}

void target_read_all(const struct target *t, struct piece *pieces, size_t n)
{
	while (n > 0) {
		size_t done = read_some(t, pieces, n < IOV_MAX ? n : IOV_MAX);

		pieces += done;
		n -= done;
	}
}

/* It may lie at the end of what is mapped. */
void target_read_text(const struct target *t, uint64_t from, char *to,
		      size_t size)
{
	enum { PAGE = 4096 };
	size_t have = 0;

	while (have < size - 1) {
		uint64_t at = from + have;
		size_t n = PAGE - at % PAGE;

		if (n > size - 1 - have)
			n = size - 1 - have;
		if (!target_read(t, at, to + have, n))
			break;
		have += n;
		if (memchr(to + have - n, 0, n))
			return;
	}
	to[have] = '\0';
}

/* ---- open and close ------------------------------------------------------ */

static _Noreturn void refuse_rights(const struct target *t)
{
	char scope[8] = "";
	FILE *f = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");

	if (f) {
		if (!fgets(scope, sizeof scope, f))
			scope[0] = '\0';
		fclose(f);
	}
	if (scope[0] > '0')
		refuse(1,
		       "process %d may not be read: "
		       "/proc/sys/kernel/yama/ptrace_scope is %c; run this "
		       "command as root, or write 0 there as root",
		       (int)t->pid, scope[0]);
	refuse(1,
	       "process %d may not be read; run this command as the user that "
	       "runs it, or as root (in a container: with CAP_SYS_PTRACE)",
	       (int)t->pid);
}

static pid_t read_pid(const char *text)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (end == text || *end || errno || pid <= 0 || pid > INT_MAX)
		refuse(STATUS_REFUSED,
		       "\"%s\" is no process number; pgrep(1) finds it by "
		       "the name",
		       text);
	return (pid_t)pid;
}

static void read_command(struct target *t)
{
	target_proc(t, 0, "comm", t->command, sizeof t->command);
	t->command[strcspn(t->command, "\n")] = '\0';
}

void target_open(struct target *t, const char *pid)
{
	char byte;

	*t = (struct target){.pid = read_pid(pid)};
	if (!target_lives(t))
		refuse(1, "there is no process %d; ps -e lists those that run",
		       (int)t->pid);
	read_command(t);
	if (!target_map(t)) {
		if (errno != EACCES && errno != EPERM && !target_lives(t))
			refuse(1, "process %d has ended", (int)t->pid);
		refuse_rights(t);
	}
	if (!target_read(t, t->mappings[0].start, &byte, 1) &&
	    (errno == EPERM || errno == EACCES))
		refuse_rights(t);
}

void target_close(struct target *t)
{
	forget_mappings(t);
}
