/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_order.h"

#include "object_compare.h"
#include "object_tally.h"

cc_order *cc_order_ascending, *cc_order_descending;

/* ---------------------------------------------------------------- an order */

static int order_traverse(PyObject *self, visitproc visit, void *arg) {
    cc_order *order = (cc_order *)self;
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) {
        Py_VISIT(order->parts[i].function);
    }
    return 0;
}

/* Calling None raises a TypeError, should anybody still order by it. What a C function uses goes
 * with it. */
static int order_clear(PyObject *self) {
    cc_order *order = (cc_order *)self;
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) {
        if (order->parts[i].function) {
            order->parts[i].form = order->parts[i].form == CC_BY_KEY ? CC_BY_KEY : CC_BY_FUNCTION;
            Py_SETREF(order->parts[i].function, Py_NewRef(Py_None));
        }
    }
    return 0;
}

static void order_dealloc(PyObject *self) {
    cc_order *order = (cc_order *)self;
    PyObject_GC_UnTrack(self);
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) {
        Py_XDECREF(order->parts[i].function);
    }
    PyObject_GC_Del(self);
}

PyTypeObject cc_order_type = {
    .ob_base = {PyObject_HEAD_INIT(NULL) 0},
    .tp_name = "concurrent_collections._core._Order",
    .tp_basicsize = offsetof(cc_order, parts),
    .tp_itemsize = sizeof(cc_order_part),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_traverse = order_traverse,
    .tp_clear = order_clear,
    .tp_dealloc = order_dealloc,
};

/* One with parts that are to be filled in; the collector does not know it yet. */
static cc_order *new_order(Py_ssize_t count) {
    cc_order *order = PyObject_GC_NewVar(cc_order, &cc_order_type, count);
    if (order) {
        order->flip = 0;
        order->is_plain = order->is_ranked = order->has_c = order->checks_keys = false;
        memset(order->parts, 0, (size_t)count * sizeof *order->parts);
    }
    return order;
}

static const cc_c_function *c_function_of(const cc_order_part *part) {
    return (const cc_c_function *)part->function;
}

static void finish_order(cc_order *order) {
    const cc_order_part *first = order->parts;
    order->is_plain = Py_SIZE(order) == 1 && first->form == CC_BY_NATURE;
    order->is_ranked = Py_SIZE(order) > 1 || first->form == CC_BY_KEY;
    order->flip = first->is_reversed && first->form < CC_BY_FUNCTION ? UINT64_MAX : 0;
    for (Py_ssize_t i = 0; i < Py_SIZE(order); i++) {
        if (order->parts[i].form == CC_BY_C_FUNCTION) {
            order->has_c = true;
            order->checks_keys |= c_function_of(&order->parts[i])->of_int64s != NULL;
        }
    }
}

static cc_order *new_plain_order(bool is_reversed) {
    cc_order *order = new_order(1);
    if (order) {
        order->parts[0] = (cc_order_part){.form = CC_BY_NATURE, .is_reversed = is_reversed};
        finish_order(order);
    }
    return order;
}

PyObject *cc_order_from_parts(PyObject *parts) {
    Py_ssize_t count = PyTuple_CheckExact(parts) ? PyTuple_GET_SIZE(parts) : 0;
    cc_order *order = count ? new_order(count) : NULL;
    if (!order) {
        return count ? NULL : PyErr_Format(PyExc_TypeError, "parts: expected a tuple, not empty");
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        int form, is_reversed;
        PyObject *function;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(parts, i), "ipO", &form, &is_reversed, &function)) {
            Py_DECREF((PyObject *)order);
            return NULL;
        }
        if (form == CC_BY_C_FUNCTION && !Py_IS_TYPE(function, &cc_c_function_type)) {
            Py_DECREF((PyObject *)order);
            return PyErr_Format(PyExc_TypeError, "parts: expected a C function");
        }
        order->parts[i] = (cc_order_part){
            .form = (cc_order_form)form,
            .is_reversed = is_reversed,
            .function = form == CC_BY_NATURE ? NULL : Py_NewRef(function),
        };
    }
    finish_order(order);
    if (order->is_plain) {
        bool is_reversed = order->parts[0].is_reversed;
        Py_DECREF((PyObject *)order);
        return Py_NewRef((PyObject *)(is_reversed ? cc_order_descending : cc_order_ascending));
    }
    PyObject_GC_Track((PyObject *)order);
    return (PyObject *)order;
}

