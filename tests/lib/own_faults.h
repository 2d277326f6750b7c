/* own_faults.h - in a program that takes faults, and the stacks for their
 * handlers, for itself: sanitizers leave them alone.  Visible, for they may look
 * it up. */
#ifndef OWN_FAULTS_H
#define OWN_FAULTS_H

#define SANITIZER_OPTIONS __attribute__((visibility("default"))) const char *

SANITIZER_OPTIONS __asan_default_options(void);
SANITIZER_OPTIONS __tsan_default_options(void);

const char *__asan_default_options(void)
{
	return "handle_segv=0:handle_sigbus=0:use_sigaltstack=0";
}

const char *__tsan_default_options(void)
{
	return __asan_default_options();
}

#endif
