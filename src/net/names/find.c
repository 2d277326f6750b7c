/* find.c - who is asked for a name, in which order, and what it means if they
 * do not know. */
#include "net/names/find.h"

#include "kernel/calls.h"
#include "net/names/dns.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>

int ramet__find_failed(int error, int *err)
{
	*err = error;
	return error == -ENOMEM ? EAI_MEMORY : EAI_SYSTEM;
}

bool ramet__name_is_plain(const char *name)
{
	for (; *name; name++)
		if ((unsigned char)*name >= 0x80)
			return false;
	return true;
}

/* ---- /etc/hosts --------------------------------------------------------- */

/* To who wants IPv4, ::1 is 127.0.0.1: so it is in libc. */
static const void *as_v4(const struct hosts_line *line)
{
	static const uint8_t local[] = {127, 0, 0, 1};
	const struct in6_addr *v6 = (const void *)line->addr;

	if (IN6_IS_ADDR_V4MAPPED(v6))
		return line->addr + 12;
	return IN6_IS_ADDR_LOOPBACK(v6) ? local : NULL;
}

static bool has(const struct found *f, const void *v4)
{
	for (size_t i = 0; i < f->count; i++)
		if (memcmp(f->list[i].bytes, v4, 4) == 0)
			return true;
	return false;
}

static int add_line(struct found *f, const struct hosts_line *line, int family)
{
	const void *v4;

	if (family == AF_UNSPEC || family == line->family)
		return ramet__found_add(f, line->family, line->addr, 0);
	v4 = family == AF_INET ? as_v4(line) : NULL;
	return v4 && !has(f, v4) ? ramet__found_add(f, AF_INET, v4, 0) : 0;
}

/* The first of the first line is the canonical one. */
static int add_names(struct found *f, const struct hosts_line *line, bool any)
{
	const char *name = line->names;
	int error = 0;

	if (!any)
		snprintf(f->name, sizeof f->name, "%s", name);
	for (size_t i = 0; error == 0 && i < line->count; i++) {
		error = ramet__found_alias(f, name);
		name += strlen(name) + 1;
	}
	return error;
}

static int from_hosts(const struct config *c, const char *name, int family,
		      struct found *f)
{
	const struct hosts_line *line = NULL;
	bool any = false;

	while ((line = ramet__hosts_next(&c->hosts, name, line))) {
		size_t before = f->count;
		int error = add_line(f, line, family);

		if (error == 0 && f->count > before) {
			error = add_names(f, line, any);
			any = true;
		}
		if (error)
			return error;
	}
	return any ? 0 : EAI_NONAME;
}

/* RFC 6761, 6.3: these never go to the network. */
static bool is_localhost(const char *name)
{
	size_t size = strlen(name), local = strlen("localhost");

	if (size && name[size - 1] == '.')
		size--;
	return size >= local &&
	       strncasecmp(name + size - local, "localhost", local) == 0 &&
	       (size == local || name[size - local - 1] == '.');
}

static int from_loopback(const char *name, int family, struct found *f)
{
	static const uint8_t v4[4] = {127, 0, 0, 1};
	int error = 0;

	snprintf(f->name, sizeof f->name, "%s", name);
	if (family != AF_INET)
		error = ramet__found_add(f, AF_INET6, &in6addr_loopback, 0);
	if (error == 0 && family != AF_INET6)
		error = ramet__found_add(f, AF_INET, v4, 0);
	return error;
}

/* ---- name servers ------------------------------------------------------- */

static int code_of(const struct asked *a)
{
	if (ramet__asked_any(a, ANSWER_SILENT) ||
	    ramet__asked_any(a, ANSWER_REFUSED))
		return EAI_AGAIN;
	if (ramet__asked_any(a, ANSWER_BROKEN) ||
	    ramet__asked_any(a, ANSWER_NO_EDNS))
		return EAI_FAIL;
	return ramet__asked_any(a, ANSWER_NODATA) ? EAI_NODATA : EAI_NONAME;
}

static int take_aliases(const struct answer *d, struct found *f)
{
	const char *alias = answer_aliases(d), *end = alias + d->aliases_size;
	int error = 0;

	for (; error == 0 && alias < end; alias += strlen(alias) + 1)
		error = ramet__found_alias(f, alias);
	return error;
}

static int take_answers(const struct asked *a, struct found *f)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct answer *d = a->answers[i];
		int family = a->types[i] == TYPE_A ? AF_INET : AF_INET6;

		if (a->verdicts[i] != ANSWER_FOUND)
			continue;
		memcpy(f->name, d->name, sizeof f->name);
		if (take_aliases(d, f))
			return EAI_MEMORY;
		for (size_t k = 0; k < d->count; k++)
			if (ramet__found_add(f, family, d->addrs[k], 0))
				return EAI_MEMORY;
	}
	return f->count ? 0 : code_of(a);
}

static int from_dns(struct loop *l, struct names *n, const struct config *c,
		    const char *name, int family, struct found *f, int *err)
{
	struct asked a = {.count = 0};
	int error;

	if (family != AF_INET6)
		a.types[a.count++] = TYPE_A;
	if (family != AF_INET && !c->resolv.no_aaaa)
		a.types[a.count++] = TYPE_AAAA;
	if (!a.count)
		return EAI_NODATA;
	error = ramet__dns_search(l, n, &c->resolv, name, &a);
	if (error == -EINVAL)
		error = EAI_NONAME;
	else if (error < 0)
		error = ramet__find_failed(error, err);
	else
		error = take_answers(&a, f);
	ramet__asked_free(&a);
	return error;
}

