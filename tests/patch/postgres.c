/* postgres.c - initdb, the server, and an end of both. */
#include "postgres.h"

#include "test.h"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char programs[PATH_MAX];
static const char *dir;
static const struct passwd *user; /* NULL: we are not root */
static pid_t server;

static void find(void)
{
	glob_t found;

	if (glob("/usr/lib/postgresql/*/bin", GLOB_ONLYDIR, NULL, &found) != 0)
		test_skip("PostgreSQL's server is not installed");
	snprintf(programs, sizeof programs, "%s",
		 found.gl_pathv[found.gl_pathc - 1]);
	globfree(&found);
	if (geteuid() != 0)
		return;
	user = getpwnam("postgres");
	if (!user)
		test_skip("PostgreSQL refuses to run as root, and there is no "
			  "user postgres");
}

/* In a child: silent, no longer root, and not longer alive than the test. */
static _Noreturn void become(const char *command)
{
	int fd = open("/dev/null", O_RDWR);

	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (user && (setgroups(0, NULL) || setgid(user->pw_gid) ||
		     setuid(user->pw_uid)))
		_exit(126);
	prctl(PR_SET_PDEATHSIG, SIGQUIT);
	if (chdir(dir) == 0 && setenv("PATH", programs, 1) == 0)
		execl("/bin/sh", "sh", "-c", command, NULL);
	_exit(127);
}

static pid_t run(const char *command)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0)
		become(command);
	return child;
}

static void make_data(void)
{
	int status;

	dir = test_dir();
	if (user)
		CHECK_EQ(chown(dir, user->pw_uid, user->pw_gid), 0);
	CHECK(waitpid(run("exec initdb -D data -A trust -U tester -N"), &status,
		      0) > 0);
	CHECK_EQ(status, 0);
}

static bool answers(void)
{
	int status;

	CHECK(waitpid(run("exec pg_isready -q -h $PWD"), &status, 0) > 0);
	return status == 0;
}

/* A unix socket only: no port can be taken. */
const char *postgres_start(void)
{
	static char text[128];

	find();
	make_data();
	atexit(postgres_stop);
	server = run("exec postgres -D data -k $PWD -F -c listen_addresses=");
	while (!answers()) {
		CHECK_EQ(waitpid(server, NULL, WNOHANG), 0);
		usleep(50000);
	}
	snprintf(text, sizeof text, "host=%s user=tester dbname=postgres", dir);
	return text;
}

void postgres_stop(void)
{
	pid_t child;

	if (!server)
		return;
	kill(server, SIGQUIT);
	waitpid(server, NULL, 0);
	server = 0;
	child = fork();
	if (child == 0) {
		execl("/bin/rm", "rm", "-rf", "--", dir, NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
}
