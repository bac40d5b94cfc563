------------------------------ MODULE smr_debra ------------------------------
(* DEBRA+ with phases as csrc/memory/debra.c does it: epochs, and threads that hold them up are
   neutralized with a signal.

   One domain, one shared slot that leads to one thing at a time. Readers find the thing, and take a
   reference to it; writers replace it, and retire what they have replaced. Both are threads with regions:
   a read phase, which a signal may start over at any step, then a write phase, which uses nothing but what
   the hazard names. Swappers replace and retire as well, but nobody looks at their regions. Scanners go
   through limbo for ever. A reader or writer may stall anywhere: it is under no obligation to take another
   step, or to run its handler.

   Plain and release stores of a thread go into its store buffer and reach memory later, in order. An
   exchange or CAS waits for the buffer; a membarrier empties the buffers of all others. The phase is read
   by the thread's own handler alone, which sees its own stores.

   The kernel, below the algorithm: a signal that was sent is handled at some time, but before the thread's
   next step when a membarrier has interrupted it since (Handler, MustHandle). A thread may have the
   signal blocked, and changes that outside regions only. Somebody else's handler may run on top of a read
   phase; ours, on top of that one, does not jump, but blocks itself and stays pending until the other
   has returned (ForeignBegins ..).

   Every change named by Mutation must be refuted by TLC, but the two that README.md calls harmless. *)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Readers, Writers, Swappers, Scanners,
    LastThing,    \* things are 1 .. LastThing; 1 is in the slot at the beginning
    MaxEra,
    Operations,   \* of each thread, one region or more for each
    Phases,       \* how many read phases an operation has at most
    Patient,      \* TRUE: a scan may leave a thread in peace that pins something
    MayBlock,     \* threads that may have the signal blocked
    MayBeForeign, \* threads on which other handlers may run
    Mutation      \* "none", or what is broken on purpose

Threads == Readers \cup Writers
Things == 1 .. LastThing
Nothing == 0
Idle == MaxEra + 1 \* CC_ERA_IDLE: greater than every era
M(name) == Mutation = name

