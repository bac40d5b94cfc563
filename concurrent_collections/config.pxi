# Settings of the process, and what the build and the machine are.

cdef extern from "concurrent_collections/cc_atomic.h":
    ctypedef struct cc_atomic_u32:
        pass
    uint32_t cc_load_relaxed_u32(const cc_atomic_u32 *p)
    void cc_store_relaxed_u32(cc_atomic_u32 *p, uint32_t v)

cdef extern from "concurrent_collections/cc_arch.h":
    const char *CC_ARCH_NAME
    int CC_CACHE_LINE
    unsigned int CC_FEATURE_CMPXCHG16B, CC_FEATURE_LSE
    unsigned int cc_features()

cdef extern from "concurrent_collections/cc_smr.h":
    ctypedef struct cc_smr_settings_t:
        cc_atomic_u32 retire_threshold, max_reclaim_per_poll, statistics, contention, scheme, signal
    cc_smr_settings_t cc_smr_settings
    ctypedef struct cc_smr_statistics:
        uint64_t retired, released, scans, retries, neutralizations, refusals, domains, eras, limbo, limbo_bytes
        uint64_t oldest_age, oldest_thread, node_bytes
        unsigned int open_regions, threads
    void cc_smr_get_statistics(cc_smr_statistics *out)

cdef extern from "memory/smr_fast.h":
    bint cc_debra_is_available()
    unsigned int cc_smr_scheme_of_new_containers()

cdef extern from "memory/cc_alloc.h":
    const char *cc_alloc_name()

cdef extern from "platform/cc_os.h":
    const char *cc_park_name()
    int cc_os_interrupt_signal()

cdef extern from "object_queue.h":
    ctypedef enum cc_object_queue_kind:
        CC_OBJECT_QUEUE_LCRQ, CC_OBJECT_QUEUE_GIL
    bint cc_object_queue_is_available(cc_object_queue_kind kind)

cdef extern from *:
    """
    #if defined(__clang__)
    #define CC_COMPILER "clang " __clang_version__
    #elif defined(__GNUC__)
    #define CC_COMPILER "gcc " __VERSION__
    #else
    #define CC_COMPILER "unknown"
    #endif
    #if !defined(CC_PACKAGE_VERSION) /* the one in meson.build */
    #define CC_PACKAGE_VERSION "unknown"
    #endif
    #if defined(CC_DEBUG_INVARIANTS)
    #define CC_CHECKS_INVARIANTS 1
    #else
    #define CC_CHECKS_INVARIANTS 0
    #endif
    #if defined(CC_TEST_HOOKS)
    #define CC_HAS_TEST_HOOKS 1
    #else
    #define CC_HAS_TEST_HOOKS 0
    #endif
    """
    const char *CC_COMPILER
    const char *CC_PACKAGE_VERSION
    bint CC_CHECKS_INVARIANTS, CC_HAS_TEST_HOOKS

__version__ = CC_PACKAGE_VERSION.decode()

cdef tuple SMR_SCHEMES = ("ibr", "debra")  # in the order of cc_smr_scheme
_SMR_SCHEMES = SMR_SCHEMES
cdef tuple QUEUE_BACKENDS = ("auto", "scq", "faa") + (
    ("lcrq",) if cc_object_queue_is_available(CC_OBJECT_QUEUE_LCRQ) else ()) + (
    ("gil",) if cc_object_queue_is_available(CC_OBJECT_QUEUE_GIL) else ())

# Indexes into the tuples above: C ints, so that any thread may change them at any time.
cdef cc_atomic_u32 chosen_queue_backend


cdef int choose(cc_atomic_u32 *setting, tuple choices, str name, value) except -1:
    if value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, choices))}, got {value!r}")
    cc_store_relaxed_u32(setting, choices.index(value))
    return 0


cdef int set_count(cc_atomic_u32 *setting, str name, value) except -1:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2 ** 31:
        raise ValueError(f"{name}: expected an int from 1 to {2 ** 31 - 1}, got {value!r}")
    cc_store_relaxed_u32(setting, value)
    return 0


