/* dns.c - answers of name servers: the input is a reply, of which the first
 * byte chooses the type that was asked for. */
#include "fuzz.h"

#include "kernel/kernel.h"
#include "net/names/answer.h"
#include "net/names/ares.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int types[] = {TYPE_A, TYPE_AAAA, TYPE_PTR};
	static const uint8_t query[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0"
				       "\3www\4test\0\0\1\0\1";
	struct answer *answer = NULL;
	uint8_t *reply;
	int type, verdict;

	kernel_choose();
	if (ramet__ares_load() < 0 || size < 1)
		return 0;
	type = types[data[0] % countof(types)];
	size--;
	reply = (uint8_t *)fuzz_copy(data + 1, size);
	ramet__answer_matches(reply, size, query, sizeof query - 1);
	verdict = ramet__answer_read(reply, size, "www.test", type, &answer);
	if (verdict >= 0 && verdict <= ANSWER_NXDOMAIN) {
		MUST(answer && answer->verdict == (enum verdict)verdict);
		MUST((verdict == ANSWER_FOUND) == (answer->count > 0));
		MUST(strnlen(answer->name, NAME_ROOM) < NAME_ROOM);
	} else {
		MUST(!answer);
	}
	kernel_free(answer);
	free(reply);
	return 0;
}
