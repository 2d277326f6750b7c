/* offer.c - lists of extensions, of which one is known. */
#include "http/ws/offer.h"

#include "http/chars.h"

#include <stdio.h>
#include <string.h>

enum { SERVER_RESETS, CLIENT_RESETS, SERVER_BITS, CLIENT_BITS, PARAMS };

static const char *const names[PARAMS] = {
	"server_no_context_takeover",
	"client_no_context_takeover",
	"server_max_window_bits",
	"client_max_window_bits",
};

/* One extension of a list, and what it says if it is permessage-deflate. */
struct extension {
	bool known, bad; /* bad: a parameter that must not be */
	bool has[PARAMS];
	uint8_t bits[PARAMS]; /* 0: no value */
};

/* ---- syntax (RFC 6455, 9.1) ---------------------------------------------- */

struct word {
	const char *text;
	size_t size;
};

static const char *skip_blanks(const char *p)
{
	while (is_blank(*p))
		p++;
	return p;
}

/* NULL: none is there. */
static const char *token(const char *p, struct word *w)
{
	w->text = p = skip_blanks(p);
	while (char_is(*p, CHAR_TOKEN))
		p++;
	w->size = (size_t)(p - w->text);
	return w->size ? skip_blanks(p) : NULL;
}

/* A value; in quotes it has to be a token, too. */
static const char *value(const char *p, struct word *w)
{
	p = skip_blanks(p);
	if (*p != '"')
		return token(p, w);
	w->text = ++p;
	while (char_is(*p, CHAR_TOKEN))
		p++;
	w->size = (size_t)(p - w->text);
	return w->size && *p == '"' ? skip_blanks(p + 1) : NULL;
}

static bool word_is(const struct word *w, const char *name)
{
	return w->size == strlen(name) && memcmp(w->text, name, w->size) == 0;
}

/* ---- parameters (RFC 7692, 7.1) ------------------------------------------ */

/* 8 to 15, without a zero before it; 0: something else. */
static uint8_t window_bits(const struct word *w)
{
	const char *p = w->text;

	if (w->size == 1 && (*p == '8' || *p == '9'))
		return (uint8_t)(*p - '0');
	if (w->size == 2 && *p == '1' && p[1] >= '0' && p[1] <= '5')
		return (uint8_t)(10 + p[1] - '0');
	return 0;
}

static void note(struct extension *e, const struct word *name,
		 const struct word *val)
{
	unsigned i = 0;

	while (i < PARAMS && !word_is(name, names[i]))
		i++;
	if (i == PARAMS || e->has[i]) {
		e->bad = true;
		return;
	}
	e->has[i] = true;
	if (val) {
		e->bits[i] = i < SERVER_BITS ? 0 : window_bits(val);
		e->bad |= !e->bits[i];
	} else {
		e->bad |= i == SERVER_BITS;
	}
}

/* Read one extension.  Returns what follows it, or NULL: bad syntax. */
static const char *extension(const char *p, struct extension *e)
{
	struct word name, val;

	*e = (struct extension){0};
	p = token(p, &name);
	if (!p)
		return NULL;
	e->known = word_is(&name, "permessage-deflate");
	while (*p == ';') {
		bool has_value;

		p = token(p + 1, &name);
		if (!p)
			return NULL;
		has_value = *p == '=';
		if (has_value)
			p = value(p + 1, &val);
		if (!p)
			return NULL;
		note(e, &name, has_value ? &val : NULL);
	}
	return *p == ',' || !*p ? p : NULL;
}

/* The next of a list.  Returns 1, 0 at the end, or -EPROTO. */
static int next_extension(const char **list, struct extension *e)
{
	const char *p = *list + strspn(*list, ", \t");

	*list = p;
	if (!*p)
		return 0;
	p = extension(p, e);
	if (!p)
		return -EPROTO;
	*list = p;
	return 1;
}

static void agree(struct ws_deflate *d, const struct extension *e)
{
	d->on = true;
	d->server_resets = e->has[SERVER_RESETS];
	d->client_resets = e->has[CLIENT_RESETS];
	d->server_limited = e->has[SERVER_BITS];
	d->server_bits = e->bits[SERVER_BITS] ? e->bits[SERVER_BITS] : 15;
	d->client_bits = e->bits[CLIENT_BITS] ? e->bits[CLIENT_BITS] : 15;
}

/* ---- both sides ---------------------------------------------------------- */

int ramet__ws_offer_take(const char *list, struct ws_deflate *d)
{
	struct extension e;
	int more;

	while ((more = next_extension(&list, &e)) > 0)
		if (!d->on && e.known && !e.bad)
			agree(d, &e);
	return more;
}

void ramet__ws_offer_answer(const struct ws_deflate *d,
			    char text[WS_OFFER_ANSWER])
{
	int n = snprintf(text, WS_OFFER_ANSWER, "permessage-deflate%s%s",
			 d->server_resets ? "; server_no_context_takeover" : "",
			 d->client_resets ? "; client_no_context_takeover"
					  : "");

	if (d->server_limited) /* 7.1.2.1: an offer is not taken without it */
		snprintf(text + n, WS_OFFER_ANSWER - (size_t)n,
			 "; server_max_window_bits=%d", d->server_bits);
}

int ramet__ws_offer_answered(const char *list, struct ws_deflate *d)
{
	struct extension e;
	int more;

	while ((more = next_extension(&list, &e)) > 0) {
		if (d->on || !e.known || e.bad)
			return -EPROTO;
		/* Its value may be left out in offers alone: 7.1.2.2. */
		if (e.has[CLIENT_BITS] && !e.bits[CLIENT_BITS])
			return -EPROTO;
		agree(d, &e);
	}
	return more;
}
