/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_compound.h"

#include "object_map.h"
#include "object_search.h"

/* What is to become of an entry. */
typedef enum verdict {
    FAIL, /* with an exception */
    LEAVE, /* as it is */
    STORE,
    REMOVE
} verdict;

/* An operation: what it makes of the value that it sees (NULL: the key is absent). With STORE,
 * *next is a new reference. Called outside of everything. */
typedef struct update {
    verdict (*decide)(const struct update *u, PyObject *current, PyObject **next);
    PyObject *f, *value, *expected, *otherwise, *remove; /* as the operation needs them */
    cc_lookup_policy policy;
} update;

/* ---------------------------------------------------------------- the one loop */

/* All steps of an update share one search: what Python has said of two keys is not asked again. */
typedef struct attempt {
    cc_ordered *map;
    PyObject *key;
    cc_search search;
} attempt;

/* CC_ABSENT: `value` has been stored. CC_FOUND: somebody was faster, and *current is a new
 * reference to what is there. */
static cc_status insert(attempt *a, PyObject *value, PyObject **current) {
    cc_status status;
    uintptr_t old = 0;
    if (cc_object_map_check_first(a->map, &a->search, a->key)) {
        return CC_NO_MEMORY;
    }
    PyObject *of_map = (PyObject *)a->search.key;
    Py_INCREF(value);
    Py_XINCREF(of_map);
    CC_UNTIL_DECIDED(status, a->map, &a->search, a->key,
                     cc_ordered_put(a->map, &a->search, (uintptr_t)value, CC_PUT_IF_ABSENT, &old));
    if (status != CC_ABSENT) {
        Py_XDECREF(of_map);
        Py_DECREF(value);
    }
    *current = (PyObject *)old;
    return status;
}

/* CC_FOUND: `value` is there in the place of `current`, which the caller holds: so no other object
 * can be at its address, and the CAS means this object. */
static cc_status replace(attempt *a, PyObject *current, PyObject *value) {
    cc_status status;
    Py_INCREF(value);
    CC_UNTIL_DECIDED(
        status, a->map, &a->search, a->key,
        cc_ordered_replace_exact(a->map, &a->search, (uintptr_t)current, (uintptr_t)value));
    if (status != CC_FOUND) {
        Py_DECREF(value);
    }
    return status;
}

static cc_status remove_it(attempt *a, PyObject *current) {
    cc_status status;
    CC_UNTIL_DECIDED(status, a->map, &a->search, a->key,
                     cc_ordered_remove_exact(a->map, &a->search, (uintptr_t)current));
    return status;
}

/* Take it in and out until a decision still holds when it has its effect. The verdict that was
 * carried out, with the value that is there afterwards in *now: a new reference, or NULL for none.
 * FAIL: with an exception, and nothing has changed. */
static verdict run(cc_ordered *map, PyObject *key, const update *u, PyObject **now) {
    attempt a = {.map = map, .key = key};
    *now = NULL;
    if (cc_key_begin_search(&a.search, cc_order_of(map), key)) {
        return FAIL;
    }
    PyObject *current = NULL, *next = NULL;
    verdict v = FAIL;
    cc_status status = cc_object_map_find(map, &a.search, key, &current, u->policy);
    for (bool done = false; status != CC_NO_MEMORY && !done;) {
        next = NULL;
        v = u->decide(u, current, &next);
        if (v == STORE && !current) {
            status = insert(&a, next, &current);
            done = status == CC_ABSENT;
        } else if ((v == STORE || v == REMOVE) && current) {
            status = v == STORE ? replace(&a, current, next) : remove_it(&a, current);
            done = status == CC_FOUND;
            if (!done) {
                a.search.is_cautious = true; /* else one that lies could be told both for ever */
                /* The map may have got keys meanwhile that refuse this one: then it has gone. */
                status = cc_key_lookup_status(&a.search, key, status, u->policy);
                Py_CLEAR(current);
                if (status != CC_NO_MEMORY) {
                    status = cc_object_map_find(map, &a.search, key, &current, u->policy);
                }
            }
        } else {
            done = true;
        }
        if (!done) {
            Py_CLEAR(next);
        }
    }
    cc_key_end_search(&a.search);
    if (status == CC_NO_MEMORY) {
        v = FAIL;
    }
    if (v == LEAVE) {
        *now = current;
    } else {
        Py_XDECREF(current);
        *now = next;
    }
    return v;
}

/* ---------------------------------------------------------------- what they decide */

