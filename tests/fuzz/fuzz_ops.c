/*
 * fuzz_ops.c - any bytes as operations on all allocators, beside the model.
 *
 * Idea.       The language and the model are those of tests/model; here the fuzzer chooses the bytes.
 * Layout.     input = operations (model.c).
 * Invariants. After each input all is as before it.
 * Locking.    None.
 * Failure.    A BUG with what the model says.
 * Next:       none.
 */
#include "fuzz.h"

#include "../model/model.h"

static void run_ops(const u8 *data, size_t len)
{
	const char *failed = model_run(data, len, NULL);

	FUZZ_CHECK(!failed, "model: %s", failed);
}
FUZZ_TARGET("ops", run_ops);
