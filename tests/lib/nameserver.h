/* nameserver.h - a name server within the test, which does what the first label
 * of a name says. */
#ifndef NAMESERVER_H
#define NAMESERVER_H

#include "pair.h"

#include <arpa/inet.h>
#include <stdio.h>

enum {
	PACKET_ROOM = 4096,
	T_A = 1,
	T_CNAME = 5,
	T_SOA = 6,
	T_PTR = 12,
	T_AAAA = 28
};

struct packet {
	uint8_t bytes[PACKET_ROOM];
	size_t size, question_end;
	char name[256]; /* with dots between the labels */
	int type;
	bool edns;
};

struct nameserver {
	int udp, tcp, port;
	int asked, asked_tcp; /* queries */
	bool silent, failing; /* all are lost; or SERVFAIL */
	int64_t delay;
	struct ramet *udp_ramet, *tcp_ramet;
};

/* ---- messages ----------------------------------------------------------- */

static inline bool read_query(struct packet *p)
{
	size_t at = 12, n = 0;

	p->name[0] = '\0';
	while (at < p->size && p->bytes[at]) {
		if (n)
			p->name[n++] = '.';
		memcpy(p->name + n, p->bytes + at + 1, p->bytes[at]);
		n += p->bytes[at];
		at += p->bytes[at] + 1u;
	}
	p->name[n] = '\0';
	p->question_end = at + 5;
	if (p->question_end > p->size)
		return false;
	p->type = p->bytes[at + 1] << 8 | p->bytes[at + 2];
	p->edns = p->bytes[11] != 0;
	return true;
}

/* Make a query into an answer without records. */
static inline void begin_answer(struct packet *p, int rcode)
{
	p->size = p->question_end;
	p->bytes[2] = 0x81;
	p->bytes[3] = (uint8_t)(0x80 | rcode);
	memset(p->bytes + 6, 0, 6);
}

static inline void add_bytes(struct packet *p, const void *bytes, size_t size)
{
	memcpy(p->bytes + p->size, bytes, size);
	p->size += size;
}

static inline void add_name(struct packet *p, const char *name)
{
	while (*name) {
		uint8_t n = (uint8_t)strcspn(name, ".");

		add_bytes(p, &n, 1);
		add_bytes(p, name, n);
		name += n + (name[n] == '.');
	}
	add_bytes(p, "", 1);
}

/* Of `owner`, NULL: of the question. */
static inline void add_record(struct packet *p, const char *owner, int type,
			      unsigned ttl, const void *data, size_t size)
{
	uint8_t fixed[10] = {0,
			     (uint8_t)type,
			     0,
			     1,
			     0,
			     0,
			     (uint8_t)(ttl >> 8),
			     (uint8_t)ttl,
			     (uint8_t)(size >> 8),
			     (uint8_t)size};

	if (owner)
		add_name(p, owner);
	else
		add_bytes(p, "\xc0\x0c", 2);
	add_bytes(p, fixed, sizeof fixed);
	add_bytes(p, data, size);
	p->bytes[7]++;
}

static inline void add_link(struct packet *p, const char *owner, int type,
			    const char *target)
{
	struct packet name = {.size = 0};

	add_name(&name, target);
	add_record(p, owner, type, 60, name.bytes, name.size);
}

/* 10.0.0.n or fd00::n, as the question wants. */
static inline void add_addr(struct packet *p, const char *owner, uint8_t n)
{
	uint8_t v4[4] = {10, 0, 0, n}, v6[16] = {0xfd, [15] = n};

	if (p->type == T_A)
		add_record(p, owner, T_A, 60, v4, sizeof v4);
	else if (p->type == T_AAAA)
		add_record(p, owner, T_AAAA, 60, v6, sizeof v6);
}

/* RFC 2308: how long it holds that there is nothing. */
static inline void add_soa(struct packet *p, uint8_t ttl)
{
	uint8_t data[22] = {[21] = ttl};

	add_record(p, NULL, T_SOA, ttl, data, sizeof data);
	p->bytes[7] = 0;
	p->bytes[9] = 1;
}

/* ---- what it answers ---------------------------------------------------- */

static inline bool label_is(const struct packet *p, const char *label)
{
	size_t n = strlen(label);

	return strncmp(p->name, label, n) == 0 &&
	       (p->name[n] == '.' || !p->name[n]);
}

/* More than 1,232 bytes, or whatever `count` makes of it. */
static inline void add_many(struct packet *p, int count)
{
	for (int i = 0; i < count; i++)
		add_addr(p, NULL, (uint8_t)i);
	p->bytes[6] = (uint8_t)(count >> 8);
	p->bytes[7] = (uint8_t)count;
}