/* Of what a function has returned. */
static verdict verdict_on(const update *u, PyObject *returned, PyObject **next) {
    if (!returned) {
        return FAIL;
    }
    if (returned == u->remove) {
        Py_DECREF(returned);
        return REMOVE;
    }
    *next = returned;
    return STORE;
}

static verdict decide_compute(const update *u, PyObject *current, PyObject **next) {
    return verdict_on(u, PyObject_CallOneArg(u->f, current ? current : u->otherwise), next);
}

static verdict decide_if_present(const update *u, PyObject *current, PyObject **next) {
    return current ? verdict_on(u, PyObject_CallOneArg(u->f, current), next) : LEAVE;
}

static verdict decide_if_absent(const update *u, PyObject *current, PyObject **next) {
    return current ? LEAVE : verdict_on(u, PyObject_CallNoArgs(u->f), next);
}

static verdict decide_merge(const update *u, PyObject *current, PyObject **next) {
    if (!current) {
        *next = Py_NewRef(u->value);
        return STORE;
    }
    PyObject *arguments[] = {current, u->value};
    return verdict_on(u, PyObject_Vectorcall(u->f, arguments, 2, NULL), next);
}

static verdict decide_increment(const update *u, PyObject *current, PyObject **next) {
    *next = current ? PyNumber_Add(current, u->value) : Py_NewRef(u->value);
    return *next ? STORE : FAIL;
}

static verdict decide_replace_if(const update *u, PyObject *current, PyObject **next) {
    int equal = 0;
    if (current) {
        equal = PyObject_RichCompareBool(current, u->expected, Py_EQ); /* or the same object */
    }
    if (equal > 0) {
        *next = Py_NewRef(u->value);
    }
    return equal < 0 ? FAIL : equal ? STORE : LEAVE;
}

/* ---------------------------------------------------------------- the operations */

static PyObject *answer(cc_ordered *map, PyObject *key, const update *u) {
    PyObject *now;
    if (u->f && !PyCallable_Check(u->f)) {
        PyErr_Format(PyExc_TypeError, "f: expected a callable, got %s", Py_TYPE(u->f)->tp_name);
        return NULL;
    }
    if (run(map, key, u, &now) == FAIL) {
        return NULL;
    }
    return now ? now : Py_XNewRef(u->otherwise);
}

PyObject *cc_object_map_compute(cc_ordered *map, PyObject *key, PyObject *f, PyObject *otherwise,
                                PyObject *remove) {
    return answer(map, key,
                  &(update){.decide = decide_compute,
                            .f = f,
                            .otherwise = otherwise,
                            .remove = remove,
                            .policy = CC_REFUSE_UNCOMPARABLE});
}

PyObject *cc_object_map_compute_if_present(cc_ordered *map, PyObject *key, PyObject *f,
                                           PyObject *otherwise, PyObject *remove) {
    return answer(map, key,
                  &(update){.decide = decide_if_present,
                            .f = f,
                            .otherwise = otherwise,
                            .remove = remove,
                            .policy = CC_ABSENT_IF_BUILTIN});
}

PyObject *cc_object_map_compute_if_absent(cc_ordered *map, PyObject *key, PyObject *f,
                                          PyObject *otherwise, PyObject *remove) {
    return answer(map, key,
                  &(update){.decide = decide_if_absent,
                            .f = f,
                            .otherwise = otherwise,
                            .remove = remove,
                            .policy = CC_REFUSE_UNCOMPARABLE});
}

PyObject *cc_object_map_merge(cc_ordered *map, PyObject *key, PyObject *value, PyObject *f,
                              PyObject *otherwise, PyObject *remove) {
    return answer(map, key,
                  &(update){.decide = decide_merge,
                            .f = f,
                            .value = value,
                            .otherwise = otherwise,
                            .remove = remove,
                            .policy = CC_REFUSE_UNCOMPARABLE});
}

PyObject *cc_object_map_increment(cc_ordered *map, PyObject *key, PyObject *amount) {
    return answer(
        map, key,
        &(update){.decide = decide_increment, .value = amount, .policy = CC_REFUSE_UNCOMPARABLE});
}

int cc_object_map_replace_if(cc_ordered *map, PyObject *key, PyObject *expected, PyObject *value) {
    update u = {.decide = decide_replace_if,
                .value = value,
                .expected = expected,
                .policy = CC_REFUSE_UNCOMPARABLE};
    PyObject *now;
    verdict v = run(map, key, &u, &now);
    Py_XDECREF(now);
    return v == FAIL ? -1 : v == STORE;
}
