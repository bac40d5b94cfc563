/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading an entry of a map of objects and changing it in one atomic step, by what a function of
 * the user makes of the value. For every ordered container: over ordered.h alone.
 *
 *     now = cc_object_map_compute(map, key, f, Py_None, remove);       Python: m.compute(key, f)
 *     now = cc_object_map_increment(map, key, amount);
 *
 * Promises. Such an operation has its effect at one point, at which the entry held the very object
 * that the function was given, or was not there when it was told so. Identity decides, and `==` is
 * called by cc_object_map_replace_if alone. Where the same object has been taken out and put back
 * in between, nobody can tell, and the effect is right.
 *
 * The function runs outside of everything: no region is open, nobody waits for it, and it may use
 * the map. It runs again only if the entry has changed since it was called: so at most once more
 * for each change. It may run although the operation then finds that the key is refused. What it
 * raises comes out, and the map is as it was.
 *
 * The answer is the value that is there afterwards, as a new reference, or `otherwise` where there
 * is none; NULL with an exception. An object that is given as `remove` removes the entry when the
 * function returns it; NULL: no object does.
 *
 * Progress. Lock-free, but for the function: a step is taken again only when another thread has
 * changed the entry.
 *
 * Every function needs an attached thread.
 */
#ifndef CC_OBJECT_COMPOUND_H
#define CC_OBJECT_COMPOUND_H

#include <Python.h>

#include "ordered/ordered.h"

/* The value becomes f(value), or f(otherwise) where there is none. */
PyObject *cc_object_map_compute(cc_ordered *map, PyObject *key, PyObject *f, PyObject *otherwise,
                                PyObject *remove);

/* Only where there is one. As a look-up it does not find a key that does not compare. */
PyObject *cc_object_map_compute_if_present(cc_ordered *map, PyObject *key, PyObject *f,
                                           PyObject *otherwise, PyObject *remove);

/* Where there is none it becomes f(), which is called once at most. When another thread is faster,
 * its value stays and is the answer. */
PyObject *cc_object_map_compute_if_absent(cc_ordered *map, PyObject *key, PyObject *f,
                                          PyObject *otherwise, PyObject *remove);

/* `value` where there is none, else f(old, value). */
PyObject *cc_object_map_merge(cc_ordered *map, PyObject *key, PyObject *value, PyObject *f,
                              PyObject *otherwise, PyObject *remove);

/* `amount` where there is none, else old + amount. */
PyObject *cc_object_map_increment(cc_ordered *map, PyObject *key, PyObject *amount);

/* Replace the value if it equals `expected` (`==`, or the same object). The value that is replaced
 * is the very object that was compared. 1: replaced; 0: it was not equal, or the key is absent; or
 * -1. */
int cc_object_map_replace_if(cc_ordered *map, PyObject *key, PyObject *expected, PyObject *value);

#endif
