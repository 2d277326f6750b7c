/* sim_state.h - what the files of the simulated kernel share. */
#ifndef KERNEL_SIM_STATE_H
#define KERNEL_SIM_STATE_H

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "kernel/kernel.h"
#include "kernel/sim.h"

enum { SIM_FDS = 1 << 16, SIM_TRANSFER_MAX = 1 << 16 };

/* ---- bytes on their way ------------------------------------------------- */

/* Bytes that arrive together. */
struct sim_part {
	size_t size;
	int64_t at;
};

enum { SIM_PARTS = 8 };

/* One direction of a stream: a ring of bytes, of which the first ones have
 * arrived.  It belongs to the file that reads it. */
struct sim_flow {
	char *bytes;
	size_t room, first, count, arrived;
	struct sim_part
		parts[SIM_PARTS]; /* the rest, in the order of arrival */
	unsigned part_count;
	bool ends, ended; /* no more will come; and the reader can know */
	int64_t end_at;
	bool starved; /* the writer found no room */
};

struct sim_address {
	struct sockaddr_storage any;
	socklen_t size; /* 0: none */
};

/* One message. */
struct sim_packet {
	struct sim_packet *next;
	struct sim_address from;
	int64_t at;
	size_t size;
	char bytes[];
};

/* The earlier of what may be next. */
static inline void sim_sooner(int64_t *next, int64_t at)
{
	if (at < *next)
		*next = at;
}

/* ---- files -------------------------------------------------------------- */

enum sim_kind {
	SIM_PIPE_IN,
	SIM_PIPE_OUT,
	SIM_EVENTFD,
	SIM_STREAM,    /* TCP or UNIX */
	SIM_DATAGRAM,  /* UDP or UNIX */
	SIM_SEQPACKET, /* UNIX: messages over a connection */
};

enum sim_phase {
	SIM_FRESH,
	SIM_LISTENS,
	SIM_CONNECTING,
	SIM_CONNECTED,
	SIM_DEAD
};

/* A poller's interest in a file, through one of its descriptors. */
struct sim_watch {
	struct sim_watch *next;
	struct sim_file *file;
	struct poller *poller;
	int fd;
	uint64_t tag;
	bool changed;       /* since it was reported */
	int64_t not_before; /* held back */
};

/* An open file, which several descriptors may share. */
struct sim_file {
	struct sim_file *next, *prev; /* all, in the order of making */
	enum sim_kind kind;
	unsigned refs; /* descriptors */
	int flags;     /* O_NONBLOCK */
	struct sim_watch *watches;
	struct sim_file *peer; /* the other end, NULL once it is closed */
	struct sim_flow in;
	uint64_t counter; /* of an eventfd */

	/* Sockets. */
	int family, type;
	enum sim_phase phase;
	struct sim_address name, peer_name;
	int error;               /* SO_ERROR */
	bool sent_end, recv_end; /* shut down */
	bool reuse_port, linger_zero;
	bool refused; /* what the connection under way will be */
	int64_t due;  /* when it is, or the peer's RST arrives */
	struct sim_file *queue, *queue_next; /* connections to accept */
	int queued, backlog;

	/* Messages. */
	struct sim_packet *packets, **packets_end;
	size_t packet_count;
	bool starved; /* a message found no room where it should go */
};

struct sim_helper {
	struct sim_helper *next;
	struct kernel_job *job;
	int64_t at;
};

/* ---- the world ---------------------------------------------------------- */

/* Sequences that must not disturb each other. */
enum sim_stream {
	SIM_BY_SCHEDULE,
	SIM_BY_FAULTS,
	SIM_BY_WORLD,
	SIM_BY_PROGRAM,
	SIM_STREAMS
};

enum sim_policy { SIM_ANY, SIM_FIRST, SIM_LAST };

struct sim {
	uint64_t seed, hash;
	uint64_t random[SIM_STREAMS];
	struct sim_faults faults;
	struct sim_counts counts;
	uint64_t steps_max; /* 0: no limit */
	bool closed_world; /* see sim_real.c */
	int64_t time;      /* exact; read with the quantum's precision */

	/* What kind of world this seed's is. */
	int64_t quantum, latency;
	size_t room;     /* of a stream's or a pipe's buffer */
	size_t messages; /* that a socket holds */
	int backlog;
	enum sim_policy policy;

	struct sim_file *first, *last;
	struct sim_helper *helpers;
	int lowest;    /* no number below it is free */
	int top;       /* none from here on is in use */
	uint16_t port; /* the last that was chosen */
	struct sim_file *fds[SIM_FDS];
};

extern struct sim *ramet__sim_state;

#define SIM ramet__sim_state

