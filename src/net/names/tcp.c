/* tcp.c - questions by TCP, whose answers are too long for a datagram: each is
 * preceded by its length (RFC 1035, 4.2.2). */
#include "net/names/question.h"

#include "io/address.h"
#include "io/sock.h"

#include <string.h>

enum { STRAY_MAX = 16 };

int ramet__question_reply(struct question *q, const uint8_t *reply, size_t size)
{
	uint8_t *copy = kernel_alloc(size);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, reply, size);
	kernel_free(q->reply);
	q->reply = copy;
	q->reply_size = size;
	return 0;
}

static int send_query(int fd, const struct question *q)
{
	uint8_t message[2 + 512];
	ssize_t n;

	if (q->query_size > sizeof message - 2)
		return -EMSGSIZE;
	message[0] = (uint8_t)(q->query_size >> 8);
	message[1] = (uint8_t)q->query_size;
	memcpy(message + 2, q->query, q->query_size);
	n = ramet__sock_send(fd, message, q->query_size + 2, MSG_NOSIGNAL, NULL,
			     0);
	return n < 0 ? (int)n : 0;
}

static int read_whole(int fd, uint8_t *buf, size_t size)
{
	while (size) {
		ssize_t n = ramet__sock_recv(fd, buf, size, 0, NULL, NULL);

		if (n <= 0)
			return n ? (int)n : -ECONNRESET;
		buf += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Give a message to the question it answers: 1, 0 if there is none. */
static int give(struct question **q, size_t count, uint8_t *msg, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		if (q[i]->reply ||
		    !ramet__answer_matches(msg, size, q[i]->query,
					   q[i]->query_size))
			continue;
		q[i]->reply = msg;
		q[i]->reply_size = size;
		return 1;
	}
	kernel_free(msg);
	return 0;
}

static int read_reply(int fd, struct question **q, size_t count)
{
	uint8_t length[2], *msg;
	size_t size;
	int err = read_whole(fd, length, sizeof length);

	if (err < 0)
		return err;
	size = (size_t)(length[0] << 8 | length[1]);
	msg = kernel_alloc(size + 1);
	if (!msg)
		return -ENOMEM;
	err = read_whole(fd, msg, size);
	if (err < 0) {
		kernel_free(msg);
		return err;
	}
	return give(q, count, msg, size);
}

int ramet__tcp_ask(struct server *s, struct question **q, size_t count)
{
	int fd = ramet__address_dial(&s->addr, s->addr_size, SOCK_STREAM);
	size_t missing = count;
	int err = 0;

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < count; i++) {
		kernel_free(q[i]->reply);
		q[i]->reply = NULL;
	}
	for (size_t i = 0; err == 0 && i < count; i++)
		err = send_query(fd, q[i]);
	for (size_t i = 0; err >= 0 && missing && i < count + STRAY_MAX; i++) {
		err = read_reply(fd, q, count);
		missing -= err > 0;
	}
	ramet__close(fd);
	return err < 0 ? err : missing ? -EBADMSG : 0;
}
