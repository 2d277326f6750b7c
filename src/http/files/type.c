/* type.c - a table of endings, sorted, and the types that IANA has for them. */
#include "http/files/type.h"

#include <stdlib.h>
#include <string.h>

#define TEXT(kind) "text/" kind "; charset=utf-8"

enum { ENDING_SIZE = 12 };

static const struct row {
	char ending[ENDING_SIZE];
	const char *type;
} rows[] = {
	{"7z", "application/x-7z-compressed"},
	{"aac", "audio/aac"},
	{"apk", "application/vnd.android.package-archive"},
	{"apng", "image/apng"},
	{"atom", "application/atom+xml"},
	{"avi", "video/x-msvideo"},
	{"avif", "image/avif"},
	{"bin", "application/octet-stream"},
	{"bmp", "image/bmp"},
	{"bz2", "application/x-bzip2"},
	{"c", TEXT("x-c")},
	{"cc", TEXT("x-c")},
	{"conf", TEXT("plain")},
	{"cpp", TEXT("x-c")},
	{"css", TEXT("css")},
	{"csv", TEXT("csv")},
	{"deb", "application/vnd.debian.binary-package"},
	{"diff", TEXT("plain")},
	{"doc", "application/msword"},
	{"docx", "application/vnd.openxmlformats-officedocument."
		 "wordprocessingml.document"},
	{"eot", "application/vnd.ms-fontobject"},
	{"eps", "application/postscript"},
	{"epub", "application/epub+zip"},
	{"flac", "audio/flac"},
	{"gif", "image/gif"},
	{"go", TEXT("plain")},
	{"gz", "application/gzip"},
	{"h", TEXT("x-c")},
	{"heic", "image/heic"},
	{"heif", "image/heif"},
	{"htm", TEXT("html")},
	{"html", TEXT("html")},
	{"ico", "image/vnd.microsoft.icon"},
	{"ics", TEXT("calendar")},
	{"ini", TEXT("plain")},
	{"iso", "application/octet-stream"},
	{"jar", "application/java-archive"},
	{"jpeg", "image/jpeg"},
	{"jpg", "image/jpeg"},
	{"js", TEXT("javascript")},
	{"json", "application/json"},
	{"jsonld", "application/ld+json"},
	{"jxl", "image/jxl"},
	{"log", TEXT("plain")},
	{"m3u8", "application/vnd.apple.mpegurl"},
	{"m4a", "audio/mp4"},
	{"m4v", "video/mp4"},
	{"manifest", TEXT("cache-manifest")},
	{"map", "application/json"},
	{"markdown", TEXT("markdown")},
	{"md", TEXT("markdown")},
	{"mid", "audio/midi"},
	{"midi", "audio/midi"},
	{"mjs", TEXT("javascript")},
	{"mkv", "video/x-matroska"},
	{"mov", "video/quicktime"},
	{"mp3", "audio/mpeg"},
	{"mp4", "video/mp4"},
	{"mpd", "application/dash+xml"},
	{"mpeg", "video/mpeg"},
	{"mpg", "video/mpeg"},
	{"odp", "application/vnd.oasis.opendocument.presentation"},
	{"ods", "application/vnd.oasis.opendocument.spreadsheet"},
	{"odt", "application/vnd.oasis.opendocument.text"},
	{"oga", "audio/ogg"},
	{"ogg", "audio/ogg"},
	{"ogv", "video/ogg"},
	{"opus", "audio/ogg"},
	{"otf", "font/otf"},
	{"patch", TEXT("plain")},
	{"pdf", "application/pdf"},
	{"pem", "application/x-pem-file"},
	{"png", "image/png"},
	{"ppt", "application/vnd.ms-powerpoint"},
	{"pptx", "application/vnd.openxmlformats-officedocument."
		 "presentationml.presentation"},
	{"ps", "application/postscript"},
	{"py", TEXT("x-python")},
	{"rar", "application/vnd.rar"},
	{"rpm", "application/x-rpm"},
	{"rs", TEXT("plain")},
	{"rss", "application/rss+xml"},
	{"rtf", "application/rtf"},
	{"sh", TEXT("x-shellscript")},
	{"sql", "application/sql"},
	{"svg", "image/svg+xml"},
	{"tar", "application/x-tar"},
	{"tgz", "application/gzip"},
	{"tif", "image/tiff"},
	{"tiff", "image/tiff"},
	{"toml", "application/toml"},
	{"ts", "video/mp2t"},
	{"tsv", TEXT("tab-separated-values")},
	{"ttf", "font/ttf"},
	{"txt", TEXT("plain")},
	{"vtt", TEXT("vtt")},
	{"wasm", "application/wasm"},
	{"wav", "audio/wav"},
	{"weba", "audio/webm"},
	{"webm", "video/webm"},
	{"webmanifest", "application/manifest+json"},
	{"webp", "image/webp"},
	{"woff", "font/woff"},
	{"woff2", "font/woff2"},
	{"xht", "application/xhtml+xml"},
	{"xhtml", "application/xhtml+xml"},
	{"xls", "application/vnd.ms-excel"},
	{"xlsx", "application/vnd.openxmlformats-officedocument."
		 "spreadsheetml.sheet"},
	{"xml", "application/xml"},
	{"xsl", "application/xslt+xml"},
	{"xz", "application/x-xz"},
	{"yaml", "application/yaml"},
	{"yml", "application/yaml"},
	{"zip", "application/zip"},
	{"zst", "application/zstd"},
};

static int compare(const void *ending, const void *row)
{
	return strcmp(ending, ((const struct row *)row)->ending);
}

const char *ramet__media_type(const char *name)
{
	const char *slash = strrchr(name, '/'), *dot = strrchr(name, '.');
	char ending[ENDING_SIZE] = {0};
	const struct row *row = NULL;

	if (dot && (!slash || dot > slash) && strlen(dot + 1) < sizeof ending) {
		for (size_t i = 0; dot[i + 1]; i++)
			ending[i] =
				(char)(dot[i + 1] |
				       (dot[i + 1] >= 'A' && dot[i + 1] <= 'Z'
						? 0x20
						: 0));
		row = bsearch(ending, rows, sizeof rows / sizeof *rows,
			      sizeof *rows, compare);
	}
	return row ? row->type : "application/octet-stream";
}

bool ramet__media_type_shrinks(const char *type)
{
	static const char *const beginnings[] = {
		"text/",
		"application/json",
		"application/xml",
		"application/manifest+json",
		"application/ld+json",
		"application/wasm",
		"application/xhtml+xml",
		"application/atom+xml",
		"application/rss+xml",
		"application/sql",
		"application/yaml",
		"application/toml",
		"image/svg+xml",
		"image/bmp",
		"font/ttf",
		"font/otf",
		NULL,
	};

	for (int i = 0; beginnings[i]; i++)
		if (strncmp(type, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}