PyObject *cc_order_parts(const cc_order *order) {
    PyObject *parts = PyTuple_New(Py_SIZE(order));
    for (Py_ssize_t i = 0; parts && i < Py_SIZE(order); i++) {
        const cc_order_part *p = &order->parts[i];
        PyObject *part = Py_BuildValue("(iOO)", (int)p->form, p->is_reversed ? Py_True : Py_False,
                                       p->function ? p->function : Py_None);
        if (!part) {
            Py_CLEAR(parts);
            break;
        }
        PyTuple_SET_ITEM(parts, i, part);
    }
    return parts;
}

bool cc_order_is_same(const cc_order *a, const cc_order *b) {
    bool is_same = Py_SIZE(a) == Py_SIZE(b);
    for (Py_ssize_t i = 0; a != b && is_same && i < Py_SIZE(a); i++) {
        const cc_order_part *p = &a->parts[i], *q = &b->parts[i];
        is_same = p->form == q->form && p->is_reversed == q->is_reversed &&
                  (p->function == q->function ||
                   (p->form == CC_BY_C_FUNCTION &&
                    cc_c_function_is_same(c_function_of(p), c_function_of(q))));
    }
    return is_same;
}

bool cc_order_is_natural(const cc_order *order) {
    return order->is_plain;
}

const cc_order *cc_order_ascending_one(void) {
    return cc_order_ascending;
}

const cc_order *cc_order_of_map(cc_ordered *map) {
    return cc_order_of(map);
}

int cc_order_set(cc_ordered *map, const cc_order *order) {
    uintptr_t before = cc_ordered_order(map);
    if (!before) {
        (void)cc_order_held(order);
        if (order->has_c) {
            cc_ordered_distrust(map);
        }
        before = cc_ordered_set_order(map, (uintptr_t)order);
        if (before == (uintptr_t)order) {
            return 1;
        }
        cc_order_drop(order);
    }
    return cc_order_is_same((const cc_order *)before, order);
}

/* ---------------------------------------------------------------- ranked keys */

static int ranked_traverse(PyObject *self, visitproc visit, void *arg) {
    cc_ranked_key *ranked = (cc_ranked_key *)self;
    Py_VISIT(ranked->key);
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) {
        Py_VISIT(ranked->ranks[i]);
    }
    return 0;
}

static void ranked_dealloc(PyObject *self) {
    cc_ranked_key *ranked = (cc_ranked_key *)self;
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, ranked_dealloc) Py_DECREF(ranked->key);
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) {
        Py_XDECREF(ranked->ranks[i]);
    }
    PyObject_GC_Del(self);
    Py_TRASHCAN_END
}

PyTypeObject cc_ranked_key_type = {
    .ob_base = {PyObject_HEAD_INIT(NULL) 0},
    .tp_name = "concurrent_collections._core._RankedKey",
    .tp_basicsize = offsetof(cc_ranked_key, ranks),
    .tp_itemsize = sizeof(PyObject *),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_traverse = ranked_traverse,
    .tp_dealloc = ranked_dealloc,
};

/* ---------------------------------------------------------------- prepared keys */

static int prepared_traverse(PyObject *self, visitproc visit, void *arg) {
    cc_prepared_key *prepared = (cc_prepared_key *)self;
    int answer = cc_order_visit(prepared->order, visit, arg);
    return answer ? answer : visit(prepared->word, arg);
}

static void prepared_dealloc(PyObject *self) {
    cc_prepared_key *prepared = (cc_prepared_key *)self;
    PyObject_GC_UnTrack(self);
    Py_DECREF(prepared->word);
    cc_order_drop(prepared->order);
    PyObject_GC_Del(self);
}

