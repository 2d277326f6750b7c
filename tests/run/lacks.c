/* lacks.c - the processor lacks FSGSBASE, as far as a program can ask: to be
 * preloaded.  Asked before libc is ready, it uses none of it. */
#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

enum { FSGSBASE = 2 };

static int call(long nr, long a, long b, long c)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return (int)result;
}

unsigned long getauxval(unsigned long type)
{
	int fd = call(SYS_open, (long)"/proc/self/auxv", O_RDONLY, 0);
	unsigned long value = 0;

	for (Elf64_auxv_t v; call(SYS_read, fd, (long)&v, sizeof v) == sizeof v;)
		if (v.a_type == type)
			value = v.a_un.a_val;
	call(SYS_close, fd, 0, 0);
	return type == AT_HWCAP2 ? value & ~(unsigned long)FSGSBASE : value;
}
