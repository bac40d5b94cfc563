------------------------------- MODULE hints -------------------------------
(* The table of hints beside the skip list: rules A, B and C of csrc/ordered/hints.h, and the hand-off
   between builders and remover of csrc/ordered/handoff.h that rules A and B lean on.

   One node that is removed, another that competes for its bucket, and a table that is replaced by a
   larger one, or by none (cc_skiplist_clear), at any moment.

   Reclamation is what smr_ibr.tla shows it to be: what a protected load has returned stays, if it was
   not yet retired at the moment of the load. So all that rule C has to prove is that.              *)
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS
    Refreshers,   \* searches that join the node's builders to put a hint in
    Others,       \* builders of another node in the same bucket
    Readers,
    Slots,        \* of the one bucket that matters
    Tables,       \* 1 .. Tables come one after the other; 0 is none
    Mutation      \* "none", or what is broken on purpose

Node == "node"   \* the one that is removed
Other == "other" \* one with the same bucket that stays
None == "none"
M(name) == Mutation = name
Threads == {"inserter", "remover"} \cup Refreshers \cup Others

(* --algorithm hints
variables
    current = 1, newest = 1,                                      \* list->hints
    bucket = [k \in 1 .. Tables |-> [j \in 1 .. Slots |-> None]],
    builders = 1, removed = FALSE,                                \* in the node's value_birth word
    retired = FALSE;

(* grow_hints replaces the table; a clear of another part of the list takes it away. *)
process table = "table"
begin
Replace:
    while newest < Tables \/ current # 0 do
        either
            await newest < Tables;
            newest := newest + 1;
            current := newest;
        or
            await current # 0;
            current := 0;
        end either;
    end while;
end process;

(* Whoever touches the table or the hand-off; `n` is what it puts in. *)
process thread \in Threads
variables t = 0, i = 1, empty = 0, n = IF self \in Others THEN Other ELSE Node;
begin
Begin:
    if self = "remover" then
        if M("cleared_before_removed") then goto LastOut end if;
    elsif self \in Others \cup {"inserter"} then \* builders from the start
        t := current;
        if current = 0 then goto Leave else goto Look end if;
    elsif M("not_joined") then
        await ~removed;
        goto Publish;
    else
        if removed then goto Done else builders := builders + 1; goto Publish end if; \* join_builders
    end if;
Remove: \* set_removed
    removed := TRUE;
    if builders # 0 /\ ~M("not_waiting") then goto Done
    elsif M("cleared_before_removed") then goto Retire
    else goto LastOut end if;

Publish: \* rule A: publish_hint, hint_put
    t := current;
    if current = 0 then goto Leave end if;
Look:
    while i <= Slots do
        if bucket[t][i] = n then goto Leave
        else
            if bucket[t][i] = None /\ empty = 0 then empty := i end if;
            i := i + 1;
        end if;
    end while;
Fill:
    if empty # 0 /\ bucket[t][empty] = None then
        bucket[t][empty] := n;
        goto Leave;
    end if;
Displace:
    with j \in 1 .. Slots do bucket[t][j] := n end with;
Leave: \* leave_builders
    i := 1; empty := 0; t := IF M("own_table") THEN t ELSE 0;
    if n = Other \/ (M("not_joined") /\ self \in Refreshers) then
        goto Done;
    else
        builders := builders - 1;
        if ~(removed /\ builders = 0) then goto Done end if;
    end if;

LastOut: \* rule B: last_one_out, clear_hint
    if self = "remover" /\ ~M("cleared_before_removed") then
        either skip;
        or  \* cc_skiplist_clear takes the whole table away instead
            current := 0;
            goto Retire;
        end either;
    end if;
LastOut2:
    if ~(M("own_table") /\ self # "remover") then t := current end if;
    if M("not_cleared") \/ t = 0 then goto Retire end if;
Clear:
    while i <= Slots do
        with j = i do
            i := IF M("one_slot") /\ bucket[t][j] = Node THEN Slots + 1 ELSE j + 1;
            if bucket[t][j] = Node then bucket[t][j] := None end if;
        end with;
    end while;
    if M("cleared_before_removed") /\ self = "remover" /\ ~removed then goto Remove end if;
Retire:
    retired := TRUE; t := 0; i := 1;
end process;

(* follow_hint, in one region. *)
process reader \in Readers
variables seen = 0, found = None, was_retired = FALSE;
begin
Load:
    if current = 0 then goto Done
    else
        seen := current;
        if ~M("check_first") then goto Slot end if;
    end if;
CheckFirst:
    if current # seen then goto Done end if;
Slot:   \* the protected load of the slot
    with j \in 1 .. Slots do
        found := bucket[seen][j];
        was_retired := retired;
    end with;
Check:  \* rule C
    if found # Node \/ (current # seen /\ ~M("no_rule_c") /\ ~M("check_first")) then
        found := None; seen := 0; was_retired := FALSE;
        goto Done;
    end if;
Follow:
    skip;
end process;
end algorithm; *)
\* BEGIN TRANSLATION
\* END TRANSLATION

(* A reader that passes rule C never touches a released node: the node was not retired when the slot was
   read, so the reader's region keeps it. *)
NeverFollowsRetired == \A r \in Readers : pc[r] = "Follow" => ~was_retired[r]

(* Once retired, the node does not come back into the table that is current. *)
RetiredIsForgotten == retired /\ current # 0 => \A j \in 1 .. Slots : bucket[current][j] # Node

(* The last one out retires it, and there is one. *)
SomebodyRetires == (\A q \in Threads : pc[q] = "Done") => retired
=============================================================================
