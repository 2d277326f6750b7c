/* preload.c - libramet-preload.so: comes first in symbol order, so that every
 * object of a program calls the replacements.
 *
 * It is nothing but names: each jumps to libramet.so, which is the runtime and
 * of which there must be one.  The jumps go through slots that the dynamic
 * linker fills before any code of the program runs.
 */
#include "patch/engine/table.h"
#include "ramet/patch.h"

#define STUB(group, type, name, params)                                        \
	__asm__(".pushsection .text\n"                                         \
		".globl " #name "\n"                                           \
		".type " #name ", @function\n" #name ":\n"                     \
		"	jmp *ramet__hook_" #name "@GOTPCREL(%rip)\n"           \
		".size " #name ", . - " #name "\n"                             \
		".popsection");

PATCH_GROUPS(STUB)

/* Tells the runtime that names it uses itself are not libc's any more. */
RAMET_API char ramet__names_taken[1];

/* In patch/engine/run.c. */
RAMET_API void ramet__run_start(void);

extern char **environ;

/* The library is marked to be initialised before all others (src/meson.build):
 * their constructors may call what is replaced, and start threads.  libc's own
 * has not run either, so the environment is not set yet. */
__attribute__((constructor)) static void start(int argc, char **argv,
					       char **envp)
{
	(void)argc;
	(void)argv;
	if (!environ)
		environ = envp;
	ramet__run_start();
}
