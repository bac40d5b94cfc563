--------------------------------- MODULE wcq ---------------------------------
(* The slow path of a wait-free ring as csrc/queue/wcq_ring.h does it: requests, helpers, tickets that all helpers agree on
   (next_ticket, help_phase2), notes, and indices that are placed before they are enqueued.

   One ring of 2n slots. Owners write one request each, and may stall anywhere; helpers look at requests again and
   again; getters take the fast way; a closer may close. The threshold is left out (wcq_ends.tla): a get says EMPTY only
   when tail is not ahead. So are catching up of tail more than once, and records that are used again.

   The history of words is judged as in scq.tla. A get begins when it draws its first ticket, or publishes its request, and
   returns when it takes its word out: that is stricter than what happens in C, where it begins earlier and returns later.

   Scenes, from which a model starts: "empty"; "unsafe": slot 0 has been marked unsafe two cycles ago, and emptied since;
   "held": a word is in the ring;
   "race": slot 0 holds a word, and getters 1, 2, 3 have drawn the tickets of three successive cycles of that slot. *)
EXTENDS Integers, Sequences, FiniteSets, TLC

CONSTANTS
    Slots,            \* n
    Putting, Getting, \* owners of requests; numbers, no two the same
    Helpers,
    Getters,          \* 1, 2, ..
    Gets,             \* tickets of each getter
    Closers,
    Order,            \* is a history kept, for QueueFIFO?
    Scene,
    Mutation          \* "none", or what is broken on purpose

Owners == Putting \cup Getting
M(name) == Mutation = name
Entries == 0 .. 2 * Slots - 1
At(ticket) == ticket % (2 * Slots)
Cycle(ticket) == ticket \div (2 * Slots)
Void == 0
Taken == -1
Older == 99 \* the word in slot 0 of the scenes "held" and "race"
Side(o) == IF o \in Putting THEN "tail" ELSE "head"
Word(o) == 10 + o
NoTag == <<0, 0>>
Shut == -1 \* the count of a tail that is closed
Start == CASE Scene = "empty" -> [head |-> 2 * Slots, tail |-> 2 * Slots]
           [] Scene = "held" -> [head |-> 2 * Slots, tail |-> 2 * Slots + 1]
           [] Scene = "unsafe" -> [head |-> 6 * Slots, tail |-> 6 * Slots]
           [] Scene = "race" -> [head |-> 6 * Slots + 1, tail |-> 6 * Slots]
Vacant(v) == v.index \in {Void, Taken}