/* No tp_clear: the order has one, and what keys lead to is theirs to clear. */
PyTypeObject cc_prepared_key_type = {
    .ob_base = {PyObject_HEAD_INIT(NULL) 0},
    .tp_name = "concurrent_collections._core._PreparedKey",
    .tp_basicsize = sizeof(cc_prepared_key),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_traverse = prepared_traverse,
    .tp_dealloc = prepared_dealloc,
};

/* Takes the reference to a ranked key; NULL stays. */
static PyObject *prepared_of(const cc_order *order, PyObject *word) {
    cc_prepared_key *prepared =
        word ? PyObject_GC_New(cc_prepared_key, &cc_prepared_key_type) : NULL;
    if (!prepared) {
        Py_XDECREF(word);
        return NULL;
    }
    prepared->order = cc_order_held(order);
    prepared->word = word;
    PyObject_GC_Track((PyObject *)prepared);
    return (PyObject *)prepared;
}

static bool is_prepared(PyObject *key) {
    return Py_IS_TYPE(key, &cc_prepared_key_type);
}

static bool is_prepared_for(const cc_order *order, PyObject *key) {
    return is_prepared(key) && cc_order_is_same(((cc_prepared_key *)key)->order, order);
}

PyObject *cc_order_original(PyObject *key) {
    return is_prepared(key) ? ((cc_ranked_key *)((cc_prepared_key *)key)->word)->key : key;
}

PyObject *cc_order_prepare(const cc_order *order, PyObject *key) {
    return !order->is_ranked || is_prepared_for(order, key) || !cc_order_takes(order, key)
               ? Py_NewRef(key)
               : prepared_of(order, cc_order_word(order, key));
}

PyObject *cc_order_prepare_stored(const cc_order *order, unsigned kind, uint64_t digest,
                                  uintptr_t word) {
    return order->is_ranked ? prepared_of(order, Py_NewRef((PyObject *)word))
                            : cc_key_object(kind, digest, word);
}

/* ---------------------------------------------------------------- words */

/* The key of a plain order that this one is, turned round where the order is. */
static cc_stored_key turned(cc_stored_key key, const cc_order *order) {
    if (order->flip) {
        key.digest = ~key.digest;
        key.kind |= key.kind <= CC_KIND_FLOAT ? CC_KIND_DESCENDING : 0;
    }
    return key;
}

static cc_stored_key turned_back(cc_stored_key key, const cc_order *order) {
    key.digest ^= order->flip;
    key.kind = (uint8_t)cc_kind_of_any_order(key.kind);
    return key;
}

/* Kind and digest are those of the first rank, the hash is of all ranks that have one: where keys
 * are equal, all ranks are, and so either all hashes or none. */
static void describe(const cc_order *order, cc_ranked_key *ranked) {
    uint64_t hash = 0;
    ranked->kind = CC_KIND_OTHER;
    ranked->digest = 0;
    for (Py_ssize_t i = 0; i < Py_SIZE(order); i++) {
        if (order->parts[i].form >= CC_BY_FUNCTION) {
            hash = 0;
            break;
        }
        cc_stored_key rank = cc_key_described(ranked->ranks[i]);
        uint64_t more = cc_key_hash(&rank);
        if (i == 0) {
            rank = turned(rank, order);
            ranked->kind = rank.kind;
            ranked->digest = rank.digest;
        }
        if (!more) { /* such a rank may equal one that has a hash */
            hash = 0;
            break;
        }
        hash = cc_mix(hash ^ more);
    }
    ranked->hash = hash;
}

bool cc_order_takes(const cc_order *order, PyObject *key) {
    key = cc_order_original(key);
    for (Py_ssize_t i = 0; order->checks_keys && i < Py_SIZE(order); i++) {
        const cc_order_part *part = &order->parts[i];
        if (part->form == CC_BY_C_FUNCTION && !cc_c_function_takes(c_function_of(part), key)) {
            return false;
        }
    }
    return true;
}

