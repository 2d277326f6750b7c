/* parser.c - how long it takes to read a head, in ns of CPU time.
 *
 *	bench/parser [ROUNDS]
 *
 * prints lines of bench, peer, parameter, value, unit and note, separated by
 * tabs, as the programs of peers/ do.  The least of the rounds counts: other
 * load on the machine only ever adds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http/head.h"

static const char small[] = "GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n";

/* As browsers send them. */
static const char browser[] =
	"GET /articles/2024/green-threads-for-c?ref=front&page=2 HTTP/1.1\r\n"
	"Host: www.example.org\r\n"
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 "
	"(KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36\r\n"
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,"
	"image/avif,image/webp,image/apng,*/*;q=0.8\r\n"
	"Accept-Encoding: gzip, deflate, br\r\n"
	"Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
	"Cache-Control: max-age=0\r\n"
	"Connection: keep-alive\r\n"
	"Cookie: session=5f3c2a9e8b7d6c5f4e3d2c1b0a9f8e7d; theme=dark; "
	"consent=necessary; visitor=1234567890\r\n"
	"Referer: https://www.example.org/articles/2024\r\n"
	"Sec-Fetch-Dest: document\r\n"
	"Sec-Fetch-Mode: navigate\r\n"
	"Sec-Fetch-Site: same-origin\r\n"
	"Upgrade-Insecure-Requests: 1\r\n"
	"\r\n";

static const char answer[] = "HTTP/1.1 200 OK\r\n"
			     "Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
			     "Content-Type: text/plain\r\n"
			     "Content-Length: 6\r\n\r\n";

static const struct http_limits limits = {.head = 16384, .fields = 100};

static int64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static int read_request(struct http_head *h, const char *text, size_t size)
{
	return ramet__head_request(h, &limits, text, size);
}

static int read_response(struct http_head *h, const char *text, size_t size)
{
	return ramet__head_response(h, &limits, text, size, false);
}

typedef int reader(struct http_head *h, const char *text, size_t size);

static double round_ns(reader *read, const char *text, size_t size, int count)
{
	struct http_head h;
	int64_t start = cpu_ns();

	for (int i = 0; i < count; i++) {
		ramet__head_init(&h);
		if (read(&h, text, size) != (int)size) {
			fprintf(stderr, "not read\n");
			exit(1);
		}
	}
	return (double)(cpu_ns() - start) / count;
}

static void measure(const char *what, reader *read, const char *text,
		    size_t size, int rounds)
{
	double best = 1e9;

	for (int i = 0; i < rounds; i++) {
		double ns = round_ns(read, text, size, 20000);

		if (ns < best)
			best = ns;
	}
	printf("parser\tramet\t%s\t%.1f\tns\t%zu bytes\n", what, best, size);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 50;

	measure("small", read_request, small, sizeof small - 1, rounds);
	measure("browser", read_request, browser, sizeof browser - 1, rounds);
	measure("answer", read_response, answer, sizeof answer - 1, rounds);
	return 0;
}