/* ---- the order ---------------------------------------------------------- */

static bool ends_in_local(const char *name)
{
	size_t size = strlen(name);

	if (size && name[size - 1] == '.')
		size--;
	return size >= 6 && strncasecmp(name + size - 6, ".local", 6) == 0;
}

/* What libc's module myhostname knows. */
static bool is_of_machine(const char *name)
{
	struct utsname machine = {0};

	kernel_call(SYS_uname, KERNEL_ARG(&machine), 0, 0, 0, 0, 0);
	return *name == '_' || strcasecmp(name, machine.nodename) == 0 ||
	       strcasecmp(name, "localhost.localdomain") == 0;
}

/* What one module says: 0, FIND_SYSTEM, or why not. */
static int ask_module(struct loop *l, struct names *n, const struct config *c,
		      enum module module, const char *name, int family,
		      struct found *f, int *err)
{
	switch (module) {
	case MODULE_FILES:
		return from_hosts(c, name, family, f);
	case MODULE_DNS:
		return from_dns(l, n, c, name, family, f, err);
	case MODULE_MDNS:
		return ends_in_local(name) ? FIND_SYSTEM : EAI_NONAME;
	case MODULE_MYHOSTNAME:
		return is_of_machine(name) ? FIND_SYSTEM : EAI_NONAME;
	default:
		return FIND_SYSTEM;
	}
}

static enum status status_of(int error, enum module module)
{
	if (error == 0)
		return STATUS_SUCCESS;
	if (error == EAI_AGAIN)
		return STATUS_TRYAGAIN;
	/* These do not look at what is not theirs. */
	if (error == EAI_FAIL || module == MODULE_MDNS)
		return STATUS_UNAVAIL;
	return STATUS_NOTFOUND;
}

static bool is_final(int error)
{
	return error == FIND_SYSTEM || error == EAI_MEMORY ||
	       error == EAI_SYSTEM;
}

/* That a name exists, or may, is not forgotten because the next does not know
 * it. */
static int worse(int a, int b)
{
	return b == EAI_NONAME ? a : b;
}

int ramet__find(struct loop *l, struct names *n, const struct config *c,
		const char *name, int family, struct found *f, int *err)
{
	int error, result = EAI_NONAME;

	if (is_localhost(name)) {
		error = from_hosts(c, name, family, f);
		return error == EAI_NONAME ? from_loopback(name, family, f)
					   : error;
	}
	for (size_t i = 0; i < c->order.count; i++) {
		const struct step *s = &c->order.steps[i];

		error = ask_module(l, n, c, s->module, name, family, f, err);
		if (error == 0 || is_final(error))
			return error;
		result = worse(result, error);
		if (s->returns & 1u << status_of(error, s->module))
			break;
	}
	return result;
}

/* ---- addresses to names ------------------------------------------------- */

static void name_of_addr(int family, const uint8_t *addr, char *text)
{
	static const char digits[] = "0123456789abcdef";

	if (family == AF_INET) {
		snprintf(text, NAME_ROOM, "%u.%u.%u.%u.in-addr.arpa", addr[3],
			 addr[2], addr[1], addr[0]);
		return;
	}
	for (int i = 15; i >= 0; i--) {
		*text++ = digits[addr[i] & 15];
		*text++ = '.';
		*text++ = digits[addr[i] >> 4];
		*text++ = '.';
	}
	memcpy(text, "ip6.arpa", sizeof "ip6.arpa");
}

static int name_from_dns(struct loop *l, struct names *n,
			 const struct config *c, int family, const void *addr,
			 struct found *f, int *err)
{
	struct asked a = {.count = 1, .types = {TYPE_PTR}};
	char question[NAME_ROOM];
	int error;

	if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(addr))
		name_of_addr(AF_INET, (const uint8_t *)addr + 12, question);
	else
		name_of_addr(family, addr, question);
	error = ramet__dns_ask(l, n, &c->resolv, question, &a);
	if (error < 0)
		error = ramet__find_failed(error, err);
	else if (a.verdicts[0] == ANSWER_FOUND)
		memcpy(f->name, a.answers[0]->name, sizeof f->name);
	else
		error = code_of(&a) == EAI_AGAIN ? EAI_AGAIN : EAI_NONAME;
	ramet__asked_free(&a);
	return error;
}

static int name_from_hosts(const struct config *c, int family, const void *addr,
			   struct found *f)
{
	const struct hosts_line *line =
		ramet__hosts_by_addr(&c->hosts, family, addr);

	return line ? add_names(f, line, false) : EAI_NONAME;
}

int ramet__find_name(struct loop *l, struct names *n, const struct config *c,
		     int family, const void *addr, struct found *f, int *err)
{
	int error, result = EAI_NONAME;

	for (size_t i = 0; i < c->order.count; i++) {
		const struct step *s = &c->order.steps[i];

		if (s->module == MODULE_FILES)
			error = name_from_hosts(c, family, addr, f);
		else if (s->module == MODULE_DNS)
			error = name_from_dns(l, n, c, family, addr, f, err);
		else
			error = FIND_SYSTEM;
		if (error == 0 || is_final(error))
			return error;
		result = worse(result, error);
		if (s->returns & 1u << status_of(error, s->module))
			break;
	}
	return result;
}
