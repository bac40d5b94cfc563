/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the type of a container needs and Cython cannot give it.
 *
 * Promises. An installed type is tracked by the garbage collector, which finds what the container
 * holds by `traverse` and breaks cycles by `clear`.
 *
 * How. Cython writes tp_traverse for object attributes only, and our references are words in the C
 * core. So the slots are put into the type once Cython has made it. The class needs one object
 * attribute, or Cython makes it without garbage collection.
 */
#ifndef CC_OBJECT_TYPE_H
#define CC_OBJECT_TYPE_H

#include <Python.h>

/* Give a type its public name, tp_traverse and tp_clear, and with `is_mapping` what the match
 * statement looks at. The name must live as long as the process; the type must have
 * Py_TPFLAGS_HAVE_GC and no instances yet. 0, or -1 with an exception. */
int cc_object_type_install(PyTypeObject *type, const char *name, int is_mapping,
                           traverseproc traverse, inquiry clear);

#endif
