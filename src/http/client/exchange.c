/* exchange.c - ask one server one question, and read the head of its answer. */
#include "http/client/exchange.h"

#include <stdio.h>
#include <string.h>

enum { PIECE = 16384 };

static const int64_t expect_time = RAMET_SEC;

/* ---- the question ------------------------------------------------------- */

static int write_all(struct exchange *x, struct iovec *iov, int count)
{
	ssize_t n = ramet__conn_writev(x->link->conn, iov, count);

	return n < 0 ? (int)n : 0;
}

/* What the program gives: how much, 0 at the end.  It may be killed in there:
 * what we hold is x's. */
static ssize_t read_piece(struct exchange *x, size_t size)
{
	ssize_t n;

	x->begun = true;
	errno = 0;
	n = x->request->read(x->request->arg, x->piece, size);
	if (n < 0)
		return errno ? -errno : -EIO;
	return (size_t)n > size ? -EINVAL : n;
}

static int send_sized(struct exchange *x)
{
	uint64_t left = x->request->body_size;

	while (left) {
		ssize_t n = read_piece(x, left < PIECE ? left : PIECE);
		int err;

		if (n <= 0)
			return n < 0 ? (int)n : -EMSGSIZE;
		err = write_all(x, &(struct iovec){x->piece, (size_t)n}, 1);
		if (err < 0)
			return err;
		left -= (uint64_t)n;
	}
	return 0;
}

/* RFC 9112, 7.1 */
static int send_chunks(struct exchange *x)
{
	ssize_t n;

	do {
		struct iovec iov[3];
		char line[24];
		int err, size;

		n = read_piece(x, PIECE);
		if (n < 0)
			return (int)n;
		size = snprintf(line, sizeof line, "%zx\r\n", (size_t)n);
		iov[0] = (struct iovec){line, (size_t)size};
		iov[1] = (struct iovec){x->piece, (size_t)n};
		iov[2] = (struct iovec){(void *)(uintptr_t) "\r\n", 2};
		err = write_all(x, iov, 3);
		if (err < 0)
			return err;
	} while (n);
	return 0;
}

static int send_body(struct exchange *x)
{
	const struct ramet_http_request *q = x->request;
	struct iovec whole = {(void *)(uintptr_t)q->body, q->body_size};

	if (!q->read)
		return write_all(x, &whole, 1);
	if (!x->piece)
		x->piece = kernel_alloc(PIECE);
	if (!x->piece)
		return -ENOMEM;
	return q->body_size ? send_sized(x) : send_chunks(x);
}

/* The head, and the body with it if it is here and wanted. */
static int send_first(struct exchange *x)
{
	const struct ramet_http_request *q = x->request;
	bool whole = x->has_body && !x->expect && !q->read;
	struct iovec iov[] = {{x->head.data, x->head.size},
			      {(void *)(uintptr_t)q->body,
			       whole ? q->body_size : 0}};

	return write_all(x, iov, whole ? 2 : 1);
}

/* ---- 100-continue (RFC 9110, 10.1.1) ------------------------------------ */

/* Whether our own limit ended it, and nothing around it. */
static bool only_late(int err)
{
	return err == -ETIMEDOUT && ramet__interrupted(ramet__loop()) == 0;
}

/* Wait for "100 Continue", not for long.  Returns 0: send the body; the size of
 * the answer's head if it has come instead; or -errno. */
static ssize_t await_wish(struct exchange *x)
{
	struct ramet_scope scope;
	ssize_t n;

	ramet_scope_open(&scope, expect_time);
	n = ramet__link_head(x->link, x->client->head_max,
			     strcmp(x->method, "HEAD") == 0);
	ramet_scope_close(&scope);
	if (only_late((int)n))
		return 0;
	if (n < 0 || x->link->head.status >= 200)
		return n;
	return ramet__link_interim(x->link, (size_t)n);
}

/* ---- the answer --------------------------------------------------------- */

static bool has_hung_up(int err)
{
	return err == -EPIPE || err == -ECONNRESET;
}

/* Send what is left of the question.  Returns as ask does, or 0: no answer has
 * come yet. */
static ssize_t send_rest(struct exchange *x)
{
	ssize_t n = 0;

	if (!x->has_body || (!x->expect && !x->request->read))
		return 0;
	if (x->expect)
		n = await_wish(x);
	x->partial = n > 0;
	return n ? n : send_body(x);
}

/* Who answers before it has read everything may hang up then, and the answer
 * counts.  It has come already, or never will. */
static ssize_t early_answer(struct exchange *x, bool no_body)
{
	ssize_t n;

	x->partial = true;
	x->link->at_once = true;
	n = ramet__link_final_head(x->link, x->client->head_max, no_body);
	x->link->at_once = false;
	return n;
}

/* Returns the size of the answer's head, or -errno. */
static ssize_t ask(struct exchange *x)
{
	bool no_body = strcmp(x->method, "HEAD") == 0;
	ssize_t n, err = send_first(x);

	if (err == 0)
		err = send_rest(x);
	if (err > 0 || (err < 0 && !has_hung_up((int)err)))
		return err;
	if (err == 0)
		return ramet__link_final_head(x->link, x->client->head_max,
					      no_body);
	n = early_answer(x, no_body);
	return n < 0 ? err : n;
}

/* RFC 9110, 9.2.2 */
static bool is_idempotent(const char *method)
{
	static const char *const list[] = {"GET", "HEAD",   "OPTIONS",
					   "PUT", "DELETE", "TRACE"};

	for (size_t i = 0; i < countof(list); i++)
		if (strcmp(method, list[i]) == 0)
			return true;
	return false;
}

/* Whether to ask again: a server may close a connection that it keeps at any
 * time, and we hear of it when we ask (RFC 9112, 9.3.1). */
static bool is_stale(const struct exchange *x, int err)
{
	return x->link->reused && x->link->got == 0 && !x->begun &&
	       (has_hung_up(err) || err == -ECONNABORTED) &&
	       is_idempotent(x->method);
}

static int attempt(struct exchange *x, bool fresh, bool *again)
{
	ssize_t n = ramet__http_connect(x->client, &x->at, fresh, &x->link);

	*again = false;
	if (n < 0)
		return (int)n;
	x->partial = false;
	ramet__head_init(&x->link->head);
	n = ask(x);
	if (n >= 0) {
		x->response = ramet__response_new(x, (size_t)n);
		return x->response ? 0 : -ENOMEM;
	}
	*again = is_stale(x, (int)n);
	ramet__link_close(x->link);
	x->link = NULL;
	return (int)n;
}

int ramet__exchange_run(struct exchange *x)
{
	bool again;
	int err = ramet__exchange_compose(x);

	if (err < 0)
		return err;
	err = attempt(x, false, &again);
	if (again)
		err = attempt(x, true, &again);
	if (err < 0 || x->response->status != 417 || !x->expect ||
	    !x->has_body || x->begun)
		return err;
	/* It does not know what we expect: then without, unless it has taken so
	 * long to say so that the program's function was called. */
	ramet_http_response_free(x->response);
	x->response = NULL;
	x->expect = false;
	err = ramet__exchange_compose(x);
	return err < 0 ? err : attempt(x, true, &again);
}