PyObject *cc_order_word(const cc_order *order, PyObject *key) {
    if (is_prepared_for(order, key)) {
        return Py_NewRef(((cc_prepared_key *)key)->word);
    }
    key = cc_order_original(key);
    if (!cc_order_takes(order, key)) {
        cc_c_function_refuse(key);
        return NULL;
    }
    if (!order->is_ranked) {
        return Py_NewRef(key);
    }
    Py_ssize_t count = Py_SIZE(order);
    cc_ranked_key *ranked = PyObject_GC_NewVar(cc_ranked_key, &cc_ranked_key_type, count);
    if (!ranked) {
        return NULL;
    }
    ranked->key = Py_NewRef(key);
    memset((void *)ranked->ranks, 0, (size_t)count * sizeof *ranked->ranks);
    for (Py_ssize_t i = 0; i < count; i++) {
        const cc_order_part *part = &order->parts[i];
        ranked->ranks[i] =
            part->form == CC_BY_KEY ? PyObject_CallOneArg(part->function, key) : Py_NewRef(key);
        if (!ranked->ranks[i]) {
            PyObject_GC_Track((PyObject *)ranked);
            Py_DECREF((PyObject *)ranked);
            return NULL;
        }
    }
    describe(order, ranked);
    PyObject_GC_Track((PyObject *)ranked);
    return (PyObject *)ranked;
}

/* ---------------------------------------------------------------- searches */

static void fill(cc_search *search, const cc_order *order, const cc_stored_key *key,
                 uint64_t hash) {
    memset(search, 0, offsetof(cc_search, needed));
    search->known = NULL;
    search->known_count = search->known_room = 0;
    search->digest = key->digest;
    search->hash = hash;
    search->key = key->word;
    search->kind = key->kind;
    search->order = order;
}

void cc_key_fill_search(cc_search *search, const cc_order *order, PyObject *word) {
    if (order->is_plain) {
        cc_stored_key key = cc_key_described(word);
        uint64_t hash = cc_key_hash(&key);
        key = turned(key, order);
        fill(search, order, &key, hash);
    } else if (order->is_ranked) {
        const cc_ranked_key *ranked = (const cc_ranked_key *)word;
        const cc_stored_key key = {
            .digest = ranked->digest, .word = (uintptr_t)word, .kind = ranked->kind};
        fill(search, order, &key, ranked->hash);
    } else {
        const cc_stored_key key = {.word = (uintptr_t)word, .kind = CC_KIND_OTHER};
        fill(search, order, &key, 0);
    }
}

void cc_key_fill_stored_search(cc_search *search, const cc_order *order, unsigned kind,
                               uint64_t digest, uintptr_t word) {
    if (word) {
        cc_key_fill_search(search, order, (PyObject *)word);
    } else {
        const cc_stored_key key = {.digest = digest, .kind = (uint8_t)kind};
        const cc_stored_key number = turned_back(key, order);
        fill(search, order, &key, cc_key_hash(&number));
    }
}

PyObject *cc_key_number_of(unsigned kind, uint64_t digest) {
    return kind & CC_KIND_DESCENDING ? cc_key_number(kind & ~(unsigned)CC_KIND_DESCENDING, ~digest)
                                     : cc_key_number(kind, digest);
}

/* ---------------------------------------------------------------- comparing */

/* Natively, or by a C function, what a part says of two different objects. */
static int compare_part_natively(const cc_order_part *part, PyObject *a, PyObject *b) {
    return part->form == CC_BY_C_FUNCTION ? cc_c_function_ask(c_function_of(part), a, b)
           : part->form == CC_BY_FUNCTION ? CC_UNDECIDED
                                          : cc_key_compare_natively(a, b);
}

/* -1, 0 and 1 the other way round; CC_UNDECIDED and -2 stay. */
static int in_direction(int order, bool is_reversed) {
    return is_reversed && order != CC_UNDECIDED && order != -2 ? -order : order;
}

static int compare_ranked_natively(const cc_order *order, const cc_ranked_key *a,
                                   const cc_ranked_key *b) {
    for (Py_ssize_t i = 0; i < Py_SIZE(order); i++) {
        const cc_order_part *part = &order->parts[i];
        PyObject *x = a->ranks[i], *y = b->ranks[i];
        int answer = x == y ? 0 : compare_part_natively(part, x, y);
        if (answer) {
            return in_direction(answer, part->is_reversed);
        }
    }
    return 0;
}