static inline void answer_alias(struct packet *p)
{
	if (label_is(p, "chain")) {
		add_link(p, NULL, T_CNAME, "two.test");
		add_link(p, "two.test", T_CNAME, "Three.test");
		add_addr(p, "three.TEST", 3);
	} else if (label_is(p, "backwards")) {
		add_addr(p, "two.test", 4);
		add_link(p, "one.test", T_CNAME, "two.test");
		add_link(p, NULL, T_CNAME, "one.test");
	} else if (label_is(p, "loop")) {
		add_link(p, NULL, T_CNAME, "two.test");
		add_link(p, "two.test", T_CNAME, p->name);
	} else if (label_is(p, "self")) {
		add_link(p, NULL, T_CNAME, p->name);
	} else if (label_is(p, "dangling")) {
		add_link(p, NULL, T_CNAME, "nowhere.test");
	} else if (label_is(p, "evil")) {
		add_link(p, NULL, T_CNAME, "a b;rm.test");
		add_addr(p, "a b;rm.test", 6);
	} else if (label_is(p, "stranger")) {
		add_addr(p, "other.test", 6);
	}
}

/* The answer that belongs to the name.  False: none. */
static inline bool answer(struct nameserver *s, struct packet *p, bool tcp)
{
	static const char *const aliases[] = {"chain",   "backwards", "loop",
					      "self",    "dangling",  "evil",
					      "stranger"};

	begin_answer(p, s->failing ? 2 : 0);
	if (s->failing)
		return true;
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (label_is(p, aliases[i])) {
			answer_alias(p);
			return true;
		}
	if (p->type == T_PTR) {
		add_link(p, NULL, T_PTR, "pointed.test");
	} else if (label_is(p, "nx")) {
		begin_answer(p, 3);
		add_soa(p, 60);
	} else if (label_is(p, "nodata") ||
		   (label_is(p, "only4") && p->type == T_AAAA) ||
		   (label_is(p, "only6") && p->type == T_A)) {
		add_soa(p, 60);
	} else if (label_is(p, "servfail")) {
		begin_answer(p, 2);
	} else if (label_is(p, "edns") && p->edns) {
		begin_answer(p, 1);
	} else if (label_is(p, "long") && !tcp) {
		p->bytes[2] |= 2; /* truncated */
	} else if (label_is(p, "long")) {
		add_many(p, 100);
	} else if (label_is(p, "short")) {
		add_addr(p, NULL, 1);
		p->size -= 3; /* in the middle of a record */
	} else if (label_is(p, "pointer")) {
		add_bytes(p, "\xc0\xff\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4", 16);
		p->bytes[7] = 1;
	} else if (label_is(p, "lost") && s->asked % 4 < 3 && s->asked < 3) {
		return false;
	} else {
		add_addr(p, NULL, 1);
	}
	return true;
}

/* ---- the server --------------------------------------------------------- */

struct reply {
	struct nameserver *server;
	struct sockaddr_in to;
	struct packet packet;
};

/* A fault under sweep, of which there is one, is not to cost who asks a second:
 * again. */
static inline bool goes_on(ssize_t n)
{
	return n < 0 && errno != ECANCELED && test_is_swept();
}

static inline ssize_t send_once(int fd, const struct reply *r)
{
	return ramet_sendto(fd, r->packet.bytes, r->packet.size, 0,
			    (const struct sockaddr *)&r->to, sizeof r->to);
}

static inline void send_packet(int fd, const struct reply *r)
{
	if (goes_on(send_once(fd, r)))
		send_once(fd, r);
}

/* What a forger would send, who knows the port and the name; all say 10.0.0.66.
 */
static inline void forge(const struct reply *r)
{
	struct reply f = *r;
	int other = ramet_socket(AF_INET, SOCK_DGRAM, 0);

	begin_answer(&f.packet, 0);
	add_addr(&f.packet, NULL, 66);
	send_packet(other, &f); /* from another port */
	f.packet.bytes[1] ^= 1; /* another id */
	send_packet(r->server->udp, &f);
	f.packet.bytes[1] ^= 1;
	f.packet.bytes[13] ^= 1; /* another name */
	send_packet(r->server->udp, &f);
	f.packet.bytes[13] ^= 1;
	f.packet.bytes[f.packet.question_end - 3] ^= 3; /* another type */
	send_packet(r->server->udp, &f);
	f.packet.bytes[f.packet.question_end - 3] ^= 3;
	f.packet.bytes[2] &= 0x7f; /* a query */
	send_packet(r->server->udp, &f);
	f.packet.bytes[2] |= 0x80;
	f.packet.bytes[5] = 0; /* about nothing */
	send_packet(r->server->udp, &f);
	f.packet.size = 7; /* hardly anything */
	send_packet(r->server->udp, &f);
	ramet_close(other);
}

