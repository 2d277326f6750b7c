/* quit.c - SIGQUIT: the handler leaves mail for every loop, and each dumps its
 * ramets at its next turn, when they can be looked at. */
#include "debug/registry.h"
#include "debug/report.h"

#include <signal.h>
#include <string.h>

bool ramet__quit_json;

static void deliver(struct loop *l, struct mail *mail)
{
	struct seen *s = container_of(mail, struct seen, mail);

	__atomic_store_n(&s->posted, 0, __ATOMIC_SEQ_CST);
	if (s->loop)
		ramet__dump(l, 2, ramet__quit_json); /* if that fails nobody can
							be told */
}

static void post(struct seen *s, void *unused)
{
	(void)unused;
	if (__atomic_exchange_n(&s->posted, 1, __ATOMIC_SEQ_CST))
		return;
	s->mail.deliver = deliver;
	ramet__post(s->loop, &s->mail);
}

static void on_quit(int sig)
{
	(void)sig;
	ramet__registry_each(post, NULL);
}

void ramet__quit_install(void)
{
	const char *setting = kernel_getenv("RAMET_SIGQUIT");
	struct sigaction ours = {.sa_handler = on_quit,
				 .sa_flags = SA_RESTART | SA_ONSTACK};
	struct sigaction now;

	if (setting && strcmp(setting, "0") == 0)
		return;
	ramet__quit_json = setting && strcmp(setting, "json") == 0;
	if (kernel_sigaction(SIGQUIT, NULL, &now) == 0 &&
	    now.sa_handler == SIG_DFL)
		kernel_sigaction(SIGQUIT, &ours, NULL);
}
