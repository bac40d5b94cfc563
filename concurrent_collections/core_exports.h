/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How family modules get at the core, of which a process has one copy, in `_core`.
 *
 * Promises. A family module calls a function of the core by its own name, as if it were linked with
 * it; the call costs what a direct one costs. A family module of another build than `_core` is
 * refused with an ImportError when it is imported.
 *
 * How. `_core` has a table of pointers, one for each function that a .pxd file of the families
 * declares. tools/write_core_functions writes the table's type into core_functions.h, whose field
 * types are those of the headers' prototypes, and a macro for each name, which makes of the name a
 * call through the family's copy of the table. cc_core_import() fills in the copy.
 */
#ifndef CC_CORE_EXPORTS_H
#define CC_CORE_EXPORTS_H

#include <Python.h>

/* Put what families import into the namespace of `_core`: the base class of containers and the
 * table. 0, or -1 with an exception. */
int cc_core_export(PyObject *namespace_);

#endif
