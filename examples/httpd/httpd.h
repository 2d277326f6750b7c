/* httpd.h - the parts of the web server. */
#ifndef HTTPD_H
#define HTTPD_H

#include <ramet.h>

/* Before the first request. */
void status_begin(void);

/* Answer with the time and the server's figures, as JSON. */
void status(struct ramet_http *h, struct ramet_http_server *server);

/* Become a WebSocket, and take part in the chat until it is closed. */
void chat(struct ramet_http *h);

/* How many do. */
int chatting(void);

#endif
