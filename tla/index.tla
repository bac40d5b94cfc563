------------------------------- MODULE index -------------------------------
(* The complete index beside the skip list: the order of an insertion, LINKED, growth, and rules A, B
   and C of csrc/ordered/index.h, with the hand-off of csrc/ordered/handoff.h that they lean on.

   One key, one bucket in each table, and a node for each inserter. Of the list there is what matters
   to the key: which node is linked on level 0. Searches of it are one step, and right.

   Stores to tables (an entry, a flag, `next`, an entry cleared) are late: they wait in their thread's
   buffer, and reach memory in order. Release lets a thread wait for its buffer; so does a fence.

   Where there are healers, taking a slot and finding none are one step, as in the core: who has lost
   its node knows that. Elsewhere the store is late, and so is the flag.

   Reclamation is what smr_ibr.tla shows it to be: what a protected load has returned stays, if it was
   not yet retired at the moment of the load.                                                       *)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Inserters,    \* 1 .. Inserters put a node each, of the same number
    Unhashed,     \* those of them whose keys have no hash
    Linked,       \* nodes that are in the list and in the first table at the beginning, one at most
    Removers, Copiers, Readers, Healers,
    Slots,        \* of the bucket
    Tables,       \* 1 .. Tables come one after the other
    Mutation      \* "none", or what is broken on purpose

None == 0
M(name) == Mutation = name
Nodes == 1 .. Inserters
Writers == (Nodes \ Linked) \cup Removers \cup Copiers \cup Healers
Empty == [j \in 1 .. Slots |-> None]

