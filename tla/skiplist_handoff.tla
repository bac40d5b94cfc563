-------------------------- MODULE skiplist_handoff --------------------------
(* Building, removing, sweeping and retiring in the skip list of csrc/ordered: an inserter
   that is still linking its node's upper level while somebody removes it and others insert an equal
   key. Two levels, one step for every load or CAS of a link.

   Reclamation is what smr_ibr.tla shows it to be; what it asks for is checked here: at the moment when
   an unmarked link is read, the node that it leads to is not retired.                              *)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Keys,       \* <<key of node 1, key of node 2, ...>>
    Linked,     \* nodes that are in the list, complete, at the beginning; their keys differ
    Inserters,  \* nodes that are inserted, each by a thread of its own
    Removers,   \* keys that are removed, each by a thread of its own
    Mutation    \* "none", or what is broken on purpose

OneKey == <<1, 1>>         \* values for Keys: a configuration cannot say <<1, 1>>
TwoKeys == <<2, 1>>

Nodes == 1 .. Len(Keys)
Null == 0
ListHead == 99
Levels == {0, 1}
M(name) == Mutation = name
Plain(n) == [to |-> n, mark |-> FALSE, unlinked |-> FALSE]

SuccessorOf(k) == IF \E n \in Linked : Keys[n] > k
                  THEN CHOOSE n \in Linked : Keys[n] > k /\ \A m \in Linked : Keys[m] > k => Keys[n] <= Keys[m]
                  ELSE Null

Threads == ({"insert"} \X Inserters) \cup ({"remove"} \X Removers)

