/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Stacks of Python objects: a cc_stack (csrc/stack) as the core of a store (object_store.h), which
 * has all the rest; and looks at what is inside, which queues do not have.
 *
 * Every function needs an attached thread state.
 */
#ifndef CC_OBJECT_STACK_H
#define CC_OBJECT_STACK_H

#include "object_store.h"
#include "stack/stack.h"

/* NULL: MemoryError. */
cc_object_store *cc_object_stack_new(const cc_stack_options *options);

/* What a store that was made by cc_object_stack_new is made of. */
const cc_stack *cc_object_stack_core(const cc_object_store *s);

/* The top item, or `otherwise` when there is none: a new reference. NULL: MemoryError. */
PyObject *cc_object_stack_peek(cc_object_store *s, PyObject *otherwise);

/* A list of what was inside at one instant, top first; NULL with an exception. */
PyObject *cc_object_stack_snapshot(cc_object_store *s);

struct cc_smr_domain *cc_object_stack_domain(const cc_object_store *s);

#endif