cdef int set_flag(cc_atomic_u32 *setting, str name, value) except -1:
    if value is not True and value is not False:
        raise ValueError(f"{name}: expected one of True, False, got {value!r}")
    cc_store_relaxed_u32(setting, 1 if value else 0)
    return 0


cdef class Config:
    """Config()\n--\n\nSettings of the process. There is one, `concurrent_collections.config`.

    What is set in code overrides the environment. Wrong values raise ValueError and name the choices.
    Every attribute may be read and set from any thread; a change holds for later operations, and for
    `smr_scheme` and `queue_backend` for containers made later.
    """
    def __init__(self):
        pass  # takes no arguments

    @property
    def gil_enabled(self):
        """Whether the interpreter runs with the global interpreter lock now. Read-only."""
        ask = getattr(sys, "_is_gil_enabled", None)
        return ask() if ask is not None else True

    @property
    def detected_arch(self):
        """The architecture that the core was compiled for, such as 'x86_64'. Read-only."""
        return CC_ARCH_NAME.decode()

    @property
    def detected_features(self):
        """Instructions found on the running machine, such as 'cmpxchg16b' or 'lse'. Read-only."""
        features = cc_features()
        names = (("cmpxchg16b", CC_FEATURE_CMPXCHG16B), ("lse", CC_FEATURE_LSE))
        return frozenset([name for name, bit in names if features & bit])

    @property
    def available_queue_backends(self):
        """The choices of `queue_backend` on this machine. Read-only."""
        return QUEUE_BACKENDS

    @property
    def queue_backend(self):
        """The algorithm of new FastQueues: 'auto', 'scq', 'faa', 'lcrq' if the machine can run it, or 'gil' if the build has a GIL.

        Environment: CONCURRENT_COLLECTIONS_QUEUE_BACKEND.
        """
        return QUEUE_BACKENDS[cc_load_relaxed_u32(&chosen_queue_backend)]

    @queue_backend.setter
    def queue_backend(self, value):
        choose(&chosen_queue_backend, QUEUE_BACKENDS, "queue_backend", value)

    @property
    def smr_scheme(self):
        """How containers made from now on reclaim removed entries: 'ibr' or 'debra'.

        'ibr', interval-based reclamation, needs nothing from the system; a stalled thread holds up what was in the container
        when it stalled. 'debra', DEBRA+, interrupts a stalled thread with a signal (`smr_signal`); the thread then holds up only
        a few dozen things. If that is not possible, containers get 'ibr' all the same: see `smr_scheme_in_use`. docs/smr.md
        compares the two.

        Environment: CONCURRENT_COLLECTIONS_SMR_SCHEME.
        """
        return SMR_SCHEMES[cc_load_relaxed_u32(&cc_smr_settings.scheme)]

    @smr_scheme.setter
    def smr_scheme(self, value):
        choose(&cc_smr_settings.scheme, SMR_SCHEMES, "smr_scheme", value)

    @property
    def smr_scheme_in_use(self):
        """The scheme of a container made now: `smr_scheme`, or 'ibr' if the system lacks the signals. Read-only.

        Under 'debra' reading this installs the handler of `smr_signal`.
        """
        return SMR_SCHEMES[cc_smr_scheme_of_new_containers()]

    @property
    def smr_signal(self):
        """The number of the signal with which 'debra' interrupts threads; 0, the default, means SIGRTMIN + 6.

        The signal must be free: ValueError if it cannot be caught or has another handler. The handler is installed when the
        first container with 'debra' is made. After that, leave the signal alone. Do not replace the handler or ignore the
        signal, not even for a moment: a stalled thread that has been interrupted, and has not run since, would go on reading
        freed memory. If a thread stalls with the signal blocked, it holds up everything that it may have seen
        (`smr.stats().refusals` counts this).

        Environment: CONCURRENT_COLLECTIONS_SMR_SIGNAL.
        """
        return cc_load_relaxed_u32(&cc_smr_settings.signal)

    @smr_signal.setter
    def smr_signal(self, value):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 64:
            raise ValueError(f"smr_signal: expected the number of a signal, or 0, got {value!r}")
        cdef uint32_t before = cc_load_relaxed_u32(&cc_smr_settings.signal)
        cc_store_relaxed_u32(&cc_smr_settings.signal, value)
        if cc_os_interrupt_signal() and not cc_debra_is_available():
            cc_store_relaxed_u32(&cc_smr_settings.signal, before)
            cc_debra_is_available()
            raise ValueError(f"smr_signal: {value!r} cannot be caught, or has another handler")

    @property
    def retire_threshold(self):
        """How many removed things may wait in one stripe of a container before it is checked which can be released."""
        return cc_load_relaxed_u32(&cc_smr_settings.retire_threshold)

    @retire_threshold.setter
    def retire_threshold(self, value):
        set_count(&cc_smr_settings.retire_threshold, "retire_threshold", value)

    @property
    def max_reclaim_per_poll(self):
        """How many waiting things one operation releases, at most."""
        return cc_load_relaxed_u32(&cc_smr_settings.max_reclaim_per_poll)

    @max_reclaim_per_poll.setter
    def max_reclaim_per_poll(self, value):
        set_count(&cc_smr_settings.max_reclaim_per_poll, "max_reclaim_per_poll", value)

    @property
    def enable_statistics(self):
        """Count retired and released things and scans, for `statistics()`; and how keys are compared, for that of ordered
        maps and sets."""
        return cc_load_relaxed_u32(&cc_smr_settings.statistics) != 0

    @enable_statistics.setter
    def enable_statistics(self, value):
        set_flag(&cc_smr_settings.statistics, "enable_statistics", value)

    @property
    def enable_contention_stats(self):
        """Count operations that had to start over because another thread was faster."""
        return cc_load_relaxed_u32(&cc_smr_settings.contention) != 0

    @enable_contention_stats.setter
    def enable_contention_stats(self, value):
        set_flag(&cc_smr_settings.contention, "enable_contention_stats", value)

    def statistics(self):
        """Return the counts of this process, as a dict of ints.

        retired, released and scans are counted while `enable_statistics` is set, retries while `enable_contention_stats` is;
        threads is the number of thread records, including those of ended threads, which are reused.
        """
        cdef cc_smr_statistics s
        cc_smr_get_statistics(&s)
        return {"retired": s.retired, "released": s.released, "scans": s.scans, "retries": s.retries,
                "threads": s.threads}

    def __repr__(self):
        return f"Config({', '.join([f'{name}={getattr(self, name)!r}' for name in CONFIG_NAMES])})"

    def __reduce__(self):
        return "config"


