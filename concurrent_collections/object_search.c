/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_search.h"

int cc_key_begin_ranked_search(cc_search *search, const cc_order *order, PyObject *key) {
    PyObject *word = cc_order_word_unless_nan(order, key, "key");
    if (!word) {
        return -1;
    }
    cc_key_fill_search(search, order, word);
    if (!order->is_ranked) {
        Py_DECREF(word); /* the key itself, which the caller has */
    }
    return 0;
}

int cc_key_begin_search_if_taken(cc_search *search, const cc_order *order, PyObject *key) {
    if (!cc_order_takes(order, key)) {
        return 1;
    }
    PyObject *word = cc_order_word(order, key);
    int answer = word ? cc_order_is_nan(order, word) : -1;
    if (answer == 0) {
        cc_key_fill_search(search, order, word);
    }
    if (word && (answer || !order->is_ranked)) {
        Py_DECREF(word);
    }
    return answer;
}

/* The stored key that the search has a question about. */
static PyObject *word_in_question(const cc_search *search) {
    return cc_key_word_object(search->needed.kind, search->needed.digest, search->needed.word);
}

int cc_key_answer(cc_search *search, PyObject *key) {
    PyObject *word = key ? Py_NewRef(cc_key_word_of(search, key))
                         : cc_key_word_object(search->kind, search->digest, search->key);
    PyObject *other = word ? word_in_question(search) : NULL;
    if (!other) {
        Py_XDECREF(word);
        return -1;
    }
    if (cc_tally_is_on()) {
        bool is_c = cc_order_comes_to_c(search->order, word, other);
        cc_tally(search, is_c ? CC_PATH_C : CC_PATH_PYTHON);
    }
    int order = cc_order_compare_by_python(search->order, word, other);
    Py_DECREF(other);
    Py_DECREF(word);
    if (order == -2) {
        return -1;
    }
    if (cc_search_learn(&cc_object_words, search, order)) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

cc_status cc_key_status_of_refusal(const cc_search *search, PyObject *key, bool of_any_type) {
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) {
        return CC_NO_MEMORY;
    }
    PyObject *other = word_in_question(search);
    bool was_refused = other && cc_order_was_refused(search->order, cc_key_word_of(search, key),
                                                     other, of_any_type);
    Py_XDECREF(other);
    return was_refused ? CC_ABSENT : CC_NO_MEMORY;
}

/* A tuple handed to PyErr_SetObject would become the exception's arguments. */
void cc_key_raise_missing(PyObject *key) {
    PyObject *arguments = PyTuple_Pack(1, cc_order_original(key));
    if (arguments) {
        PyErr_SetObject(PyExc_KeyError, arguments);
        Py_DECREF(arguments);
    }
}
