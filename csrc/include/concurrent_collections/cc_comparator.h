/* SPDX-License-Identifier: BSD-3-Clause
 *
 * C functions that order the keys of containers of Python objects: what Comparator.from_c takes.
 *
 *     static int by_last_digit(int64_t a, int64_t b, void *context) {
 *         int64_t x = a % 10, y = b % 10;
 *         return (x > y) - (x < y);
 *     }
 *
 *     PyObject *capsule = PyCapsule_New((void *)by_last_digit, CC_COMPARE_INT64S, NULL);
 *
 *     m = SkipListMap(comparator=Comparator.from_c(capsule))        in Python
 *
 * Answers. Less than 0, 0 or more than 0: the first key comes before the second one, is one key
 * with it, or comes after it. CC_CANNOT_COMPARE: the function does not order the two. Then the
 * operation has no effect and raises a TypeError; before that the function is asked about the same
 * two once more, outside of the container.
 *
 * What it must be. An order that never changes: for the same keys always the same answer, and with
 * a < b and b < c also a < c. One that is none gives entries strange places, and does no other
 * harm.
 *
 * When it runs. In the middle of an operation, in any thread, in several at once, also after the
 * operation has had its effect. Nobody waits for it, but what dies meanwhile is not freed before it
 * returns. So it is short; it does not block, does not call this library, and is no callback that
 * enters Python (ctypes makes such).
 *
 *   Of int64s it touches no object: it may be called by threads that are attached to the
 *   interpreter and by others.
 *   Of objects it is called by attached threads. Both objects live until it returns. It may look at
 *   them (types, sizes, contents of objects that do not change), and nothing more: it runs no
 *   Python code, makes and releases no object, sets no exception, and does not detach (release the
 *   GIL).
 */
#ifndef CC_COMPARATOR_H
#define CC_COMPARATOR_H

#include <limits.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct _object; /* PyObject */

/* Orders two keys of any types. */
typedef int (*cc_compare_objects)(struct _object *a, struct _object *b, void *context);

/* Orders two keys that are ints of 64 bits; the container refuses all others. */
typedef int (*cc_compare_int64s)(int64_t a, int64_t b, void *context);

#define CC_CANNOT_COMPARE INT_MIN

/* Names of capsules whose pointer is such a function. A capsule's context (PyCapsule_SetContext) is
 * the function's, unless Comparator.from_c is given one. */
#define CC_COMPARE_OBJECTS "concurrent_collections.cc_compare_objects"
#define CC_COMPARE_INT64S "concurrent_collections.cc_compare_int64s"

#ifdef __cplusplus
}
#endif

#endif