int cc_order_compare_natively(const cc_order *order, PyObject *a, PyObject *b) {
    if (a == b) {
        return 0;
    }
    return order->is_plain ? in_direction(cc_key_compare_natively(a, b), order->flip)
           : order->is_ranked
               ? compare_ranked_natively(order, (const cc_ranked_key *)a, (const cc_ranked_key *)b)
               : in_direction(compare_part_natively(order->parts, a, b),
                              order->parts[0].is_reversed);
}

bool cc_order_comes_to_c(const cc_order *order, PyObject *a, PyObject *b) {
    for (Py_ssize_t i = 0; order->has_c && i < Py_SIZE(order); i++) {
        PyObject *x = order->is_ranked ? ((cc_ranked_key *)a)->ranks[i] : a;
        PyObject *y = order->is_ranked ? ((cc_ranked_key *)b)->ranks[i] : b;
        if (x != y && order->parts[i].form >= CC_BY_FUNCTION) {
            return order->parts[i].form == CC_BY_C_FUNCTION;
        }
        if (x != y && cc_key_compare_natively(x, y) != 0) {
            return false;
        }
    }
    return false;
}

/* What a function of two keys says, as functools.cmp_to_key takes it: -1, 0, 1, or -2. */
static int ask_function(const cc_order_part *part, PyObject *a, PyObject *b) {
    if (part->form == CC_BY_C_FUNCTION) {
        return cc_c_function_ask_or_raise(c_function_of(part), a, b);
    }
    PyObject *const arguments[] = {a, b};
    PyObject *said = PyObject_Vectorcall(part->function, arguments, 2, NULL);
    PyObject *zero = said ? PyLong_FromLong(0) : NULL;
    int answer = -2;
    if (zero && !PyNumber_Check(said)) {
        PyErr_Format(PyExc_TypeError, "comparator: expected a number from its function, got %.100s",
                     Py_TYPE(said)->tp_name);
    } else if (zero) {
        int less = PyObject_RichCompareBool(said, zero, Py_LT);
        int greater = less == 0 ? PyObject_RichCompareBool(said, zero, Py_GT) : 0;
        answer = less < 0 || greater < 0 ? -2 : greater - less;
    }
    Py_XDECREF(zero);
    Py_XDECREF(said);
    return answer;
}

static int compare_ranked_by_python(const cc_order *order, const cc_ranked_key *a,
                                    const cc_ranked_key *b) {
    for (Py_ssize_t i = 0; i < Py_SIZE(order); i++) {
        const cc_order_part *part = &order->parts[i];
        PyObject *x = a->ranks[i], *y = b->ranks[i];
        int answer = x == y                         ? 0
                     : part->form >= CC_BY_FUNCTION ? ask_function(part, x, y)
                                                    : cc_key_compare_objects(x, y);
        if (answer) {
            return in_direction(answer, part->is_reversed);
        }
    }
    return 0;
}

int cc_order_compare_by_python(const cc_order *order, PyObject *a, PyObject *b) {
    if (order->is_plain) {
        return in_direction(cc_key_compare_by_python(a, b), order->flip);
    }
    return order->is_ranked
               ? compare_ranked_by_python(order, (const cc_ranked_key *)a, (const cc_ranked_key *)b)
               : in_direction(ask_function(order->parts, a, b), order->parts[0].is_reversed);
}

int cc_order_compare(const cc_order *order, PyObject *a, PyObject *b) {
    int answer = cc_order_compare_natively(order, a, b);
    return answer == CC_UNDECIDED ? cc_order_compare_by_python(order, a, b) : answer;
}

int cc_order_compare_keys(const cc_order *order, PyObject *a, PyObject *b) {
    PyObject *x = cc_order_word(order, a), *y = x ? cc_order_word(order, b) : NULL;
    int answer = y ? cc_order_compare(order, x, y) : -2;
    Py_XDECREF(x);
    Py_XDECREF(y);
    return answer;
}