cdef tuple CONFIG_NAMES = (
    "gil_enabled", "detected_arch", "detected_features", "available_queue_backends", "queue_backend",
    "smr_scheme", "smr_scheme_in_use", "smr_signal", "retire_threshold", "max_reclaim_per_poll", "enable_statistics", "enable_contention_stats")

config = Config()


def print_config(file=None):
    """Print every setting of `config`, one per line, to `file` (default: standard output)."""
    width = max([len(name) for name in CONFIG_NAMES])
    for name in CONFIG_NAMES:
        value = getattr(config, name)
        if isinstance(value, frozenset):
            value = ", ".join(sorted(value)) or "none"
        elif isinstance(value, tuple):
            value = ", ".join(value)
        print(f"{name:<{width}}  {value}", file=file)


def get_build_info():
    """Return how this copy was built, as a dict of strings and numbers."""
    return {
        "version": __version__,
        "arch": CC_ARCH_NAME.decode(),
        "compiler": CC_COMPILER.decode(),
        "allocator": cc_alloc_name().decode(),
        "parking": cc_park_name().decode(),
        "cache_line": CC_CACHE_LINE,
        "smr_schemes": SMR_SCHEMES,
        "checks_invariants": CC_CHECKS_INVARIANTS,
        "test_hooks": CC_HAS_TEST_HOOKS,
        "python": sys.version.split()[0],
        "free_threaded_build": hasattr(sys, "_is_gil_enabled") and "free-threading" in sys.version,
    }
