/* uncovered.h - what still blocks around FILEs, for ramet-patch(7). */
#ifndef PATCH_STDIO_UNCOVERED_H
#define PATCH_STDIO_UNCOVERED_H

/* X("names", "consequence"), as in patch/uncovered.h. */
#define PATCH_STDIO_UNCOVERED(X)                                               \
	X("fopen fopen64 freopen freopen64 tmpfile",                           \
	  "opening blocks: a FIFO until its other end is opened, a file on "   \
	  "NFS or FUSE for as long as that takes")                             \
	X("exit, for what FILEs have not written yet",                         \
	  "a full pipe blocks all ramets, also the one that would empty it")   \
	X("syslog vsyslog openlog __syslog_chk __vsyslog_chk",                 \
	  "block while the log daemon does not read")                          \
	X("getopt getopt_long fmtmsg argp_parse",                              \
	  "messages wait for libc's own lock of stderr: if another ramet "     \
	  "waits while it has that, all stop")                                 \
	X("fgetpwent fgetgrent fgetspent putpwent putgrent putspent "          \
	  "getmntent addmntent and their _r",                                  \
	  "block on a FILE that is a pipe or socket; while a ramet waits in "  \
	  "another call on the same FILE, all stop")                           \
	X("FILEs opened with m (mmap) in the mode",                            \
	  "page faults block until the page is there")                         \
	X("functions on FILEs in objects that are not patched (--lib, "        \
	  "ramet_patch)",                                                      \
	  "they wait for libc's own lock: while a ramet waits inside a "       \
	  "replaced call on the same FILE, all stop; patch group stdio for "   \
	  "every object or for none")

#endif
