------------------------------ MODULE smr_ibr ------------------------------
(* Interval-based reclamation (2GE-IBR) as csrc/memory/ibr.c, limbo.c and smr_fast.h do it, with the births of
   values of csrc/ordered/value_slot.h (cc_swap_value, cc_raise_birth).

   One domain. One shared slot leads to one thing at a time. Writers put a new thing there and retire
   the old one; readers open regions, read the slot with protect, and hold what they have read until
   they leave; scanners go through limbo for ever. A reader may stall anywhere: it is under no
   obligation to take another step, except where a configuration says so (FairSpec).

   With Lifetimes = "own" a thing is a node: it carries the era that its maker has read. With "slot" it
   is a value, and its birth comes from the slot's value_birth.

   A release store of a reader goes into its store buffer and reaches memory later, in order; only
   cc_publish_u64 waits for the buffer. So the store-load fences are here to be removed.

   Numbers (3) to (9) are those of the comments in the C files. Every change named by Mutation must be
   refuted by TLC, but "upper_first" and "birth_after_value": see README.md.                          *)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Readers, Writers, Scanners,
    LastThing,    \* things are 1 .. LastThing; 1 is in the slot at the beginning
    MaxEra,
    Regions,      \* how many regions a reader opens, one after the other
    Loads,        \* how many protected loads it does in one region
    Lifetimes,    \* "own": of nodes; "slot": of values
    Mutation      \* "none", or what is broken on purpose

Things == 1 .. LastThing
Eras == 1 .. MaxEra
Idle == MaxEra + 1 \* CC_ERA_IDLE: greater than every era
Max(a, b) == IF a > b THEN a ELSE b
M(name) == Mutation = name