(* --algorithm wcq
variables
    slot = [i \in Entries |->
        [cycle |-> IF i = 0 THEN (IF Scene = "empty" THEN 0 ELSE 1)
                   ELSE IF Scene \in {"empty", "held"} THEN 0 ELSE 2,
         safe |-> ~(Scene = "unsafe" /\ i = 0), enqueued |-> TRUE,
         index |-> IF Scene \in {"race", "held"} /\ i = 0 THEN Older ELSE Void, note |-> 0]],
    count = Start,                                  \* head and tail, and their tags
    tag = [head |-> NoTag, tail |-> NoTag],
    request = [o \in Owners |-> [kind |-> "none", t |-> 0]],
    pending = [o \in Owners |-> FALSE],             \* sequence is odd
    closed = FALSE,                                 \* a bit of count.tail
    \* history of words
    put = IF Order /\ Scene \in {"race", "held"} THEN {Older} ELSE {}, taken = {},
    before = [o \in Putting |-> {}],                \* words that were put when the put of o began
    gone = {},                                      \* words that no get may return that begins now
    verdict = "fine";

macro finish_request(t) begin
    request := [o \in Owners |-> IF o \in Putting /\ request[o] = [kind |-> "ticket", t |-> t]
                              THEN [kind |-> "finished", t |-> t] ELSE request[o]];
end macro;

macro begin_get() begin
    if Order then put_before := put || returned_before := taken || gone_before := gone end if;
end macro;

macro forget() begin
    put_before := {}; returned_before := {}; gone_before := {};
end macro;

macro return_word(w) begin
    verdict := IF w \in taken THEN "twice"
               ELSE IF \E o \in Putting : Word(o) \in returned_before /\ w \in before[o] THEN "out of order"
               ELSE IF w \in gone_before THEN "not empty" ELSE verdict;
    taken := taken \cup {w};
    forget();
end macro;

macro say_empty() begin
    gone := gone \cup (put_before \ taken);
    forget();
end macro;

(* Owners and helpers: self works on the request of `owner`. *)
process worker \in Owners \cup Helpers
variables owner = 0, ticket = 0, word = [kind |-> "none", t |-> 0], number = 0, seen = NoTag,
          note = 0, value = [cycle |-> 0], put_before = {}, returned_before = {}, gone_before = {};
begin
Request:
    if self \in Owners then
        request[self] := [kind |-> "fresh", t |-> 0];
        owner := self;
        if Order /\ self \in Putting then before[self] := put end if;
    end if;
Publish:
    if self \in Owners then
        pending[self] := TRUE;
        if self \in Getting then begin_get() end if;
    else
        with o \in {p \in Owners : pending[p] /\ p # self} do owner := o end with; \* wcq_help_the_next
    end if;
Ask:   \* next_ticket
    word := request[owner];
Ask2:
    if ~pending[owner] \/ word.kind \in {"finished", "nothing"} then
        goto Finished;
    elsif word.kind = "ticket" /\ word.t # ticket then
        ticket := word.t;
        if Side(owner) = "head" then goto Find
        elsif M("closed_before_ticket") /\ closed then goto Refuse
        else goto Place end if;
    end if;
Ask3:
    number := IF Side(owner) = "tail" /\ closed THEN Shut ELSE count[Side(owner)];
Ask4:
    seen := tag[Side(owner)];
    if tag[Side(owner)] # NoTag then
        if M("waits_for_phase2") then goto Ask else goto HelpPhase2 end if;
    elsif number = Shut then
        goto Refuse;
    end if;
Ask5:
    if word # [kind |-> "tentative", t |-> number] then
        if request[owner] # word then goto Ask
        else request[owner] := [kind |-> "tentative", t |-> number] end if;
    end if;
Ask6:
    if count[Side(owner)] = number /\ tag[Side(owner)] = NoTag /\ ~(Side(owner) = "tail" /\ closed) then
        count[Side(owner)] := number + 1;
        tag[Side(owner)] := <<owner, number>>;
        seen := <<owner, number>>;
    else
        goto Ask;
    end if;
HelpPhase2:
    if request[seen[1]] = [kind |-> "tentative", t |-> seen[2]] then
        request[seen[1]] := [kind |-> "ticket", t |-> seen[2]];
    end if;
HelpPhase2b: \* the count is read again before, which makes no difference when both are swapped at once
    if tag[Side(owner)] = seen then tag[Side(owner)] := NoTag end if;
    seen := NoTag;
    goto Ask;
Refuse:
    if request[owner] = word then request[owner] := [kind |-> "nothing", t |-> word.t] end if;
    goto Ask;

Place:  \* place_index
    note := slot[At(ticket)].note;
Place2:
    value := [cycle |-> slot[At(ticket)].cycle, safe |-> slot[At(ticket)].safe,
              enqueued |-> slot[At(ticket)].enqueued, index |-> slot[At(ticket)].index];
Place3:
    if value.cycle > Cycle(ticket) \/ (value.cycle < Cycle(ticket) /\ note >= Cycle(ticket)) then
        goto Ask;
    elsif value.cycle = Cycle(ticket) then
        if value.index # Void /\ request[owner] = [kind |-> "ticket", t |-> ticket] then
            request[owner] := [kind |-> "finished", t |-> ticket];
        end if;
        goto Ask;
    elsif ~Vacant(value) \/ (~value.safe /\ count.head > ticket) then
        goto Note;
    end if;
Place4:
    if slot[At(ticket)] = value @@ [note |-> note] then
        slot[At(ticket)] := [cycle |-> Cycle(ticket), safe |-> TRUE, enqueued |-> FALSE, index |-> Word(owner), note |-> note];
    else
        goto Place;
    end if;
Place5:
    if request[owner] = [kind |-> "ticket", t |-> ticket] then
        request[owner] := [kind |-> "finished", t |-> ticket];
    else
        goto Ask;
    end if;
Place6:
    if slot[At(ticket)] = [cycle |-> Cycle(ticket), safe |-> TRUE, enqueued |-> FALSE, index |-> Word(owner), note |-> note] then
        slot[At(ticket)].enqueued := TRUE;
    end if;
    goto Ask;
Note:
    if M("no_note") then
        goto Ask;
    elsif slot[At(ticket)] = value @@ [note |-> note] then
        slot[At(ticket)].note := Cycle(ticket);
        goto Ask;
    else
        goto Place;
    end if;

Find:   \* find_index
    value := [cycle |-> slot[At(ticket)].cycle, safe |-> slot[At(ticket)].safe,
              enqueued |-> slot[At(ticket)].enqueued, index |-> slot[At(ticket)].index];
Find2:
    if value.cycle = Cycle(ticket) /\ value.index # Void then
        if request[owner] = [kind |-> "ticket", t |-> ticket] then
            request[owner] := [kind |-> "finished", t |-> ticket];
        end if;
        goto Ask;
    elsif value.cycle >= Cycle(ticket) \/ (~Vacant(value) /\ ~value.safe) then
        goto Find4;
    end if;
Find3:  \* spoil
    if [slot[At(ticket)] EXCEPT !.note = 0] # value @@ [note |-> 0] then
        goto Find;
    elsif Vacant(value) then
        slot[At(ticket)] := [cycle |-> Cycle(ticket), safe |-> value.safe \/ M("safe_again"), enqueued |-> TRUE,
                             index |-> Void, note |-> slot[At(ticket)].note];
    else
        slot[At(ticket)].safe := FALSE;
    end if;
Find4:
    number := count.tail;
    if count.tail > ticket + 1 /\ ~M("empty_without_tail") then goto Ask end if;
Find5:  \* catch_up
    if count.tail = number /\ number < ticket + 1 then count.tail := ticket + 1 end if;
Find6:
    if request[owner] = [kind |-> "ticket", t |-> ticket] then
        request[owner] := [kind |-> "nothing", t |-> ticket];
    end if;
    goto Ask;

Finished:
    if self \in Helpers then
        ticket := 0; number := 0; note := 0; value := [cycle |-> 0]; word := [kind |-> "none", t |-> 0];
        owner := 0;
        goto Publish;
    elsif self \in Getting /\ word.kind = "finished" then
        ticket := word.t;
        value := [slot[At(word.t)] EXCEPT !.note = 0];
    else
        goto Return;
    end if;
TakeOut:
    if ~value.enqueued /\ ~M("not_finished_first") then
        finish_request(ticket);
    end if;
TakeOut2:
    return_word(value.index);
    slot[At(ticket)].index := Taken;
Return:
    pending[self] := FALSE;
    if self \in Putting then
        if Order /\ word.kind = "finished" then put := put \cup {Word(self)} end if;
    elsif word.kind = "nothing" then
        say_empty();
    end if;
end process;

(* dequeue_once, again when it has missed. *)
fair process getter \in Getters
variables mine = 0, found = [cycle |-> 0], gets = 0, missed = FALSE, put_before = {}, returned_before = {}, gone_before = {};
begin
Get:
    while gets < Gets do
        if Scene = "race" /\ gets = 0 then
            mine := 2 * Slots * self;
        else
            mine := count.head;
            count.head := count.head + 1;
            if ~missed then begin_get() end if;
        end if;
        gets := gets + 1;
Get2:
        found := [slot[At(mine)] EXCEPT !.note = 0];
Get3:
        if found.cycle = Cycle(mine) then goto Out
        elsif found.cycle > Cycle(mine) \/ (~Vacant(found) /\ ~found.safe) then goto Get5 end if;
Get4:   \* spoil
        if [slot[At(mine)] EXCEPT !.note = 0] # found then
            found := [slot[At(mine)] EXCEPT !.note = 0];
            goto Get3;
        elsif Vacant(found) then
            slot[At(mine)] := [cycle |-> Cycle(mine), safe |-> found.safe \/ M("safe_again"), enqueued |-> TRUE,
                               index |-> Void, note |-> slot[At(mine)].note];
        else
            slot[At(mine)].safe := FALSE;
        end if;
Get5:   \* catch_up, when tail is not ahead
        missed := Order /\ count.tail > mine + 1 /\ ~M("empty_without_tail");
        if count.tail <= mine + 1 then
            count.tail := mine + 1;
            say_empty();
        elsif M("empty_without_tail") then
            say_empty();
        end if;
        goto Get;
Out:    \* take_out
        if ~found.enqueued /\ ~M("not_finished_first") then
            finish_request(mine);
        end if;
Out2:
        return_word(found.index);
        missed := FALSE;
        slot[At(mine)].index := Taken;
    end while;
    mine := 0; found := [cycle |-> 0]; missed := FALSE;
    forget();
end process;

process closer \in Closers
begin
Close:
    closed := TRUE;
end process;
end algorithm; *)
\* BEGIN TRANSLATION
\* END TRANSLATION

(* For a mutation that shows late: only the runs in which owners sleep until it happens. *)
OwnersSleep == (\A o \in Owners : pc[o] \in {"Request", "Publish", "Ask"}) \/ \A g \in Getters : gets[g] = Gets

WordsIn == {i \in Entries : ~Vacant(slot[i])}
TicketOf(i) == slot[i].cycle * 2 * Slots + i

(* FIFO, with EMPTY. *)
QueueFIFO == verdict \notin {"out of order", "not empty"}

(* A word is in one slot at most, and is not there any more, or again, when somebody has taken it. One whose put was refused
   is in none, and never was: its owner may put it elsewhere. *)
NoDuplication ==
    /\ verdict # "twice"
    /\ \A i \in WordsIn : slot[i].index \notin taken /\ \A j \in WordsIn \ {i} : slot[i].index # slot[j].index
    /\ \A o \in Putting : request[o].kind = "nothing" =>
        Word(o) \notin taken \cup {slot[i].index : i \in WordsIn}

(* A word in a slot will be found: its ticket has not been drawn, or its drawer has still to look, or has found it. *)
NoLoss ==
    /\ \A i \in WordsIn :
        \/ count.head <= TicketOf(i)
        \/ \E g \in Getters : mine[g] = TicketOf(i) /\ pc[g] \in {"Get2", "Get3", "Get4", "Out", "Out2"}
        \/ Scene = "race" /\ \E g \in Getters : gets[g] = 0 /\ 2 * Slots * g = TicketOf(i)
        \/ \E o \in Getting : request[o].t = TicketOf(i) /\ pc[o] # "Done" /\ request[o].kind # "nothing"
    /\ \A o \in Putting : request[o].kind = "finished" =>
        Word(o) \in taken \cup {slot[i].index : i \in WordsIn}

FairSpec == Spec /\ \A h \in Helpers : WF_vars(worker(h))

(* A request that was written down is fulfilled, though its owner takes no more steps. *)
RequestsAreFulfilled == \A o \in Owners : pending[o] ~> (request[o].kind \in {"finished", "nothing"})
=============================================================================
