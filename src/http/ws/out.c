/* out.c - what goes out: messages, whole or in compressed pieces, and control
 * frames. */
#include "http/ws/ws.h"

#include "http/ws/mask.h"
#include "kernel/calls.h"
#include "sync/sync.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* ---- the turn to send ---------------------------------------------------- */

void ramet__ws_break(struct ramet_ws *ws)
{
	ws->broken = true;
	kernel_shutdown(ws->conn->fd, SHUT_RDWR);
}

bool ramet__ws_is_stopped(const struct ramet_ws *ws, ssize_t err)
{
	return (err == -ETIMEDOUT || err == -ECANCELED) &&
	       ramet__interrupted(ws->loop) < 0;
}

static int may_send(const struct ramet_ws *ws)
{
	if (ws->broken || ws->close_sent)
		return -EPIPE;
	return ramet__interrupted(ws->loop);
}

/* Nothing is written by who may not wait any more: then it stays whole. */
static int take_turn(struct ramet_ws *ws)
{
	int err = may_send(ws);

	if (err < 0)
		return err;
	err = ramet__mutex_take(ws->loop, &ws->sending);
	if (err < 0)
		return err;
	err = may_send(ws);
	if (err < 0)
		ramet__mutex_pass(&ws->sending);
	return err;
}

/* ---- frames -------------------------------------------------------------- */

/* Random, so that who chooses the payload does not choose what is sent (RFC
 * 6455, 10.3). */
static int next_key(struct ramet_ws *ws, uint8_t key[4])
{
	if (!ws->keys_left) {
		long n = kernel_call(SYS_getrandom, KERNEL_ARG(ws->keys),
				     WS_KEYS, 0, 0, 0, 0);

		if (n != WS_KEYS)
			return n < 0 ? (int)n : -EAGAIN;
		ws->keys_left = WS_KEYS;
	}
	ws->keys_left -= 4;
	memcpy(key, ws->keys + ws->keys_left, 4);
	return 0;
}

static int write_all(struct ramet_ws *ws, struct iovec *iov, int count)
{
	ssize_t n = ramet__conn_writev(ws->conn, iov, count);

	return n < 0 ? (int)n : 0;
}

/* Data that must stay as it is is masked on its way, piece by piece. */
static int write_masked(struct ramet_ws *ws, struct iovec *header,
			const struct ws_frame *f, const char *data,
			const uint8_t key[4])
{
	size_t at = 0, n;
	int err;

	do {
		struct iovec iov[2] = {*header};

		n = f->size - at < WS_OUT ? f->size - at : WS_OUT;
		ramet__ws_mask(ws->out, data + at, n, key, at);
		iov[1] = (struct iovec){ws->out, n};
		err = write_all(ws, iov, 2);
		header->iov_len = 0;
		at += n;
	} while (err == 0 && at < f->size);
	return err;
}

/* The payload may be in ws->out, where it is masked in place. */
static int write_frame(struct ramet_ws *ws, const struct ws_frame *f,
		       const char *data)
{
	unsigned char header[WS_HEADER_MAX];
	struct iovec iov[2] = {{header, 0},
			       {(void *)(uintptr_t)data, (size_t)f->size}};
	uint8_t key[4];
	int err;

	if (ws->h) {
		iov[0].iov_len = ramet__ws_header_write(header, f, NULL);
		return write_all(ws, iov, f->size ? 2 : 1);
	}
	err = next_key(ws, key);
	if (err < 0)
		return err;
	iov[0].iov_len = ramet__ws_header_write(header, f, key);
	return write_masked(ws, &iov[0], f, data, key);
}

/* ---- the end of a turn --------------------------------------------------- */

/* What the peer's end of the connection does to us is always the same. */
static int judge(struct ramet_ws *ws, int err)
{
	if (err == 0)
		return 0;
	ramet__ws_break(ws);
	return err == -ENOMEM || ramet__ws_is_stopped(ws, err) ? err : -EPIPE;
}

