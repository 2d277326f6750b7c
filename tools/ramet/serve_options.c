/* serve_options.c - reads the command line of `ramet serve`. */
#include "tools/ramet/serve.h"
#include "tools/ramet/say.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char help[] =
	"usage: ramet serve [OPTION...] DIRECTORY\n"
	"\n"
	"Serves the files below DIRECTORY by HTTP until Ctrl-C or SIGTERM, "
	"which "
	"let\n"
	"requests that are under way end.  Names that begin with a dot are not "
	"served,\n"
	"nor are links that lead out of DIRECTORY followed.\n"
	"\n"
	"  --listen=ADDRESS  where: 8080, HOST:PORT, http://HOST:PORT, "
	"https://HOST:PORT\n"
	"                    or http+unix:///PATH; may be said again "
	"(127.0.0.1:8080,\n"
	"                    with --tls 127.0.0.1:8443)\n"
	"  --tls=CERT,KEY    certificates and private key, files in PEM\n"
	"  --loops=N         use N processors; 0: all (1)\n"
	"  --list            show what is in a directory without index.html\n"
	"  --log             write a line for each answer to standard error\n"
	"  --metrics=PATH    answer with figures for Prometheus there, as in "
	"/metrics\n"
	"  --quiet           say nothing but errors\n"
	"  --json            say what is said as JSON\n"
	"  --help            show this\n"
	"\n"
	"Exit status: 0 once it was stopped, 1 if it cannot listen or serve, 2 "
	"if the\n"
	"options make no sense.  Manual: ramet-serve(1).\n";

void print_serve_help(void)
{
	fputs(help, stdout);
}

enum { LISTEN = 1, TLS, LOOPS, LIST, LOG, METRICS, QUIET, JSON, HELP = 'h' };

static const struct option known[] = {
	{"listen", required_argument, NULL, LISTEN},
	{"tls", required_argument, NULL, TLS},
	{"loops", required_argument, NULL, LOOPS},
	{"list", no_argument, NULL, LIST},
	{"log", no_argument, NULL, LOG},
	{"metrics", required_argument, NULL, METRICS},
	{"quiet", no_argument, NULL, QUIET},
	{"json", no_argument, NULL, JSON},
	{"help", no_argument, NULL, HELP},
	{0},
};

static void read_tls(struct serve_options *o, char *text)
{
	char *comma = strchr(text, ',');

	if (!comma || comma == text || !comma[1])
		refuse(STATUS_REFUSED,
		       "--tls: \"%s\" is not two files; write "
		       "--tls=cert.pem,key.pem",
		       text);
	*comma = '\0';
	o->cert = text;
	o->key = comma + 1;
}

static size_t read_loops(const char *text)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (end == text || *end || errno || *text == '-' || n > 1024)
		refuse(STATUS_REFUSED,
		       "--loops: \"%s\" is no number from 0 to 1024", text);
	return n;
}

static void take(struct serve_options *o, int which)
{
	switch (which) {
	case LISTEN:
		if (o->listen_count == LISTEN_MAX)
			refuse(STATUS_REFUSED, "--listen: %d are enough",
			       LISTEN_MAX);
		o->listen[o->listen_count++] = optarg;
		break;
	case TLS:
		read_tls(o, optarg);
		break;
	case LOOPS:
		o->loops = read_loops(optarg);
		break;
	case LIST:
		o->list = true;
		break;
	case LOG:
		o->log = true;
		break;
	case METRICS:
		if (*optarg != '/')
			refuse(STATUS_REFUSED,
			       "--metrics: \"%s\" is no path; write "
			       "--metrics=/metrics",
			       optarg);
		o->metrics = optarg;
		break;
	case QUIET:
		o->quiet = true;
		break;
	case JSON:
		o->json = true;
		break;
	default:
		o->help = true;
	}
}

/* "8080" and "host:8080" are short for addresses. */
static char *whole_address(const struct serve_options *o, const char *text)
{
	const char *scheme = strstr(text, "://") ? ""
			     : o->cert           ? "https://"
						 : "http://";
	const char *host = *text == ':' ? "[::]" /* as others have it: all */
			   : text[strspn(text, "0123456789")] ? ""
							      : "127.0.0.1:";
	char *address;

	if (asprintf(&address, "%s%s%s", scheme, host, text) < 0)
		refuse(STATUS_REFUSED, "there is no memory");
	if (strncmp(address, "https", 5) == 0 && !o->cert)
		refuse(STATUS_REFUSED,
		       "%s needs a certificate; add --tls=cert.pem,key.pem",
		       address);
	return address;
}

static void check_directory(struct serve_options *o, const char *name)
{
	struct stat st;

	o->directory = realpath(name, NULL);
	if (!o->directory || stat(o->directory, &st) < 0)
		refuse(STATUS_REFUSED, "%s cannot be served: %s", name,
		       strerror(errno));
	if (!S_ISDIR(st.st_mode))
		refuse(STATUS_REFUSED,
		       "%s is not a directory; name the one that it is in",
		       name);
}

static void check_sense(struct serve_options *o, char **rest)
{
	if (!*rest)
		refuse(STATUS_REFUSED, "there is no directory to serve; write "
				       "\"ramet serve .\" for this one");
	if (rest[1])
		refuse(STATUS_REFUSED,
		       "one directory can be served, and \"%s\" is another",
		       rest[1]);
	check_directory(o, *rest);
}

struct serve_options read_serve_options(int argc, char **argv)
{
	static char plain[] = "127.0.0.1:8080", secret[] = "127.0.0.1:8443";
	struct serve_options o = {.loops = 1};

	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
		if (c == ':' || c == '?')
			refuse_option(c, argv);
		take(&o, c);
	}
	if (o.help)
		return o;
	check_sense(&o, argv + optind);
	if (!o.listen_count)
		o.listen[o.listen_count++] = o.cert ? secret : plain;
	for (size_t i = 0; i < o.listen_count; i++)
		o.listen[i] = whole_address(&o, o.listen[i]);
	return o;
}