(* --algorithm ibr
variables
    clock = 1,                               \* the domain's era
    slot = 1, value_birth = 1,
    lower = [r \in Readers |-> Idle],        \* the thread records, as memory shows them
    upper = [r \in Readers |-> 0],
    buffer = [r \in Readers |-> <<>>],       \* stores that only their own thread knows of
    limbo = {},
    freed = {},                              \* released: whoever touches one of these now is lost
    birth = [x \in Things |-> 1],            \* what cc_retired says; with "own", what the node says
    died = [x \in Things |-> 0],             \* 0: not retired
    next_thing = 2,
    held = [r \in Readers |-> {}],           \* what protect has returned in the open region
    published = [x \in Things |-> 1],        \* history, for the invariants: what the clock showed when
    unlinked = [x \in Things |-> 0];         \*   x was put into the slot, and when it was taken out

define
    Saw(y, lo, up) == lo <= died[y] /\ up >= birth[y]
end define;

(* Memory catches up with the stores of a thread. *)
fair process memory = "memory"
begin
Drain:
    while TRUE do
        with r \in {q \in Readers : buffer[q] # <<>>}, store = Head(buffer[r]) do
            buffer[r] := Tail(buffer[r]);
            if store[1] = "lower" then lower[r] := store[2] else upper[r] := store[2] end if;
        end with;
    end while;
end process;

process reader \in Readers
variables guard = 0, era = 0, word = 0, regions = 0, loads = 0;
begin
Outside:
    while regions < Regions do
        regions := regions + 1;
Enter:  \* cc_enter: the era, then lower (4), then upper and the fence (5)
        era := clock;
        buffer[self] := Append(buffer[self], <<"lower", clock>>);
Enter2:
        if M("no_fence_in_enter") then
            buffer[self] := Append(buffer[self], <<"upper", era>>);
        else
            await buffer[self] = <<>>;
            upper[self] := era;
        end if;
        guard := era; era := 0;
Inside:
        while loads < Loads do
            either loads := loads + 1; or goto Leave; end either;
Protect:    \* cc_protect: the word, then the era
            if M("era_before_word") then era := clock else word := slot end if;
Protect2:
            with w = IF M("era_before_word") THEN slot ELSE word,
                 now = IF M("era_before_word") THEN era ELSE clock do
                if now = guard then
                    held[self] := held[self] \cup {w};
                    word := 0; era := 0;
                    goto Inside;
                else
                    word := w; era := now;
                end if;
            end with;
Extend:     \* cc_read_protected: upper and the fence (8), then the word again, then the era
            if M("no_fence_in_protect") then
                buffer[self] := Append(buffer[self], <<"upper", era>>);
            else
                await buffer[self] = <<>>;
                upper[self] := era;
            end if;
            guard := era;
            if M("no_second_read") then goto Extend4 end if;
Extend2:
            word := slot;
Extend3:
            if clock # guard then era := clock; goto Extend; end if;
Extend4:
            held[self] := held[self] \cup {word};
            word := 0; era := 0;
        end while;
Leave:  \* cc_leave (6)
        held[self] := {}; guard := 0; word := 0; era := 0; loads := 0;
        if ~M("no_leave") then buffer[self] := Append(buffer[self], <<"lower", Idle>>) end if;
    end while;
end process;

(* cc_published: eras go by with publications, here or elsewhere in the container. *)
fair process publications = "publications"
begin
Tick:
    while clock < MaxEra do
        clock := clock + 1;
    end while;
end process;

(* cc_swap_value, cc_raise_birth; then, outside the region, cc_retire. *)
fair process writer \in Writers
variables old_birth = 0, expected = 0, era_now = 0, old = 0, death = 0, first_read = 0, todo = {}, saw = FALSE;
begin
Swap:
    while next_thing <= LastThing do
        if M("birth_after_value") then expected := slot else old_birth := value_birth end if;
Swap2:
        if M("birth_after_value") then old_birth := value_birth else expected := slot end if;
Swap3:
        era_now := clock;
        if M("raised_before_swap") then value_birth := Max(value_birth, era_now) end if;
        if M("look_before_unlinking") then death := clock; todo := Readers; goto Look end if;
Swap4:
        if next_thing > LastThing then
            old_birth := 0; expected := 0; era_now := 0; goto Done;
        elsif slot # expected then
            goto Swap;
        else
            old := expected;
            slot := next_thing;
            birth[next_thing] := era_now;
            published[next_thing] := clock;
            unlinked[expected] := clock;
            next_thing := next_thing + 1;
            expected := 0;
        end if;
Swap5:
        if M("birth_after_swap") then old_birth := value_birth end if;
        if Lifetimes = "slot" /\ ~M("not_raised") then
            value_birth := Max(value_birth, IF M("era_after_swap") THEN clock ELSE era_now);
        end if;
        era_now := 0;
Retire: \* the fence (7), then the era of death
        if Lifetimes = "slot" then birth[old] := old_birth end if;
        old_birth := 0;
        if M("look_before_unlinking") then
            died[old] := death;
            goto Decide;
        else
            died[old] := clock;
            death := clock;
            todo := Readers;
        end if;
Look:   \* cc_any_region_saw
        while todo # {} do
            with r = CHOOSE r \in todo : TRUE do
                if M("upper_first") then first_read := upper[r] else first_read := lower[r] end if;
            end with;
Look2:
            with r = CHOOSE r \in todo : TRUE,
                 lo = IF M("upper_first") THEN lower[r] ELSE first_read,
                 up = IF M("upper_first") THEN first_read ELSE upper[r] do
                if lo <= death /\ (M("look_before_unlinking") \/ up >= birth[old]) then saw := TRUE end if;
                todo := todo \ {r};
            end with;
            first_read := 0;
        end while;
        if M("look_before_unlinking") then goto Swap4 end if;
Decide:
        if saw then limbo := limbo \cup {old} else freed := freed \cup {old} end if;
        old := 0; death := 0; saw := FALSE;
    end while;
end process;

(* scan_stripe: take limbo whole, fence (7), read_reservations, release what nobody saw. *)
fair process scanner \in Scanners
variables chain = {}, seen = {}, first = 0, ahead = {};
begin
Scan:
    while TRUE do
        await limbo # {};
        if ~M("look_before_taking") then chain := limbo; limbo := {} end if;
        ahead := Readers;
See:
        while ahead # {} do
            with r = CHOOSE r \in ahead : TRUE do
                if M("upper_first") then first := upper[r] else first := lower[r] end if;
            end with;
See2:
            with r = CHOOSE r \in ahead : TRUE do
                seen := seen \cup {IF M("upper_first") THEN <<lower[r], first>> ELSE <<first, upper[r]>>};
                ahead := ahead \ {r};
            end with;
            first := 0;
        end while;
Release:
        if M("look_before_taking") then chain := limbo; limbo := {} end if;
Release2:
        with kept = {y \in chain : \E i \in seen : Saw(y, i[1], i[2])} do
            freed := freed \cup (chain \ kept);
            limbo := limbo \cup kept;
        end with;
        chain := {}; seen := {};
    end while;
end process;
end algorithm; *)
\* BEGIN TRANSLATION
\* END TRANSLATION

FairSpec == Spec /\ \A r \in Readers : WF_vars(reader(r))

(* For configurations that look at no history: states that differ only there are one. *)
WithoutHistory == <<clock, slot, value_birth, lower, upper, buffer, limbo, freed, birth, died, next_thing,
                    held, pc, guard, era, word, regions, loads, old_birth, expected, era_now, old, death,
                    first_read, todo, saw, chain, seen, first, ahead>>

Symmetric == Permutations(Writers)

Waiting == limbo \cup UNION {chain[s] : s \in Scanners}

(* No region holds a pointer to a released thing. *)
SafeReclamation == \A r \in Readers : held[r] \cap freed = {}

(* What is written on a retired thing covers the time in which it could be found. *)
LifeCovered == \A x \in Things : died[x] # 0 =>
    birth[x] <= published[x] /\ unlinked[x] <= died[x]

(* What a region pins, should its thread never take another step: what could be found while the clock
   showed lower .. upper, and for each writer one thing more at either end, which it was exchanging when
   the clock moved on. Nothing else, however many things come and go. *)
Pinned(r) == {x \in Waiting : Saw(x, lower[r], upper[r])}
AliveIn(lo, up) == {x \in Things : unlinked[x] # 0 /\ published[x] <= up /\ unlinked[x] >= lo}
BoundedGarbage == \A r \in Readers :
    Cardinality(Pinned(r)) <= Cardinality(AliveIn(lower[r], upper[r])) + 2 * Cardinality(Writers)

(* With FairSpec, where every region ends: all that is retired is released. *)
EventuallyFreed == <>[](\A x \in Things : died[x] # 0 => x \in freed)

(* With Spec, where readers stall: so is all that no stalled region has seen. *)
EventuallyFreedOrPinned ==
    <>[](\A x \in Things : died[x] # 0 => x \in freed \/ \E r \in Readers : Saw(x, lower[r], upper[r]))
=============================================================================
