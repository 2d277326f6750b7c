/* server.h - the server and its connections, for the files that make them up.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <netinet/in.h>

#include "http/exchange.h"
#include "http/files/root.h"

enum {
	INPUT_SIZE = 2048,      /* grows with the head */
	INPUT_BODY = 16 * 1024, /* for bodies in chunks */
	OUTPUT_SIZE = 4096,
	OUTPUT_GATHER = 16 * 1024, /* then it is sent */
	OUTPUT_KEPT = 32 * 1024,   /* a head, and a file read behind it */
	OUTPUT_MAX = 64 * 1024,  /* what is larger goes out from where it is */
	DISCARD_MAX = 64 * 1024, /* of a body that nobody wants */
	FREE_MAX = 64,           /* exchanges kept for the next */
	LOG_SIZE = 4096,
	LOG_MAX = 64 * 1024, /* what the log is behind, then lines are lost */
	CONSTANT_MAX = 256,  /* the headers Date and Server */
};

#define IDLE_SOON RAMET_SEC /* idle for so long: its exchange is given back */
#define LINGER_TIME (2 * RAMET_SEC)

struct http_conn {
	struct ramet_http_server *server;
	struct ramet *ramet;            /* NULL: it has ended */
	struct ramet_conn *conn;        /* NULL: closed */
	struct ramet_http *h;           /* NULL: idle */
	struct http_conn *next, **link; /* in the server's list */
	/* Among those with an answer that is held back; late_link NULL: not. */
	struct http_conn *late_next, **late_link;
	bool stuck;             /* it did not fit into the socket */
	struct ramet *follower; /* sends it when it does; NULL: none */
	size_t served;
	bool tls;
	bool idle; /* between requests: a stop ends it */
	bool busy; /* in the handler */
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} addr;
	char peer[INET6_ADDRSTRLEN + 10]; /* once it was asked for */
};

struct http_listener {
	struct http_listener *next;
	struct ramet_http_server *server;
	int fd;
	bool tls;
};

struct http_log {
	char *data;
	size_t size, end;
	struct ramet *writer; /* NULL: none is under way */
};

struct ramet_http_server {
	struct loop *loop;
	struct ramet_http_opts opts;
	struct http_limits limits;
	struct http_listener *listeners;
	struct http_conn *conns;
	struct ramet_http *spare; /* exchanges */
	size_t spares;
	struct ramet_http_stats stats;

	/* Answers that have to go out once nothing else runs. */
	struct http_conn *late;
	bool sender; /* a ramet is on its way to do it */

	/* The headers Date and Server, and until when they hold. */
	char constant[CONSTANT_MAX];
	size_t constant_size;
	int64_t constant_until;
	char log_date[HTTP_LOG_DATE];
	struct http_log log;
	struct http_root root; /* the directory that files were asked of last */

	/* How it ends. */
	size_t running;       /* ramets of ours */
	bool served, waiting; /* waiting: `server` is parked for us */
	bool stopping;
	int error;                     /* -errno: what made it stop */
	struct ramet *ramet;           /* in ramet_http_serve */
	struct ramet_signals *signals; /* opts.stop_signals, once it listens */
	struct ramet *watcher;         /* of those; NULL: none */
	struct ramet_waitq
		room; /* acceptors that wait for a connection's end */
	struct mail stop_mail;
	int stop_posted, stops; /* atomic */
};

/* ---- server.c ------------------------------------------------------------ */

/* Returns 0, or -EPERM: it is another loop's. */
int ramet__server_mine(const struct ramet_http_server *s);

void ramet__server_close_listeners(struct ramet_http_server *s);

/* ---- serve.c ------------------------------------------------------------- */

/* Start a ramet of the server's; its on_end says that it has ended. */
struct ramet *ramet__server_spawn(struct ramet_http_server *s,
				  void *(*fn)(void *), void *arg,
				  void (*on_end)(struct ramet *), int *err);

/* Let acceptors look again: a connection has ended, or none is let in any more.
 */
void ramet__server_has_room(struct ramet_http_server *s);

/* What on_end does last. */
void ramet__server_ended(struct ramet_http_server *s, struct ramet *t);

/* ---- connection.c -------------------------------------------------------- */

/* Serve a connection that was accepted, by a ramet of its own, or close it. */
void ramet__http_accepted(struct http_listener *from, int fd,
			  const struct sockaddr *addr);

/* Free it if neither its ramet nor its follower is left. */
void ramet__conn_unused(struct http_conn *c);

/* ---- exchange.c ---------------------------------------------------------- */

/* Make c->h be there.  Returns 0 or -ENOMEM. */
int ramet__exchange_take(struct http_conn *c);

/* Give it back; what is in its input is lost. */
void ramet__exchange_give(struct http_conn *c);

/* Be ready for the next request: all that was of the last is gone, but for the
 * input and the output. */
void ramet__exchange_reset(struct ramet_http *h);

void ramet__exchange_free_spares(struct ramet_http_server *s);

/* ---- input.c ------------------------------------------------------------- */

/* The head of the next request.  Returns its size; 0: there is none, and none
 * will come; or minus the status to refuse it with. */
int ramet__input_request(struct http_conn *c);

/* Read more of the request's body into the input, after what is there; `within`
 * ns.  Returns how much, 0 at the end, or -errno; *own: the time was ours. */
ssize_t ramet__input_fill(struct ramet_http *h, bool *own);

/* As ramet__conn_read within ns; *own: it was that time which was over. */
ssize_t ramet__input_read(struct ramet_http *h, void *buf, size_t size,
			  int64_t within, bool *own);

/* ---- request.c ----------------------------------------------------------- */

/* Look at a request that is whole.  Returns 0, or the status to refuse it with.
 */
int ramet__request_prepare(struct ramet_http *h);

/* ---- body.c -------------------------------------------------------------- */

/* Read what is left and throw it away, if that is not too much.  Returns
 * whether the next request can be read. */
bool ramet__body_discard(struct ramet_http *h);

/* Whether all of it will have been read by that. */
bool ramet__body_is_short(const struct ramet_http *h);

/* ---- output.c ------------------------------------------------------------ */

/* Room for `size` bytes more at the output's end; NULL: no memory. */
char *ramet__output_room(struct ramet_http *h, size_t size);

/* Send what is in the output, then `iov`, which is used up.  Returns 0 or the
 * error, after which nothing can be sent. */
int ramet__output_send(struct ramet_http *h, struct iovec *iov, int count);

/* ---- late.c -------------------------------------------------------------- */

/* As ramet__output_send of nothing more, if no further request has come; else
 * at the latest when the handler of that one waits for something. */
int ramet__output_send_soon(struct ramet_http *h);

/* It is not to be sent by others any more. */
void ramet__late_forget(struct http_conn *c);

/* The same, and what is there goes as far as it does at once. */
void ramet__late_last_try(struct http_conn *c);

/* ---- log.c --------------------------------------------------------------- */

/* A line for the answer that was given. */
void ramet__log_answer(struct ramet_http *h);
void ramet__log_free(struct ramet_http_server *s);

/* The clock as text, made anew once a second. */
void ramet__server_clock(struct ramet_http_server *s);

#endif