static int compare_stored_natively(const cc_order *order, const cc_stored_key *a,
                                   const cc_stored_key *b) {
    if (order->is_plain) {
        if (!order->flip) {
            return cc_key_compare_described(a, b);
        }
        const cc_stored_key x = turned_back(*a, order), y = turned_back(*b, order);
        return in_direction(cc_key_compare_described(&x, &y), true);
    }
    return cc_order_compare_natively(order, (PyObject *)a->word, (PyObject *)b->word);
}

int cc_order_compare_stored(const cc_order *order, const cc_stored_key *a, const cc_stored_key *b) {
    if (a->kind == b->kind) {
        if (a->digest != b->digest) {
            return a->digest < b->digest ? -1 : 1;
        }
        if (!(a->word | b->word)) {
            return 0;
        }
    }
    int answer = compare_stored_natively(order, a, b);
    if (answer != CC_UNDECIDED) {
        return answer;
    }
    PyObject *x = cc_key_word_object(a->kind, a->digest, a->word);
    PyObject *y = x ? cc_key_word_object(b->kind, b->digest, b->word) : NULL;
    answer = y ? cc_order_compare_by_python(order, x, y) : -2;
    Py_XDECREF(x);
    Py_XDECREF(y);
    return answer;
}

/* What a function of users has raised is not Python's refusal. */
int cc_order_was_refused(const cc_order *order, PyObject *a, PyObject *b, int of_any_type) {
    if (order->is_plain) {
        return cc_key_was_refused(a, b, of_any_type);
    }
    for (Py_ssize_t i = 0; order->is_ranked && i < Py_SIZE(order); i++) {
        PyObject *x = ((cc_ranked_key *)a)->ranks[i], *y = ((cc_ranked_key *)b)->ranks[i];
        if (order->parts[i].form >= CC_BY_FUNCTION) {
            return 0;
        }
        if (x != y && cc_key_compare_natively(x, y) != 0) { /* no other one has been asked */
            return cc_key_was_refused(x, y, of_any_type);
        }
    }
    return 0;
}

/* ---------------------------------------------------------------- one word */

/* Apply a function of a rank to each that `<` is asked of, as long as it answers 0. */
#define FOR_RANKS_OF_WORD(order, word, answer, expression)                                         \
    for (Py_ssize_t i = 0; (answer) == 0 && (order)->is_ranked && i < Py_SIZE(order); i++) {       \
        if ((order)->parts[i].form < CC_BY_FUNCTION) {                                             \
            PyObject *rank = ((cc_ranked_key *)(word))->ranks[i];                                  \
            answer = (expression);                                                                 \
        }                                                                                          \
    }

int cc_order_is_nan(const cc_order *order, PyObject *word) {
    int answer = order->is_plain ? cc_key_is_nan(word) : 0;
    FOR_RANKS_OF_WORD(order, word, answer, cc_key_is_nan(rank))
    return answer;
}

static int refuse_nan(PyObject *o, const char *argument) {
    return cc_key_is_of_unknown_type(o) ? cc_key_refuse_nan(o, argument) : 0;
}

PyObject *cc_order_word_unless_nan(const cc_order *order, PyObject *key, const char *argument) {
    PyObject *word = cc_order_word(order, key);
    int answer = word && order->is_plain ? refuse_nan(word, argument) : 0;
    if (word) {
        FOR_RANKS_OF_WORD(order, word, answer, refuse_nan(rank, argument))
    }
    if (answer) {
        Py_CLEAR(word);
    }
    return word;
}

int cc_order_check(const cc_order *order, PyObject *word) {
    int answer = order->is_plain ? cc_key_check_order(word) : 0;
    FOR_RANKS_OF_WORD(order, word, answer, cc_key_check_order(rank))
    for (Py_ssize_t i = 0; answer == 0 && i < Py_SIZE(order); i++) {
        if (order->parts[i].form >= CC_BY_FUNCTION) {
            PyObject *key = order->is_ranked ? ((cc_ranked_key *)word)->key : word;
            answer = ask_function(&order->parts[i], key, key) == -2 ? -1 : 0;
        }
    }
    return answer;
}