/* sim.c */
uint32_t sim_below(enum sim_stream stream, uint32_t n);
bool sim_fault(enum sim_fault fault);
void sim_trace(enum sim_event what, uint64_t value);
void sim_step(void);
void sim_violation(int status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* sim_time.c */
int64_t sim_clock(void); /* without its taking time */
int64_t sim_now(void);
void sim_advance(int64_t until);
int64_t sim_after_latency(void);

/* sim_memory.c */
void *sim_alloc(size_t size);
void sim_free(void *mem);
long sim_map(long nr, long a, long b, long c, long d, long e, long f);
void sim_print_memory(void);

/* sim_fd.c */
struct sim_file *sim_file_new(enum sim_kind kind, int flags);
void sim_file_free(struct sim_file *f);
int sim_fd_new(struct sim_file *f);
int sim_fd_pair(struct sim_file *a, struct sim_file *b, int fds[2]);
int sim_fd_dup(int fd, int target);
int sim_fd_close(int fd);
int sim_fcntl(int fd, int cmd, long arg);
int sim_fstat(const struct sim_file *f, struct stat *st);
struct sim_file *sim_file(int fd); /* NULL if it is not ours */
bool sim_has(int fd);              /* ours, open or not */

/* sim_flow.c */
void sim_flow_init(struct sim_flow *w, size_t room);
void sim_flow_put(struct sim_flow *w, const char *buf, size_t size, int64_t at);
size_t sim_flow_get(struct sim_flow *w, char *buf, size_t size, bool peek);
void sim_flow_end(struct sim_flow *w, int64_t at);
/* Whether something has arrived by now; *next becomes the next arrival if that
 * is earlier. */
bool sim_flow_arrive(struct sim_flow *w, int64_t now, int64_t *next);

/* sim_stream.c: streams and pipes; sim_pipe.c; sim_packet.c */
ssize_t sim_stream_read(struct sim_file *f, char *buf, size_t size, int flags);
ssize_t sim_stream_write(struct sim_file *f, const char *buf, size_t size,
			 int flags);
void sim_stream_close(struct sim_file *f);
void sim_stream_shutdown(struct sim_file *f, int how);
void sim_reset(struct sim_file *f);
int sim_take_error(struct sim_file *f);
int sim_pipe(int fds[2], int flags);
int sim_eventfd(unsigned count, int flags);
ssize_t sim_eventfd_read(struct sim_file *f, char *buf, size_t size, int flags);
ssize_t sim_eventfd_write(struct sim_file *f, const char *buf, size_t size,
			  int flags);
ssize_t sim_packet_read(struct sim_file *f, char *buf, size_t size, int flags,
			struct sim_address *from, size_t *whole);
ssize_t sim_packet_write(struct sim_file *f, const char *buf, size_t size,
			 int flags, const struct sim_address *to);
void sim_packets_close(struct sim_file *f);
bool sim_packets_full(const struct sim_file *f);

/* sim_socket.c, sim_connect.c, sim_address.c */
int sim_socket(int family, int type);
int sim_socketpair(int family, int type, int fds[2]);
int sim_listen(struct sim_file *f, int backlog);
int sim_shutdown(struct sim_file *f, int how);
int sim_getsockopt(struct sim_file *f, int level, int name, void *value,
		   socklen_t *size);
int sim_setsockopt(struct sim_file *f, int level, int name, const void *value,
		   socklen_t size);
struct sim_file *sim_socket_file(int family, int type);
void sim_join(struct sim_file *a, struct sim_file *b);
bool sim_is_tcp(const struct sim_file *f);

int sim_connect(struct sim_file *f, const struct sockaddr *addr,
		socklen_t size);
int sim_accept(struct sim_file *f, struct sockaddr *addr, socklen_t *size,
	       int flags);
void sim_connect_due(struct sim_file *f);
void sim_listener_close(struct sim_file *f);

/* Whether one of both is the other, or stands for any host with its port. */
bool sim_same_address(const struct sim_address *a, const struct sim_address *b);

int sim_address_read(struct sim_address *to, const struct sockaddr *addr,
		     socklen_t size);
void sim_address_write(const struct sim_address *a, int family,
		       struct sockaddr *addr, socklen_t *size);
int sim_bind(struct sim_file *f, const struct sim_address *a);
void sim_bind_any(struct sim_file *f);
struct sim_file *sim_find(const struct sim_file *asker,
			  const struct sim_address *a);

/* sim_ready.c, sim_poll.c, sim_helper.c */
uint32_t sim_holds(const struct sim_file *f);
void sim_changed(struct sim_file *f);
void sim_unwatch_all(struct sim_file *f, int fd); /* fd -1: all */
/* What is due happens; returns when something is next. */
int64_t sim_happen(void);
void sim_settle(struct sim_file *f, int64_t *next);
int sim_open(struct poller **poller);
void sim_close(struct poller *poller);
int sim_watch(struct poller *poller, int fd, uint64_t tag);
void sim_unwatch(struct poller *poller, int fd, uint64_t tag);
int sim_wait(struct poller *poller, int64_t timeout, struct kernel_event *out);
void sim_wake(struct poller *poller);
void sim_run_helpers(int64_t *next);
int sim_run(struct kernel_job *job);
bool sim_recall(struct kernel_job *job);
int sim_ppoll(struct pollfd *fds, size_t count, const struct timespec *timeout);

/* sim_real.c */
bool sim_alone(void);
bool sim_is_real(void); /* in a call of theirs: none is simulated now */
int sim_real_open(struct poller **real);
void sim_real_close(struct poller *real);
int sim_real_watch(struct poller *real, int fd, uint64_t tag);
/* Until the simulated clock reads `until`, INT64_MAX: for ever. */
int sim_real_wait(struct poller *real, int64_t until, struct kernel_event *out);

/* sim_call.c */
long sim_call(long nr, long a, long b, long c, long d, long e, long f);

/* True, with a violation, if a call that finds nothing would block. */
bool sim_would_block(const struct sim_file *f, int flags, const char *what);

#endif
