/* loop.h - what the clients of a loop have to do with its life. */
#ifndef HTTP_CLIENT_LOOP_H
#define HTTP_CLIENT_LOOP_H

struct loop;

/* The loop ends: so does what they keep. */
void ramet__http_close(struct loop *l);

/* In the child of a fork. */
void ramet__http_after_fork(struct loop *l);

#endif