PyObject *cc_order_prepare_bound(const cc_order *order, PyObject *bound, const char *argument) {
    PyObject *word = cc_order_word_unless_nan(order, bound, argument);
    if (word && cc_order_check(order, word)) {
        Py_CLEAR(word);
    }
    return order->is_ranked ? prepared_of(order, word) : word;
}

/* ---------------------------------------------------------------- the word table */

/* Which path such a comparison has taken; where it is still open, cc_key_answer counts it. */
static void count_comparison(const cc_search *search, const cc_order *order, const cc_stored_key *a,
                             const cc_stored_key *b, int answer) {
    cc_search *own = (cc_search *)search; /* the searcher's, whose counts are ours */
    if (answer == CC_UNDECIDED) {
        if (cc_search_recall(search, b->kind, b->digest, b->word) != CC_UNDECIDED) {
            cc_tally(own, CC_PATH_MEMO);
        }
    } else {
        bool is_c = cc_order_comes_to_c(order, (PyObject *)a->word, (PyObject *)b->word);
        cc_tally(own, is_c ? CC_PATH_C : CC_PATH_NATIVE);
    }
}

/* The core asks this inside a region, when digests do not decide. */
static int compare_keys(const cc_search *search, unsigned kind, uint64_t digest, uintptr_t word) {
    const cc_stored_key a = {.digest = search->digest, .word = search->key, .kind = search->kind};
    const cc_stored_key b = {.digest = digest, .word = word, .kind = (uint8_t)kind};
    const cc_order *order = search->order;
    int answer = search->is_cautious && order->has_c ? (a.word == b.word ? 0 : CC_UNDECIDED)
                                                     : compare_stored_natively(order, &a, &b);
    if (cc_tally_is_on()) {
        count_comparison(search, order, &a, &b, answer);
    }
    return answer;
}

static uint64_t hash_of_key(unsigned kind, uint64_t digest, uintptr_t word) {
    if (word && Py_IS_TYPE((PyObject *)word, &cc_ranked_key_type)) {
        return ((const cc_ranked_key *)word)->hash;
    }
    cc_stored_key key = {.digest = digest, .word = word, .kind = (uint8_t)kind};
    if (kind < CC_KIND_TUPLE && kind & CC_KIND_DESCENDING) {
        key.digest = ~digest;
        key.kind = (uint8_t)cc_kind_of_any_order(kind);
    }
    return cc_key_hash(&key);
}

/* Of plain orders alone: elsewhere a word is not the key, or a function says where it belongs. */
static unsigned shared_units(const void *order, const cc_stored_key *a, const cc_stored_key *b,
                             unsigned most) {
    return ((const cc_order *)order)->is_plain ? cc_key_shared(a, b, most) : 0;
}

static uint64_t digest_after(const void *order, const cc_stored_key *key, unsigned skip) {
    const cc_order *plain = order;
    bool has_units = plain->is_plain && (key->kind == CC_KIND_STR || key->kind == CC_KIND_BYTES);
    return has_units ? cc_key_digest_after(key, skip) ^ plain->flip : key->digest;
}

static void acquire_object(uintptr_t word) {
    Py_INCREF((PyObject *)word);
}

static void release_object(uintptr_t word) {
    Py_DECREF((PyObject *)word);
}

/* Whoever waits for the lock of a node holds nobody up: not the interpreter, nor who wants to stop
 * the world. */
static void detached(void (*sleep)(void *argument), void *argument) {
    PyThreadState *state = PyEval_SaveThread();
    sleep(argument);
    PyEval_RestoreThread(state);
}

const cc_word_table cc_object_words = {acquire_object, release_object, compare_keys, hash_of_key,
                                       detached,       shared_units,   digest_after};

/* ---------------------------------------------------------------- at import */

int cc_order_ready(void) {
    if (PyType_Ready(&cc_order_type) || PyType_Ready(&cc_ranked_key_type) ||
        PyType_Ready(&cc_prepared_key_type)) {
        return -1;
    }
    cc_order_ascending = new_plain_order(false);
    cc_order_descending = new_plain_order(true);
    return cc_order_ascending && cc_order_descending ? 0 : -1;
}
