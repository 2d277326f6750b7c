/* dns.c - answers of name servers: the input is a reply, of which the first
 * byte chooses the type that was asked for. */
#include "kernel/kernel.h"
#include "net/names/answer.h"
#include "net/names/ares.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int types[] = {TYPE_A, TYPE_AAAA, TYPE_PTR};
	static const uint8_t query[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0"
				       "\3www\4test\0\0\1\0\1";
	struct answer *answer = NULL;
	int type, verdict;

	kernel_choose();
	if (ramet__ares_load() < 0 || size < 1)
		return 0;
	type = types[data[0] % countof(types)];
	data++;
	size--;
	ramet__answer_matches(data, size, query, sizeof query - 1);
	verdict = ramet__answer_read(data, size, "www.test", type, &answer);
	if (verdict >= 0 && verdict <= ANSWER_NXDOMAIN) {
		if (!answer || (verdict == ANSWER_FOUND) != (answer->count > 0))
			abort();
		if (strnlen(answer->name, NAME_ROOM) == NAME_ROOM)
			abort();
	} else if (answer) {
		abort();
	}
	kernel_free(answer);
	return 0;
}
