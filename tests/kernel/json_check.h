#ifndef TESTS_KERNEL_JSON_CHECK_H
#define TESTS_KERNEL_JSON_CHECK_H

/* A strict reader of JSON (RFC 8259), for tests of what the shell answers. */

#include <kernel/types.h>

/* NULL if s is one JSON object and nothing else, else what is wrong first. */
const char *json_wrong(const char *s);
/* Whether it is that, followed by one '\n' and nothing else. */
bool json_answer_ok(const char *s);

#endif