(* --algorithm handoff
variables
    next = [n \in Nodes \cup {ListHead} |-> [l \in Levels |->
                IF n = ListHead THEN Plain(SuccessorOf(0))
                ELSE IF n \in Linked THEN Plain(SuccessorOf(Keys[n])) ELSE Plain(Null)]],
    tombstone = [n \in Nodes |-> FALSE],
    builders = [n \in Nodes |-> IF n \in Linked THEN 0 ELSE 1],
    removed = [n \in Nodes |-> FALSE],
    times_retired = [n \in Nodes |-> 0],
    touched_retired = FALSE;

define
    Retired(n) == n \in Nodes /\ times_retired[n] > 0
    IsUnlinked(n) == \A l \in Levels : next[n][l].unlinked
    Reachable(l) == \* the nodes to which the links of level l lead, in order
        LET RECURSIVE From(_, _)
            From(n, steps) == IF n = Null \/ steps = 0 THEN <<>> ELSE <<n>> \o From(next[n][l].to, steps - 1)
        IN From(next[ListHead][l].to, Len(Keys) + 1)
end define;

(* A protected load of `link`, whose target is going to be looked at. *)
macro see(link) begin
    if ~link.mark /\ Retired(link.to) then touched_retired := TRUE end if;
end macro;

fair process thread \in Threads
variables
    mine = IF self[1] = "insert" THEN self[2] ELSE Null,           \* the node that this thread works on
    key = IF self[1] = "insert" THEN Keys[self[2]] ELSE self[2],
    purpose = self[1],                                             \* of the search that is under way
    level = 1, before = ListHead, current = Null, beyond = Null, equal = Null, equal_above = Null,
    from = [l \in Levels |-> ListHead], to = [l \in Levels |-> Null],  \* the position found
    dead = Null, last_out = FALSE;
begin
Seek: \* seek, and cc_help_unlink; with purpose = "walk": unlink_without_comparing
    before := ListHead; level := 1; equal := Null; equal_above := Null; current := Null; beyond := Null;
Down:
    with link = next[before][level] do
        see(link);
        if link.mark then goto Seek else current := link.to end if;
    end with;
Settle:
    if current = Null then
        equal := Null;
    else
        with link = next[current][level] do
            if link.mark then
                beyond := link.to;
                if M("walks_through_marked") then
                    if Retired(link.to) then touched_retired := TRUE end if;
                    current := link.to;
                    goto Settle;
                else
                    goto Unlink;
                end if;
            else
                see(link);
                if purpose # "walk" /\ Keys[current] = key then
                    equal := current;
                elsif purpose = "walk" \/ Keys[current] < key then
                    before := current;
                    current := link.to;
                    goto Settle;
                else
                    equal := Null;
                end if;
            end if;
        end with;
    end if;
Found: \* on this level; SEEK_ENTRY stops at an equal node
    from[level] := before; to[level] := current; beyond := Null;
    if equal # Null then equal_above := IF equal_above = Null THEN equal ELSE equal_above end if;
    if purpose = "remove" /\ equal # Null then goto Answer
    elsif level = 1 then level := 0; goto Down
    elsif M("links_in_front") \/ M("links_in_front_and_trusts_search") \/ equal_above \in {Null, equal} then
        goto Answer;
    end if;
EqualAbove: \* the node above is not the one on level 0
    if ~tombstone[equal_above] then goto Answer
    else dead := equal_above; goto MarkDead end if;
Unlink:
    if next[before][level] # Plain(current) then goto Seek
    else next[before][level] := Plain(beyond) end if;
Unlink2:
    next[current][level].unlinked := TRUE;
Unlink3:
    with link = next[before][level] do
        see(link);
        if link.mark then goto Seek else current := link.to; goto Settle end if;
    end with;

MarkDead: \* mark_dead, from the top
    next[dead][1].mark := TRUE;
MarkDead2:
    next[dead][0].mark := TRUE;
    if purpose = "remove" /\ mine = dead then dead := Null; goto SetRemoved
    else dead := Null; goto Seek end if;

Answer:
    equal_above := Null;
    if purpose = "sweep" then goto Swept
    elsif purpose = "walk" then goto Retire
    elsif purpose = "remove" then
        mine := equal;
        if equal = Null then goto Finish else goto Remove end if;
    elsif purpose = "tower" then
        if equal = mine then goto Tower else goto TowerEnds end if;
    elsif equal # Null then \* CC_PUT_IF_ABSENT
        if tombstone[equal] then dead := equal; goto MarkDead else goto Finish end if;
    end if;
Link: \* put of skiplist.c
    if next[from[0]][0] = Plain(to[0]) then
        next := [next EXCEPT ![mine] = [l \in Levels |-> Plain(to[l])], ![from[0]][0] = Plain(mine)];
        purpose := "tower";
    else
        goto Seek;
    end if;
Tower: \* build_tower
    if next[mine][1].mark then goto TowerEnds end if;
Tower2: \* our own next by CAS, since it may have been marked just now
    if next[mine][1].mark then goto TowerEnds
    else next[mine][1] := Plain(to[1]) end if;
Tower3:
    if next[from[1]][1] = Plain(to[1]) then
        next[from[1]][1] := Plain(mine);
        goto LeaveBuilders;
    else
        goto Seek;
    end if;
TowerEnds:
    next[mine][1].unlinked := TRUE;
LeaveBuilders:
    builders[mine] := builders[mine] - 1;
    last_out := removed[mine] /\ builders[mine] = 0 /\ ~M("not_waiting") /\ ~M("nobody_looks");
    if M("two_steps") then goto LeaveBuilders2
    elsif last_out then goto Sweep
    else goto Finish end if;
LeaveBuilders2:
    if removed[mine] then goto Sweep else goto Finish end if;

Remove: \* swap_value, which the value's CAS decides
    if tombstone[mine] then goto Finish
    else tombstone[mine] := TRUE; dead := mine; goto MarkDead end if;
SetRemoved:
    removed[mine] := TRUE;
    last_out := builders[mine] = 0 \/ M("not_waiting");
    if M("two_steps") then goto SetRemoved2
    elsif last_out then goto Sweep
    else goto Finish end if;
SetRemoved2:
    if builders[mine] = 0 then goto Sweep else goto Finish end if;

Sweep:
    if IsUnlinked(mine) then goto Retire else purpose := "sweep"; goto Seek end if;
Swept:
    if IsUnlinked(mine) \/ M("trusts_search") \/ M("links_in_front_and_trusts_search") then goto Retire
    else purpose := "walk"; goto Seek end if;
Retire:
    times_retired[mine] := times_retired[mine] + 1;
Finish: \* what is not needed any more
    level := 1; before := ListHead; current := Null; beyond := Null; equal := Null; equal_above := Null;
    from := [l \in Levels |-> ListHead]; to := [l \in Levels |-> Null]; purpose := self[1]; last_out := FALSE;
end process;
end algorithm; *)
\* BEGIN TRANSLATION
\* END TRANSLATION

Everywhere == {Reachable(l) : l \in Levels}
Positions(s) == 1 .. Len(s)

(* No pointer to a retired node is left in the list, nor comes back. *)
RetiredIsUnreachable == \A s \in Everywhere : \A i \in Positions(s) : ~Retired(s[i])

(* Nobody reads an unmarked link to a retired node. *)
NeverTouchesRetired == ~touched_retired

(* On no level do two nodes with equal keys stand behind each other, dead or alive; so nothing is ever
   linked in front of an equal key. Keys are in order. *)
NeverInFrontOfEqual ==
    \A s \in Everywhere : \A i \in Positions(s) : i > 1 => Keys[s[i - 1]] < Keys[s[i]]

RetiredOnce == \A n \in Nodes : times_retired[n] <= 1
OnlyDeadAreRetired == \A n \in Nodes : Retired(n) => tombstone[n] /\ builders[n] = 0

(* When all have finished, every dead node has been retired and every live one is linked. *)
NothingIsLost == (\A t \in Threads : pc[t] = "Done") =>
    \A n \in Nodes : IF tombstone[n] THEN Retired(n)
                     ELSE builders[n] = 0 =>
                              \E i \in Positions(Reachable(0)) : Reachable(0)[i] = n

Finishes == <>(\A t \in Threads : pc[t] = "Done")
=============================================================================
