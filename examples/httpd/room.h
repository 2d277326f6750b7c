/* room.h - who is in the chat. */
#ifndef HTTPD_ROOM_H
#define HTTPD_ROOM_H

#include "httpd.h"
#include "line.h"

struct member {
	struct member *next;
	struct ramet_chan *lines; /* for it; who is slow misses some */
	char name[NAME_MAX_BYTES];
};

/* Come and go, which all are told.  Nothing here waits. */
void enter(struct member *m);
void leave(struct member *m);

/* All are told what m says. */
void say(const struct member *m, const char *text);

#endif
