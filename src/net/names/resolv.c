/* resolv.c - resolv.conf(5). */
#include "net/names/config.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum {
	DNS_PORT = 53,
	NDOTS_MAX = 15, /* these as in libc */
	TIMEOUT_MAX = 30,
	ATTEMPTS_MAX = 5,
};

/* ---- name servers ------------------------------------------------------- */

/* "fe80::1%eth0", or with the number of the interface. */
static bool parse_v6(char *text, struct sockaddr_in6 *v6)
{
	char *scope = strchr(text, '%');

	if (scope)
		*scope++ = '\0';
	v6->sin6_family = AF_INET6;
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		return false;
	if (scope)
		v6->sin6_scope_id = if_nametoindex(scope);
	if (scope && !v6->sin6_scope_id)
		v6->sin6_scope_id = (uint32_t)strtoul(scope, NULL, 10);
	return true;
}

/* An address, or "address:port" where IPv6 has brackets. */
static bool parse_server(char *text, struct sockaddr_storage *addr)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *v4 = (struct sockaddr_in *)addr;
	char *port = NULL, *bracket = strchr(text, ']');
	unsigned long number = DNS_PORT;

	if (*text == '[' && bracket) {
		text++;
		*bracket = '\0';
		port = bracket[1] == ':' ? bracket + 2 : NULL;
	} else if (strchr(text, ':') &&
		   strchr(text, ':') == strrchr(text, ':')) {
		port = strchr(text, ':');
		*port++ = '\0';
	}
	if (port)
		number = strtoul(port, NULL, 10);
	if (!number || number > 65535)
		return false;
	memset(addr, 0, sizeof *addr);
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)number);
		return true;
	}
	v6->sin6_port = htons((uint16_t)number);
	return parse_v6(text, v6);
}

static void add_server(struct resolv *r, char *text)
{
	if (r->server_count < SERVERS_MAX && text &&
	    parse_server(text, &r->servers[r->server_count]))
		r->server_count++;
}

/* ---- search list and options -------------------------------------------- */

static void set_search(struct resolv *r, char *line, size_t most)
{
	char *word;

	r->search_count = 0;
	while (r->search_count < most && (word = ramet__next_word(&line))) {
		size_t n = strlen(word);

		if (n && word[n - 1] == '.')
			word[--n] = '\0';
		if (n && n < NAME_ROOM)
			memcpy(r->search[r->search_count++], word, n + 1);
	}
}

static unsigned number(const char *text, unsigned most)
{
	unsigned long n = strtoul(text, NULL, 10);

	return n < most ? (unsigned)n : most;
}

static void set_option(struct resolv *r, const char *word)
{
	static const struct {
		const char *name;
		size_t offset;
	} flags[] = {
		{"rotate", offsetof(struct resolv, rotate)},
		{"use-vc", offsetof(struct resolv, use_vc)},
		{"trust-ad", offsetof(struct resolv, trust_ad)},
		{"single-request", offsetof(struct resolv, single_request)},
		{"single-request-reopen",
		 offsetof(struct resolv, single_request)},
		{"no-tld-query", offsetof(struct resolv, no_tld_query)},
		{"no-aaaa", offsetof(struct resolv, no_aaaa)},
	};

	if (strncmp(word, "ndots:", 6) == 0)
		r->ndots = number(word + 6, NDOTS_MAX);
	else if (strncmp(word, "timeout:", 8) == 0)
		r->timeout = number(word + 8, TIMEOUT_MAX);
	else if (strncmp(word, "attempts:", 9) == 0)
		r->attempts = number(word + 9, ATTEMPTS_MAX);
	for (size_t i = 0; i < countof(flags); i++)
		if (strcmp(word, flags[i].name) == 0)
			*((bool *)((char *)r + flags[i].offset)) = true;
}

static void set_options(struct resolv *r, char *line)
{
	char *word;

	while ((word = ramet__next_word(&line)))
		set_option(r, word);
}

/* ---- the file ----------------------------------------------------------- */

void ramet__resolv_default(struct resolv *r)
{
	*r = (struct resolv){.ndots = 1, .timeout = 5, .attempts = 2};
}

void ramet__resolv_parse(struct resolv *r, char *text)
{
	char *line, *word;

	while ((line = ramet__next_line(&text, "#;"))) {
		word = ramet__next_word(&line);
		if (!word)
			continue;
		if (strcmp(word, "nameserver") == 0)
			add_server(r, ramet__next_word(&line));
		else if (strcmp(word, "search") == 0)
			set_search(r, line, SEARCH_MAX);
		else if (strcmp(word, "domain") == 0)
			set_search(r, line, 1);
		else if (strcmp(word, "options") == 0)
			set_options(r, line);
	}
}

/* With a copy of text, which may be anything. */
static void with_copy(struct resolv *r, const char *text,
		      void (*use)(struct resolv *, char *))
{
	char copy[SEARCH_MAX * NAME_ROOM];
	size_t n = strlen(text);

	if (n > sizeof copy - 1)
		n = sizeof copy - 1;
	memcpy(copy, text, n);
	copy[n] = '\0';
	use(r, copy);
}

static void set_whole_search(struct resolv *r, char *line)
{
	set_search(r, line, SEARCH_MAX);
}

void ramet__resolv_finish(struct resolv *r, const char *localdomain,
			  const char *options, const char *host)
{
	const char *dot = strchr(host, '.');
	char local[] = "127.0.0.1";

	if (!r->server_count)
		add_server(r, local);
	if (!r->search_count && dot)
		with_copy(r, dot + 1, set_whole_search);
	if (localdomain)
		with_copy(r, localdomain, set_whole_search);
	if (options)
		with_copy(r, options, set_options);
	r->timeout = r->timeout ? r->timeout : 1;
	r->attempts = r->attempts ? r->attempts : 1;
}