static int write_pong(struct ramet_ws *ws)
{
	struct ws_frame f = {.opcode = WS_PONG,
			     .fin = true,
			     .size = ws->pong_size};
	char copy[WS_CONTROL_MAX]; /* another ping may come meanwhile */

	memcpy(copy, ws->pong, ws->pong_size);
	ws->pong_due = false;
	return judge(ws, write_frame(ws, &f, copy));
}

static void end_turn(struct ramet_ws *ws)
{
	if (ws->pong_due && may_send(ws) == 0)
		write_pong(ws);
	ramet__mutex_pass(&ws->sending);
}

/* ---- messages ------------------------------------------------------------ */

/* Whether this one is to be compressed.  Without memory for that it is not. */
static bool is_zipped(struct ramet_ws *ws, unsigned opcode, size_t size)
{
	unsigned bits = ws->h ? ws->agreed.server_bits : ws->agreed.client_bits;
	bool resets =
		ws->h ? ws->agreed.server_resets : ws->agreed.client_resets;

	if (!ws->agreed.on || size < WS_ZIP_LEAST || bits < 9 ||
	    ws_is_control(opcode))
		return false;
	if (!ws->zip)
		ws->zip = ramet__zip_out_new(bits, resets);
	return ws->zip;
}

/* As many frames as it takes: none waits for the next. */
static int write_zipped(struct ramet_ws *ws, struct ws_frame *f,
			const void *data)
{
	struct iovec left = {(void *)(uintptr_t)data, (size_t)f->size};
	int err;

	f->compressed = true;
	do {
		f->size = ramet__zip_out(ws->zip, &left, ws->out, WS_OUT,
					 &f->fin);
		err = write_frame(ws, f, ws->out);
		f->opcode = WS_CONTINUE;
		f->compressed = false;
	} while (err == 0 && !f->fin);
	return err;
}

int ramet__ws_send(struct ramet_ws *ws, unsigned opcode, const void *data,
		   size_t size)
{
	struct ws_frame f = {.opcode = (uint8_t)opcode,
			     .fin = true,
			     .size = size};
	int err = take_turn(ws);

	if (err < 0)
		return err;
	if (is_zipped(ws, opcode, size))
		err = write_zipped(ws, &f, data);
	else
		err = write_frame(ws, &f, data);
	err = judge(ws, err);
	end_turn(ws);
	return err;
}

/* ---- control frames ------------------------------------------------------ */

int ramet__ws_send_control(struct ramet_ws *ws, unsigned opcode,
			   const void *data, size_t size)
{
	struct ws_frame f = {.opcode = (uint8_t)opcode,
			     .fin = true,
			     .size = size};
	int err = take_turn(ws);

	if (err < 0)
		return err;
	ws->close_sent = opcode == WS_CLOSE;
	err = judge(ws, write_frame(ws, &f, data));
	end_turn(ws);
	return err;
}

int ramet__ws_send_close(struct ramet_ws *ws, unsigned code, const char *reason,
			 size_t size)
{
	char data[WS_CONTROL_MAX] = {(char)(code >> 8), (char)code};

	if (code == 1005) /* none was given: none is */
		return ramet__ws_send_control(ws, WS_CLOSE, data, 0);
	if (size)
		memcpy(data + 2, reason, size);
	return ramet__ws_send_control(ws, WS_CLOSE, data, size + 2);
}

bool ramet__ws_pong_is_ours(const struct ramet_ws *ws)
{
	return ws->pong_due && !ws->sending.owner && !ws->broken &&
	       !ws->close_sent;
}

static bool has_room(const struct ramet_ws *ws)
{
	struct pollfd p = {.fd = ws->conn->fd, .events = POLLOUT};
	struct timespec now = {0, 0};
	int n;

	do
		n = kernel_ppoll(&p, 1, &now);
	while (n == -EINTR);
	return n > 0;
}

void ramet__ws_send_pong(struct ramet_ws *ws)
{
	if (ramet__ws_pong_is_ours(ws) && has_room(ws) && take_turn(ws) == 0)
		end_turn(ws);
}
