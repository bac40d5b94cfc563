/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What tests need and users must not have: builds with -Dtest_hooks=true have it, as
 * `_core._test_hooks`, and define CC_TEST_HOOKS. In all other builds nothing of it exists and no
 * operation pays for it.
 */
#ifndef CC_TEST_HOOKS_H
#define CC_TEST_HOOKS_H

#include <Python.h>

#if defined(CC_TEST_HOOKS)
/* Put `_test_hooks` into the namespace of the module. Returns 0, or -1 with an exception. */
int cc_test_hooks_add(PyObject *namespace_);
#else
static inline int cc_test_hooks_add(PyObject *namespace_) {
    (void)namespace_;
    return 0;
}
#endif

#endif
