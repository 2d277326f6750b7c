/* uv.c - the echo server, on libuv: callbacks. */
#include "listen.h"

#include <string.h>
#include <uv.h>

/* A write that did not go out at once. */
struct rest {
	uv_write_t request;
	char data[];
};

static char *buf; /* one is enough: it is used up before the next read */
static size_t buf_size;

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void on_shut(uv_shutdown_t *request, int status)
{
	(void)status;
	uv_close((uv_handle_t *)request->handle, on_closed);
	free(request);
}

/* Close once all has been written. */
static void finish(uv_stream_t *stream)
{
	uv_shutdown_t *request = malloc(sizeof *request);

	uv_read_stop(stream);
	if (!request || uv_shutdown(request, stream, on_shut) < 0) {
		free(request);
		uv_close((uv_handle_t *)stream, on_closed);
	}
}

static void on_written(uv_write_t *request, int status)
{
	(void)status; /* the reader sees what is wrong */
	free(request);
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	(void)handle, (void)suggested;
	*out = uv_buf_init(buf, (unsigned)buf_size);
}

static void write_later(uv_stream_t *stream, const char *data, size_t size)
{
	struct rest *r = malloc(sizeof *r + size);
	uv_buf_t out;

	if (!r)
		return;
	memcpy(r->data, data, size);
	out = uv_buf_init(r->data, (unsigned)size);
	if (uv_write(&r->request, stream, &out, 1, on_written) < 0)
		free(r);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *in)
{
	uv_buf_t out = uv_buf_init(in->base, (unsigned)(n > 0 ? n : 0));
	int sent;

	if (n < 0)
		finish(stream);
	if (n <= 0)
		return;
	sent = uv_try_write(stream, &out, 1);
	if (sent < 0)
		sent = 0;
	if (sent < n)
		write_later(stream, in->base + sent, (size_t)(n - sent));
}

static void on_connection(uv_stream_t *listener, int status)
{
	uv_tcp_t *tcp = malloc(sizeof *tcp);

	if (!tcp || status < 0) {
		free(tcp);
		return;
	}
	uv_tcp_init(listener->loop, tcp);
	if (uv_accept(listener, (uv_stream_t *)tcp) < 0 ||
	    uv_read_start((uv_stream_t *)tcp, give_buffer, on_read) < 0)
		uv_close((uv_handle_t *)tcp, on_closed);
}

int main(int argc, char **argv)
{
	uv_loop_t *loop = uv_default_loop();
	uv_tcp_t listener;

	buf_size = buffer_size_of(argc, argv);
	buf = malloc(buf_size);
	if (!buf || uv_tcp_init(loop, &listener) < 0 ||
	    uv_tcp_open(&listener, listen_here(SOCK_STREAM | SOCK_NONBLOCK)) <
		    0 ||
	    uv_listen((uv_stream_t *)&listener, SOMAXCONN, on_connection) < 0)
		fail("uv");
	return uv_run(loop, UV_RUN_DEFAULT);
}
