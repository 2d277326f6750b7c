/* config.h - how names are looked up, as the files of libc say. */
#ifndef NET_NAMES_CONFIG_H
#define NET_NAMES_CONFIG_H

#include <sys/socket.h>

#include "core/core.h"
#include "net/names/policy.h"

enum {
	NAME_ROOM = 256,
	SERVERS_MAX = 3, /* as in libc */
	SEARCH_MAX = 6,
	STEPS_MAX = 8,
};

/* ---- resolv.conf -------------------------------------------------------- */

struct resolv {
	struct sockaddr_storage servers[SERVERS_MAX];
	size_t server_count, search_count;
	char search[SEARCH_MAX][NAME_ROOM];
	unsigned ndots, timeout, attempts; /* seconds, rounds */
	bool rotate, use_vc, trust_ad, single_request, no_tld_query, no_aaaa;
};

/* What holds without a file: the local server, 5 s, 2 rounds. */
void ramet__resolv_default(struct resolv *r);

/* Take in the file's text, which is changed; then `localdomain`, `options` of
 * the environment, which may be NULL, and what depends on `host`, this
 * machine's name. */
void ramet__resolv_parse(struct resolv *r, char *text);
void ramet__resolv_finish(struct resolv *r, const char *localdomain,
			  const char *options, const char *host);

/* ---- nsswitch.conf ------------------------------------------------------ */

/* Who is asked. */
enum module {
	MODULE_FILES,
	MODULE_DNS,
	MODULE_MDNS,       /* libc's, which knows only "*.local" */
	MODULE_MYHOSTNAME, /* libc's, which knows only this machine */
	MODULE_OTHER,      /* libc's */
};

/* What it says. */
enum status {
	STATUS_SUCCESS,
	STATUS_NOTFOUND,
	STATUS_UNAVAIL,
	STATUS_TRYAGAIN
};

struct step {
	enum module module;
	unsigned returns; /* bits of the statuses that end it */
};

struct order {
	struct step steps[STEPS_MAX];
	size_t count;
};

/* "files dns", or what the line "hosts:" says. */
void ramet__order_default(struct order *o);
void ramet__order_parse(struct order *o, char *text);

/* ---- hosts -------------------------------------------------------------- */

struct hosts_line {
	int family;
	uint8_t addr[16];
	const char *names; /* the canonical one first, each with its NUL */
	size_t count;
};

struct hosts {
	struct hosts_line *lines;
	struct hosts_name *names;
	uint32_t *buckets;
	size_t count, name_count, mask;
};

/* text stays in use.  Returns 0 or -ENOMEM. */
int ramet__hosts_parse(struct hosts *h, char *text);
void ramet__hosts_fini(struct hosts *h);

/* The lines with a name, one after the other: NULL to begin; NULL ends. */
const struct hosts_line *ramet__hosts_next(const struct hosts *h,
					   const char *name,
					   const struct hosts_line *last);

/* The first line with an address, or NULL. */
const struct hosts_line *ramet__hosts_by_addr(const struct hosts *h, int family,
					      const void *addr);

/* ---- services ----------------------------------------------------------- */

struct service {
	const char *name, *protocol;
	uint16_t port;
	bool alias;
};

struct services {
	struct service *list;
	size_t count;
};

int ramet__services_parse(struct services *s, char *text);

/* The port, or -1. */
int ramet__service_port(const struct services *s, const char *name,
			const char *protocol);

/* The name, or NULL. */
const char *ramet__service_name(const struct services *s, uint16_t port,
				const char *protocol);

/* ---- all of them -------------------------------------------------------- */

struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

enum {
	FILE_RESOLV,
	FILE_NSSWITCH,
	FILE_HOSTS,
	FILE_SERVICES,
	FILE_GAI,
	FILES_COUNT
};

/* Does not change once it is made. */
struct config {
	size_t users;
	struct stamp stamps[FILES_COUNT];
	char *texts[FILES_COUNT];
	struct resolv resolv;
	struct order order;
	struct hosts hosts;
	struct services services;
	struct policy policy;
};

struct config_files {
	struct config *now;
	int64_t looked; /* when it was last compared with the files */
	bool looking;
	struct ramet_waitq waiters;
};

/* What holds now, in *config, for ramet__config_put.  The files are looked at
 * when that was not done for a second, by a helper.  Returns 0, or -ENOMEM,
 * -ETIMEDOUT, -ECANCELED, -EAGAIN (no thread). */
int ramet__config_get(struct loop *l, struct config_files *f,
		      struct config **config);
void ramet__config_put(struct config *c);

/* ---- what the parsers share --------------------------------------------- */

/* The next line of *text without its comment, NULL at the end. */
char *ramet__next_line(char **text, const char *comments);

/* The next word of *line, NULL if there is none. */
char *ramet__next_word(char **line);

#endif