(* --algorithm debra
variables
    clock = 1,                               \* the domain's era
    slot = 1,
    region = [t \in Threads |-> 0],          \* the thread records, as memory shows them
    lower = [t \in Threads |-> Idle],
    hazard = [t \in Threads |-> Nothing],
    neutralized = [t \in Threads |-> 0],          \* the number of the region that counts for nothing any more
    buffer = [t \in Threads |-> <<>>],       \* stores that only their own thread knows of
    phase = [t \in Threads |-> "write"],     \* outside regions too
    interrupted = [t \in Threads |-> FALSE], \* the handler has run where it does not jump
    answered = [t \in Threads |-> 0],        \* and says so: in the region of this number
    sent = [t \in Threads |-> FALSE],        \* the signal is pending
    arrived = [t \in Threads |-> FALSE],     \* and will be handled before the next step
    blocked = [t \in Threads |-> FALSE],
    foreign = [t \in Threads |-> FALSE],     \* somebody else's handler runs
    postponed = [t \in Threads |-> FALSE],   \* ours has run on top of it, and blocked itself
    limbo = {},
    freed = {},                              \* released: whoever uses one of these now is lost
    died = [x \in Things |-> 0],             \* 0: not retired
    next_thing = 2,
    used_released = FALSE,
    noted = [s \in Scanners |-> 0];          \* the number that a scanner has read

define
    ShowsBlocked(t) == blocked[t] \/ postponed[t]
    Newest(t, word, old) == \* what the thread itself sees in its word
        LET own == {i \in 1 .. Len(buffer[t]) : buffer[t][i][1] = word} IN
        IF own = {} THEN old ELSE buffer[t][CHOOSE i \in own : \A j \in own : j <= i][2]
    Fresh(t) == \* the next number of t's regions: all that matters is that nobody remembers it
        LET remembered == {0, region[t], neutralized[t], answered[t]} \cup {noted[s] : s \in Scanners}
                              \cup {buffer[t][i][2] : i \in {j \in 1 .. Len(buffer[t]) : buffer[t][j][1] \in {"region", "answered"}}}
        IN CHOOSE n \in 0 .. 8 : n \notin remembered /\ \A m \in 0 .. n - 1 : m \in remembered
end define;

macro use(x) begin
    if x \in freed then used_released := TRUE end if;
end macro;

(* Memory catches up with the stores of a thread. *)
fair process memory = "memory"
begin
Drain:
    while TRUE do
        with t \in {q \in Threads : buffer[q] # <<>>}, store = Head(buffer[t]) do
            buffer[t] := Tail(buffer[t]);
            if store[1] = "lower" then lower[t] := store[2]
            elsif store[1] = "region" then region[t] := store[2]
            elsif store[1] = "answered" then answered[t] := store[2]
            else hazard[t] := store[2] end if;
        end with;
    end while;
end process;

(* Eras go by with publications, here or elsewhere in the container. *)
fair process publications = "publications"
begin
Tick:
    while clock < MaxEra do
        clock := clock + 1;
    end while;
end process;

process thread \in Threads
variables operations = 0, phases = 0, era = 0, found = Nothing, owned = Nothing, death = 0, references = 0;
begin
Outside:
    while operations < Operations do
        operations := operations + 1;
        phases := 0; references := 0;
        if self \in MayBlock then
            with b \in {TRUE, FALSE} do blocked[self] := b end with;
        end if;
Begin:  \* cc_begin_reading; where the handler jumps to
        interrupted[self] := FALSE; found := Nothing; era := 0;
Enter:  \* the new number (10); nothing is held any more; the era
        era := clock;
        buffer[self] := buffer[self]
            \o (IF M("same_number") THEN <<>> ELSE <<<<"region", Fresh(self)>>>>)
            \o (IF Newest(self, "hazard", hazard[self]) = Nothing THEN <<>> ELSE <<<<"hazard", Nothing>>>>);
Reserve:
        if M("no_fence_in_enter") then
            buffer[self] := Append(buffer[self], <<"lower", era>>);
        else
            await buffer[self] = <<>>;
            lower[self] := era;
            \* Only to have fewer states: numbers that nobody compares any more are all the same.
            if neutralized[self] \notin {noted[s] : s \in Scanners} then neutralized[self] := 0 end if;
            if answered[self] \notin {noted[s] : s \in Scanners} then answered[self] := 0 end if;
        end if;
        era := 0;
Resume: \* cc_resume_reading is this, too
        phase[self] := "read";
Resume2:
        if interrupted[self] /\ ~M("does_not_look") then phase[self] := "write"; goto Begin end if;
Read:
        found := slot;
Read2:  \* whatever a read phase does with what it finds
        use(found);
        either skip or goto Leave end either;
Commit:
        if M("commits_before_hazards") then phase[self] := "write"
        else buffer[self] := Append(buffer[self], <<"hazard", found>>) end if;
Commit2:
        if M("commits_before_hazards") then buffer[self] := Append(buffer[self], <<"hazard", found>>)
        else phase[self] := "write" end if;
        phases := phases + 1;
        if M("died_before_unlinking") then death := clock end if;
Write:
        use(found);
        if self \in Readers then
            references := references + 1;
        else
            await buffer[self] = <<>>;
            if slot = found /\ next_thing <= LastThing then
                slot := next_thing;
                next_thing := next_thing + 1;
                owned := found;
            elsif slot # found /\ phases < Phases then
                goto Begin;
            end if;
        end if;
Write2: \* the thing is still in use; an operation may have to search again
        if self \in Readers then use(found) end if;
        if phases < Phases /\ self \in Readers then
            either skip or references := 0; goto Begin or references := 0; goto Resume end either;
        end if;
Leave:
        phase[self] := "write"; interrupted[self] := FALSE; found := Nothing;
Leave2:
        if ~M("no_leave") then buffer[self] := Append(buffer[self], <<"lower", Idle>>) end if;
        if owned = Nothing then goto Outside end if;
Retire: \* the fence, then the era
        await buffer[self] = <<>>;
        died[owned] := IF M("died_before_unlinking") THEN death ELSE clock;
        limbo := limbo \cup {owned};
        owned := Nothing; death := 0;
    end while;
end process;

fair process swapper \in Swappers
variables taken = Nothing, death_era = 0;
begin
Swap:
    while next_thing <= LastThing do
        if M("died_before_unlinking") then death_era := clock end if;
Swap2:
        if next_thing <= LastThing then
            taken := slot;
            slot := next_thing;
            next_thing := next_thing + 1;
        else
            goto Swap;
        end if;
Swap3:  \* the fence, then the era
        died[taken] := IF M("died_before_unlinking") THEN death_era ELSE clock;
        limbo := limbo \cup {taken};
        taken := Nothing; death_era := 0;
    end while;
end process;

fair process scanner \in Scanners
variables chain = {}, ahead = {}, low = 0, pinned = {}, saw_blocked = FALSE, saw_hazard = Nothing;
begin
Scan:   \* takes limbo whole, then a fence
    while TRUE do
        await limbo # {};
        chain := limbo; limbo := {};
        ahead := Threads;
See:
        while ahead # {} do
            with t = CHOOSE t \in ahead : TRUE, l = lower[t] do
                if \A x \in chain : died[x] < l then
                    ahead := ahead \ {t};
                    goto See;
                else
                    low := l;
                    if M("mask_before_note") \/ M("hazards_before_neutralizing") then
                        goto SeeEarly;
                    else
                        either await Patient; goto Judge or goto Note end either;
                    end if;
                end if;
            end with;
SeeEarly:
            with t = CHOOSE t \in ahead : TRUE do
                if M("mask_before_note") then saw_blocked := ShowsBlocked(t)
                else saw_hazard := hazard[t] end if;
            end with;
Note:   \* neutralize
            with t = CHOOSE t \in ahead : TRUE do
                noted[self] := region[t];
            end with;
IsNeutralized:
            with t = CHOOSE t \in ahead : TRUE do
                if neutralized[t] = noted[self] then goto Judge
                elsif M("mask_before_signal") then saw_blocked := ShowsBlocked(t) end if;
            end with;
Signal:
            with t = CHOOSE t \in ahead : TRUE do
                if ~M("no_signal") then sent[t] := TRUE end if;
            end with;
Barrier:
            with t = CHOOSE t \in ahead : TRUE do
                if ~M("no_membarrier") then
                    arrived[t] := sent[t];
                    lower[t] := Newest(t, "lower", lower[t]);
                    region[t] := Newest(t, "region", region[t]);
                    hazard[t] := Newest(t, "hazard", hazard[t]);
                    answered[t] := Newest(t, "answered", answered[t]);
                    buffer[t] := <<>>;
                end if;
            end with;
Mask:
            with t = CHOOSE t \in ahead : TRUE,
                 is_open = IF M("mask_before_note") \/ M("mask_before_signal") THEN ~saw_blocked
                        ELSE M("mask_not_read") \/ ~ShowsBlocked(t) do
                if M("no_signal") then goto Judge
                elsif is_open then goto Reread end if;
            end with;
Answered: \* (14)
            with t = CHOOSE t \in ahead : TRUE do
                if answered[t] # noted[self] \/ M("no_answer") then goto Judge end if;
            end with;
Reread:
            with t = CHOOSE t \in ahead : TRUE do
                if M("note_after_signal") then noted[self] := region[t]
                elsif region[t] # noted[self] /\ ~M("not_read_again") then goto Judge end if;
            end with;
Neutralize:
            with t = CHOOSE t \in ahead : TRUE do
                neutralized[t] := noted[self];
            end with;
Judge:
            with t = CHOOSE t \in ahead : TRUE do
                noted[self] := region[t];
            end with;
Judge2:
            with t = CHOOSE t \in ahead : TRUE do
                if neutralized[t] # noted[self] then
                    pinned := pinned \cup {x \in chain : low <= died[x]};
                    ahead := ahead \ {t}; low := 0; noted[self] := 0; saw_hazard := Nothing; saw_blocked := FALSE;
                    goto See;
                end if;
            end with;
Judge3:
            with t = CHOOSE t \in ahead : TRUE do
                pinned := pinned \cup {IF M("hazards_before_neutralizing") THEN saw_hazard
                                       ELSE IF M("ignores_hazards") THEN Nothing ELSE hazard[t]};
                ahead := ahead \ {t};
            end with;
            low := 0; noted[self] := 0; saw_hazard := Nothing; saw_blocked := FALSE;
        end while;
Release:
        freed := freed \cup (chain \ pinned);
        limbo := limbo \cup (chain \cap pinned);
        chain := {}; pinned := {};
    end while;
end process;
end algorithm; *)
\* BEGIN TRANSLATION
\* END TRANSLATION

(* ---- the kernel: what PlusCal cannot say, a step that moves another process's pc --------------- *)

AllButSignals == <<clock, slot, region, lower, hazard, neutralized, answered, blocked, limbo, freed, died,
                   next_thing, used_released, operations, phases, era, found, owned, death, references,
                   taken, death_era, noted, chain, ahead, low, pinned, saw_blocked, saw_hazard>>

MustHandle(t) == arrived[t] /\ ~blocked[t]

Jumps(t) == phase[t] = "read" \/ (M("jumps_in_write") /\ lower[t] # Idle)

Answer(t) == buffer' = [buffer EXCEPT ![t] = Append(@, <<"answered", Newest(t, "region", region[t])>>)]

Handler(t) == \* on_interrupt
    /\ sent[t] /\ ~blocked[t] /\ ~foreign[t]
    /\ sent' = [sent EXCEPT ![t] = FALSE]
    /\ arrived' = [arrived EXCEPT ![t] = FALSE]
    /\ IF Jumps(t) /\ ~M("no_jump")
       THEN /\ pc' = [pc EXCEPT ![t] = "Begin"]
            /\ phase' = [phase EXCEPT ![t] = "write"]
            /\ UNCHANGED <<interrupted, buffer>>
       ELSE /\ IF pc[t] \in {"Outside", "Begin", "Leave2", "Retire", "Done"} \* then nobody will ask
               THEN UNCHANGED <<interrupted, buffer>>
               ELSE interrupted' = [interrupted EXCEPT ![t] = TRUE] /\ Answer(t)
            /\ UNCHANGED <<pc, phase>>
    /\ UNCHANGED <<foreign, postponed, AllButSignals>>

ForeignBegins(t) ==
    /\ t \in MayBeForeign /\ phase[t] = "read" /\ ~foreign[t] /\ ~MustHandle(t)
    /\ foreign' = [foreign EXCEPT ![t] = TRUE]
    /\ UNCHANGED <<pc, phase, interrupted, buffer, sent, arrived, postponed, AllButSignals>>

HandlerOnForeign(t) == \* cc_os_interrupt_again_after_outer_handler
    /\ foreign[t] /\ sent[t] /\ ~blocked[t] /\ ~postponed[t]
    /\ Answer(t)
    /\ IF M("forgets_on_foreign")
       THEN /\ sent' = [sent EXCEPT ![t] = FALSE] /\ arrived' = [arrived EXCEPT ![t] = FALSE]
            /\ UNCHANGED postponed
       ELSE /\ postponed' = [postponed EXCEPT ![t] = TRUE] /\ UNCHANGED <<sent, arrived>>
    /\ UNCHANGED <<pc, phase, interrupted, foreign, AllButSignals>>

ForeignReturns(t) == \* with the mask as it was
    /\ foreign[t] /\ (MustHandle(t) => postponed[t])
    /\ foreign' = [foreign EXCEPT ![t] = FALSE]
    /\ arrived' = [arrived EXCEPT ![t] = sent[t] /\ (postponed[t] \/ arrived[t])]
    /\ postponed' = [postponed EXCEPT ![t] = FALSE]
    /\ UNCHANGED <<pc, phase, interrupted, buffer, sent, AllButSignals>>

Step(t) == ~MustHandle(t) /\ ~foreign[t] /\ thread(t)
Runs(t) == Step(t) \/ Handler(t) \/ HandlerOnForeign(t) \/ ForeignReturns(t)

StallingSpec ==
    /\ Init
    /\ [][memory \/ publications \/ (\E s \in Scanners : scanner(s)) \/ (\E w \in Swappers : swapper(w))
          \/ \E t \in Threads : Runs(t) \/ ForeignBegins(t)]_vars
    /\ WF_vars(memory) /\ WF_vars(publications) /\ (\A s \in Scanners : WF_vars(scanner(s)))
    /\ \A w \in Swappers : WF_vars(swapper(w))

(* No thread takes a step that uses a released thing. *)
SafeReclamation == ~used_released

(* A value lives as long as somebody may take a reference to it, and an operation takes one, once. *)
OneReference == \A t \in Readers : references[t] <= 1

(* What was replaced is on its way: owned by the writer that has replaced it, waiting, or released. *)
Waiting == limbo \cup UNION {chain[s] : s \in Scanners}
NothingIsLost == \A x \in Things :
    x < next_thing /\ x # slot => x \in Waiting \cup freed \/ (\E t \in Writers : owned[t] = x)
                                          \/ \E t \in Swappers : taken[t] = x

(* Where every operation ends, all that is retired is released. *)
EventuallyFreed ==
    (\A t \in Threads : <>(pc[t] = "Done")) => <>[](\A x \in Things : died[x] # 0 => x \in freed)

(* Wherever threads stop for ever, they pin what their hazards name, and nothing else, unless they have
   the signal blocked. (Runs in which a thread is started over and over again are not looked at.) *)
AllStop == \A t \in Threads : <>[][pc'[t] = pc[t]]_vars
Held == {hazard[t] : t \in Threads}
BoundedGarbage == AllStop =>
    <>[](\/ \E t \in Threads : blocked[t] /\ lower[t] # Idle
         \/ \A x \in Things : died[x] # 0 => x \in freed \cup Held)
=============================================================================