(* --algorithm index
variables
    current = 1,                                             \* list->index
    next = [k \in 1 .. Tables |-> 0],
    bucket = [k \in 1 .. Tables |->
                 IF k = 1 /\ Linked # {} THEN [Empty EXCEPT ![1] = CHOOSE n \in Linked : TRUE] ELSE Empty],
    lost = [k \in 1 .. Tables |-> FALSE],                    \* the bucket's flag: an entry found no room
    healing = [k \in 1 .. Tables |-> FALSE],                 \* beside it: nothing has been lost since a healer came
    losers = 0,                                              \* who has lost a node that is not in the list yet
    copied = [k \in 1 .. Tables |-> FALSE],                  \* the bucket's flag: all of it is in `next`
    complete = [k \in 1 .. Tables |-> TRUE],                 \* only a mutation makes an incomplete table
    table_retired = [k \in 1 .. Tables |-> FALSE],
    unhashed = FALSE,                                        \* list->unhashed
    list = IF Linked = {} THEN None ELSE CHOOSE n \in Linked : TRUE,
    tombstone = [n \in Nodes |-> FALSE],
    builders = [n \in Nodes |-> IF n \in Linked THEN 0 ELSE 1], \* these three are the node's birth word
    linked = [n \in Nodes |-> n \in Linked],
    removed = [n \in Nodes |-> FALSE],
    retired = [n \in Nodes |-> FALSE],
    buffer = [w \in Writers |-> <<>>],
    touched_retired = FALSE,
    reading = {},                                            \* history: readers within their call,
    was_absent = {}, was_present = {};                       \*   in which the key has been absent, present

define
    IsPresent == list # None /\ ~tombstone[list]
    Holds(k, n) == \E j \in 1 .. Slots : bucket[k][j] = n
    FreeSlots(k) == {j \in 1 .. Slots : bucket[k][j] = None}
    First(s) == CHOOSE j \in s : \A i \in s : j <= i
    Without(k, n) == [j \in 1 .. Slots |-> IF bucket[k][j] = n THEN None ELSE bucket[k][j]]
    WithoutFirst(k, n) == [bucket[k] EXCEPT ![First({j \in 1 .. Slots : bucket[k][j] = n})] = None]
    NextIsSafe(k, n, was_retired_then) == \* n was read from next[k]; an address that was freed may come back
        \/ current = k
        \/ M("no_check_of_next")
        \/ M("current_or_next") /\ (current = n \/ was_retired_then)
end define;

macro later(op, k, x) begin
    buffer[self] := Append(buffer[self], <<op, k, x>>);
end macro;

(* A release, or a fence. *)
macro fence() begin
    await buffer[self] = <<>>;
end macro;

(* Memory catches up with the stores of a thread. *)
process memory = 0
begin
Drain:
    while TRUE do
        with w \in {q \in Writers : buffer[q] # <<>>}, op = Head(buffer[w])[1], k = Head(buffer[w])[2],
             n = Head(buffer[w])[3] do
            buffer[w] := Tail(buffer[w]);
            if op = "next" then
                next[k] := n;
            elsif op = "clear" then
                if Holds(k, n) then
                    bucket[k] := IF M("one_slot") THEN WithoutFirst(k, n) ELSE Without(k, n);
                end if;
            elsif op = "lost" then
                lost[k] := TRUE;
                healing[k] := FALSE;
            elsif op = "unhashed" then
                unhashed := TRUE;
            elsif FreeSlots(k) # {} then
                bucket[k][First(FreeSlots(k))] := n;
            elsif M("evict") then
                bucket[k][1] := n;
            else
                lost[k] := TRUE;
            end if;
        end with;
    end while;
end process;

process writer \in Writers
variables
    mine = IF self \in Nodes THEN self ELSE None,   \* the node that it works on
    t = 0, succ = 0,                             \* a table, and the `next` of it
    j = 1, is_in = FALSE,                        \* is_in: mine has been put into the index
    was_retired = FALSE,                         \* what the last protected load has returned, at its moment
    is_loser = FALSE,                            \* it is one of `losers`
    healed = 0;                                  \* the table that a healer works on
begin
Begin:
    if self \in Healers then goto Heal
    elsif self \in Removers /\ M("complete_too_early") then goto FreshTable
    elsif self \in Removers then goto Find
    elsif self \in Copiers then goto Grow end if;

(* ---- put *)
Seek:
    if list # None then
        if tombstone[list] then list := None; goto Seek
        elsif is_in then goto Lose
        else goto Finish end if;
    elsif is_in then
        goto Link;
    elsif self \in Unhashed then
        if ~M("unhashed_too_late") then later("unhashed", 1, None) end if;
        is_in := TRUE;
        goto Link;
    end if;
Table: \* index_put: a protected load
    t := current;
Put:
    if was_retired then touched_retired := TRUE end if;
    if Healers = {} then later("put", t, mine); goto LookNext
    elsif Holds(t, mine) then goto LookNext end if;
PutAtOnce: \* a CAS
    fence();
    if FreeSlots(t) # {} then bucket[t][First(FreeSlots(t))] := mine; goto LookNext end if;
CountLoser:
    if self \in Nodes /\ ~is_loser /\ ~M("losers_not_counted") then losers := losers + 1; is_loser := TRUE end if;
NoteLoss: \* one RMW
    lost[t] := TRUE;
    if ~M("loss_beside_healing") then healing[t] := FALSE end if;
LookNext: \* behind the fence (17)
    await M("no_fence") \/ buffer[self] = <<>>;
    is_in := TRUE;
    if (next[t] = 0 \/ M("no_second_look")) /\ self \in Healers then
        goto HealLeave;
    elsif next[t] = 0 \/ M("no_second_look") then
        goto Link;
    else
        succ := next[t];
        was_retired := table_retired[next[t]];
    end if;
CheckNext: \* else it may have been retired before it was read
    if ~NextIsSafe(t, succ, was_retired) then
        succ := 0; was_retired := FALSE;
        goto Table;
    elsif M("one_next") then
        if was_retired then touched_retired := TRUE end if;
        later("put", succ, mine);
        succ := 0; was_retired := FALSE;
    else
        t := succ; succ := 0;
        goto Put;
    end if;
Link: \* CAS on level 0; release
    fence();
    was_retired := FALSE; t := IF M("own_table") THEN t ELSE 0;
    if list = None then
        list := mine;
        was_present := reading;
        if M("unhashed_too_late") /\ self \in Unhashed then later("unhashed", 1, None) end if;
    else
        goto Seek;
    end if;
LeaveBuilders: \* and LINKED
    builders[mine] := builders[mine] - 1;
    linked[mine] := TRUE;
    if removed[mine] /\ builders[mine] = 0 then goto LastOut else goto Finish end if;
Lose: \* the CAS was lost to another node: this one has never been in the list
    if M("lost_is_freed") then goto Retire end if;
Lose2:
    builders[mine] := builders[mine] - 1;
    removed[mine] := TRUE;
    if builders[mine] = 0 then goto LastOut else goto Finish end if;

(* ---- remove; and clear, which kills in the same way *)
Find:
    if ~IsPresent then goto Finish else mine := list end if;
Kill: \* swap_value with the tombstone
    if tombstone[mine] then goto Finish
    else
        tombstone[mine] := TRUE;
        was_absent := reading;
        if M("cleared_before_removed") then goto LastOut end if;
    end if;
SetRemoved:
    removed[mine] := TRUE;
    if builders[mine] # 0 /\ ~M("not_waiting") then goto Finish
    elsif M("cleared_before_removed") then goto Retire end if;

(* ---- the last one out: rule B *)
LastOut:
    if M("not_cleared") then goto Retire
    elsif ~(M("own_table") /\ t # 0) then t := current end if;
Clear:
    if was_retired then touched_retired := TRUE end if;
    later("clear", t, mine);
ClearNext: \* no fence before this: nobody can put the node into tables any more
    if next[t] = 0 \/ M("one_table_cleared") then
        if M("cleared_before_removed") /\ ~removed[mine] then goto SetRemoved else goto Retire end if;
    else
        succ := next[t];
        was_retired := table_retired[next[t]];
    end if;
ClearCheck:
    if ~NextIsSafe(t, succ, was_retired) then
        succ := 0; was_retired := FALSE;
        goto LastOut;
    else
        t := succ; succ := 0;
        goto Clear;
    end if;
Retire: \* the sweep, then cc_retire with its fence
    fence();
    was_retired := FALSE;
    if list = mine then list := None end if;
    retired[mine] := TRUE;
    t := 0;
    if self \in Copiers then
        mine := None;
        goto Grow;
    elsif self \in Healers then
        mine := None;
        goto HealClear;
    else
        goto Finish;
    end if;

(* ---- growth *)
Grow: \* protected load; what has been begun is begun again
    t := current; j := 1;
    if current = Tables then goto Finish end if;
Install: \* by CAS, and late where this thread has done it
    if next[t] = 0 then later("next", t, t + 1) end if;
PassOnLoss: \* behind the fence (17): rule C for `next`, then the bucket's flag
    await M("no_fence_in_copier") \/ buffer[self] = <<>>;
    if current # t then goto Grow
    elsif lost[t] /\ ~M("loss_not_passed_on") then later("lost", t + 1, None) end if;
Copy:
    if M("swapped_too_early") then goto Swap
    elsif j > Slots then goto Copied
    elsif bucket[t][j] = None then j := j + 1; goto Copy
    else
        mine := bucket[t][j];
        was_retired := retired[bucket[t][j]];
    end if;
CopyCheck: \* rule C
    if current # t /\ ~M("no_rule_c_in_copier") then
        mine := None; was_retired := FALSE;
        goto Grow;
    end if;
Join: \* join_builders
    if was_retired then touched_retired := TRUE; was_retired := FALSE end if;
    if removed[mine] /\ ~M("copier_does_not_join") then
        mine := None; j := j + 1;
        goto Copy;
    elsif ~M("copier_does_not_join") then
        builders[mine] := builders[mine] + 1;
    end if;
CopyPut: \* index_table_has, then index_table_put
    if Holds(t + 1, mine) then goto CopyLeave
    elsif Healers = {} then later("put", t + 1, mine); goto CopyLeave
    elsif FreeSlots(t + 1) # {} then bucket[t + 1][First(FreeSlots(t + 1))] := mine; goto CopyLeave end if;
CopyLoss: \* where its inserter may not have linked it, he does not know: nothing is healed any more
    if ~linked[mine] /\ ~M("copiers_loss_not_counted") then losers := losers + 1 end if;
CopyNote:
    lost[t + 1] := TRUE;
    healing[t + 1] := FALSE;
CopyLeave: \* release
    fence();
    j := j + 1;
    if ~M("copier_does_not_join") then
        builders[mine] := builders[mine] - 1;
        if removed[mine] /\ builders[mine] = 0 then goto LastOut
        else mine := None; goto Copy end if;
    else
        mine := None;
        goto Copy;
    end if;
Copied: \* release
    fence();
    copied[t] := TRUE;
Swap:
    if current = t /\ (copied[t] \/ M("swapped_too_early")) then
        current := t + 1;
        table_retired[t] := TRUE;
    end if;
    goto Grow;

(* ---- clear as it was first thought of: a fresh table, which is complete in the end *)
FreshTable:
    t := current;
    complete[current + 1] := FALSE;
    current := current + 1;
    table_retired[t] := TRUE;
Walk:
    if list # None then
        mine := list;
        if ~tombstone[list] then was_absent := reading end if;
        tombstone[list] := TRUE;
        removed[mine] := TRUE;
        list := None;
        if builders[mine] = 0 then
            bucket[t + 1] := Without(t + 1, mine);
            retired[mine] := TRUE;
        end if;
    end if;
Complete:
    complete[t + 1] := TRUE;
    t := 0;

(* ---- heal: what has been lost goes into the current table *)
Heal:
    healed := current;
    if losers # 0 then goto Finish end if;
HealMark: \* an RMW of a bucket that has the flag
    if lost[healed] then healing[healed] := TRUE else goto Finish end if;
HealCount:
    if losers # 0 /\ ~M("losers_counted_too_early") then goto Finish end if;
HealWalk: \* a protected load; rule C is done by `number`
    if current # healed \/ (M("healed_in_vain")) then goto HealClear
    elsif list = None then goto HealClear
    else mine := list end if;
HealJoin:
    if removed[mine] then mine := None; goto HealClear
    else
        builders[mine] := builders[mine] + 1;
        goto Table;
    end if;
HealLeave:
    t := 0; succ := 0; was_retired := FALSE; is_in := FALSE;
    builders[mine] := builders[mine] - 1;
    if removed[mine] /\ builders[mine] = 0 then goto LastOut else mine := None end if;
HealClear: \* by CAS
    if current = healed /\ healing[healed] then
        healing[healed] := FALSE;
        lost[healed] := FALSE;
    end if;
    healed := 0;

Finish: \* what is not needed any more
    if is_loser then losers := losers - 1; is_loser := FALSE end if;
    mine := None; t := 0; succ := 0; j := 1; was_retired := FALSE; is_in := FALSE;
end process;

(* A get in one region. Searching the list answers right. *)
process reader \in Readers
variables seen = 0, slot = 1, found = None, found_retired = FALSE, flag = FALSE;
begin
Get: \* a protected load; the call begins here
    reading := reading \cup {self};
    if IsPresent then was_present := was_present \cup {self}
    else was_absent := was_absent \cup {self} end if;
    seen := current;
    if ~M("check_first") then goto Flag end if;
CheckFirst:
    if current # seen then goto Answered end if;
Flag: \* before the slots: a healer fills them first, and then takes the flag away
    flag := lost[seen];
Probe:
    if slot > Slots then goto EndOfBucket
    elsif bucket[seen][slot] = None then slot := slot + 1; goto Probe
    else
        found := bucket[seen][slot];
        found_retired := retired[bucket[seen][slot]];
    end if;
Check: \* rule C
    if current # seen /\ ~M("no_rule_c") /\ ~M("check_first") then goto Answered end if;
Look: \* at the key, and at LINKED
    if found_retired then touched_retired := TRUE end if;
    if ~linked[found] /\ M("unlinked_is_absent") then goto Absent
    elsif ~linked[found] /\ ~M("no_linked") then goto Answered end if;
Value:
    if tombstone[found] /\ M("tombstone_is_absent") then
        goto Absent;
    elsif tombstone[found] then
        found := None; slot := slot + 1;
        goto Probe;
    end if;
Hit:
    goto Answered;
EndOfBucket:
    if ((IF M("flag_read_last") THEN lost[seen] ELSE flag) /\ ~M("ignores_loss")) \/ ~complete[seen] then goto Answered end if;
EndOfBucket2:
    if unhashed then goto Answered end if;
Absent:
    skip;
Answered: \* or a search of the list has the answer
    reading := reading \ {self}; was_absent := was_absent \ {self}; was_present := was_present \ {self};
    seen := 0; slot := 1; found := None; found_retired := FALSE; flag := FALSE;
end process;
end algorithm; *)
\* BEGIN TRANSLATION
\* END TRANSLATION

(* What the index alone has answered was right at a moment of the call. *)
MissIsAbsence == \A r \in Readers : pc[r] = "Absent" => r \in was_absent
HitIsPresence == \A r \in Readers : pc[r] = "Hit" => r \in was_present

(* Whoever looks into a node or a table found it by a pointer that was read before it was retired. *)
NeverTouchesRetired == ~touched_retired

(* The current table leads to the node that is alive in the list, or says that it may not. *)
LiveIsIndexed ==
    IsPresent /\ list \notin Unhashed => Holds(current, list) \/ lost[current] \/ ~complete[current]

(* A retired node is in no table that can be reached, nor in the list. *)
RetiredIsForgotten == \A n \in Nodes : retired[n] =>
    list # n /\ ~Holds(current, n) /\ (next[current] # 0 => ~Holds(next[current], n))

(* When all have finished, what is not in the list has been retired. *)
NothingIsLost == (\A w \in Writers : pc[w] = "Done") => \A n \in Nodes :
    (removed[n] => retired[n]) /\ (~removed[n] /\ linked[n] => list = n)
=============================================================================
