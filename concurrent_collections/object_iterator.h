/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Iterators over ordered maps of objects: object_scan.h as a Python object.
 *
 * Promises. Those of a scan. One thread steps an iterator at a time; another one that tries it gets
 * a ValueError, as from a generator. A chunk is thrown away when the thread has changed the map
 * since it was fetched, and when it is another thread that goes on. At its end an iterator lets go
 * of everything, and stays at its end.
 *
 * Pairs. One tuple is used again for pair after pair as long as nobody else holds it, as dict's
 * iterators do.
 *
 * Python code. Finalizers of what a step lets go of run at its very end, when the iterator is free
 * again: they may step it, too.
 */
#ifndef CC_OBJECT_ITERATOR_H
#define CC_OBJECT_ITERATOR_H

#include <Python.h>

#include "ordered/ordered.h"

/* Make the type: before any other call. 0, or -1 with an exception. */
int cc_object_iterator_ready(void);

/* An iterator over the map in `owner`, from the bound `start` to `stop` in the direction of travel
 * (NULL: there is none); `how` as for cc_object_scan_begin, `want` a CC_WANT_*. */
PyObject *cc_object_iterator_new(PyObject *owner, cc_ordered *map, PyObject *start, PyObject *stop,
                                 int how, int want);

#endif