/* Guesses of ids, one after the other. */
static inline void flood(const struct reply *r)
{
	struct reply f = *r;

	begin_answer(&f.packet, 0);
	add_addr(&f.packet, NULL, 66);
	for (int i = 1; i <= 100; i++) {
		f.packet.bytes[0] = (uint8_t)(r->packet.bytes[0] ^ i);
		send_packet(r->server->udp, &f);
	}
}

static inline void *send_reply(void *p)
{
	struct reply *r = p;

	if (r->server->delay)
		ramet_sleep(r->server->delay);
	if (label_is(&r->packet, "forged"))
		forge(r);
	if (label_is(&r->packet, "flood"))
		flood(r);
	else if (answer(r->server, &r->packet, false))
		send_packet(r->server->udp, r);
	free(r);
	return NULL;
}

static inline void *serve_udp(void *p)
{
	struct nameserver *s = p;

	for (;;) {
		struct reply *r = malloc(sizeof *r);
		socklen_t size = sizeof r->to;
		ssize_t n;

		CHECK(r);
		n = ramet_recvfrom(s->udp, r->packet.bytes, PACKET_ROOM, 0,
				   (void *)&r->to, &size);
		if (goes_on(n)) {
			free(r);
			continue;
		}
		if (n < 0) {
			free(r);
			return NULL;
		}
		r->packet.size = (size_t)n;
		r->server = s;
		if (!read_query(&r->packet) || s->silent) {
			free(r);
			continue;
		}
		s->asked++;
		if (!s->delay || !ramet_go(NULL, send_reply, r))
			send_reply(r);
	}
}

static inline void serve_tcp_one(struct nameserver *s, int fd)
{
	struct packet p;
	uint8_t length[2];

	while (ramet_read_all(fd, length, 2) == 2) {
		p.size = (size_t)(length[0] << 8 | length[1]);
		if (ramet_read_all(fd, p.bytes, p.size) != (ssize_t)p.size ||
		    !read_query(&p))
			return;
		s->asked_tcp++;
		answer(s, &p, true);
		length[0] = (uint8_t)(p.size >> 8);
		length[1] = (uint8_t)p.size;
		ramet_write_all(fd, length, 2);
		ramet_write_all(fd, p.bytes, p.size);
	}
}

static inline void *serve_tcp(void *p)
{
	struct nameserver *s = p;
	int fd;

	do {
		fd = ramet_accept(s->tcp, NULL, NULL);
		if (fd >= 0) {
			serve_tcp_one(s, fd);
			ramet_close(fd);
		}
	} while (fd >= 0 || goes_on(fd));
	return NULL;
}

/* The same port for both; one that is taken is tried again. */
static inline bool bind_both(struct nameserver *s)
{
	char text[64];

	s->udp = ramet_listen("udp://127.0.0.1:0");
	CHECK(s->udp >= 0);
	s->port = ramet_port(s->udp);
	snprintf(text, sizeof text, "tcp://127.0.0.1:%d", s->port);
	s->tcp = ramet_listen(text);
	if (s->tcp < 0)
		ramet_close(s->udp);
	return s->tcp >= 0;
}

static inline void server_start(struct nameserver *s)
{
	int room = 1 << 20;

	for (int i = 0; !bind_both(s); i++)
		CHECK(i < 100);
	setsockopt(s->udp, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	s->udp_ramet = spawn(serve_udp, s);
	s->tcp_ramet = spawn(serve_tcp, s);
}

static inline void server_stop(struct nameserver *s)
{
	ramet_cancel(s->udp_ramet);
	ramet_cancel(s->tcp_ramet);
	join(s->udp_ramet);
	join(s->tcp_ramet);
	ramet_close(s->udp);
	ramet_close(s->tcp);
}

/* ---- files -------------------------------------------------------------- */

/* Write the file that the variable names from now on. */
static inline void set_file(const char *variable, const char *name,
			    const char *text)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", test_dir(), name);
	f = fopen(path, "w");
	CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
	setenv(variable, path, 1);
}

static inline void set_resolv(const char *text)
{
	set_file("RAMET_RESOLV_CONF", "resolv.conf", text);
}

/* One server, a second for each of two rounds; and nothing of this machine's.
 */
static inline void use_server(struct nameserver *s, const char *more)
{
	char text[400];

	server_start(s);
	snprintf(text, sizeof text,
		 "nameserver 127.0.0.1:%d\noptions timeout:1 attempts:2\n%s\n",
		 s->port, more);
	set_resolv(text);
	set_file("RAMET_HOSTS", "hosts", "");
	set_file("RAMET_NSSWITCH", "nsswitch.conf", "hosts: files dns\n");
}

#endif
