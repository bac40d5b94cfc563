----------------------------- MODULE event_count -----------------------------
(* Waiting, and a semaphore on top of it: csrc/sync/event_count.c, credits.h and semaphore.h, and the waiting loops of
   concurrent_collections (waiting.c for threads, tasks.pxi for tasks).

   A waiter tries, stands in line, tries once more, and sleeps. Whoever gives permits adds them, and then looks whether anybody is
   in line. A waiter may give up at any moment of its sleep; a task's loop may be closed. In a fair semaphore a
   notification brings a permit with it.

   What is done under the short lock is one step, but for a fair waiter that stands in line: it holds the lock until it has looked.
   The count of those in line is what a giver reads without the lock, and a waiter may be counted late (`late`), until its
   fence.                                                                                                                   *)
EXTENDS Integers, Sequences, FiniteSets, TLC

CONSTANTS
    Patient,    \* waiters that wait until they have a permit, and keep it
    Impatient,  \* waiters that may give up, by a timeout or a cancellation; what they get they give back
    Tasks,      \* the same, and their loop may be closed while they wait
    Givers,     \* they only give
    AtOnce,     \* how many permits a giver gives
    Value,      \* permits at the beginning
    Fair,       \* is it a fair semaphore?
    Mutation    \* "none", or what is broken on purpose

Waiters == Patient \cup Impatient \cup Tasks
Nobody == "nobody"
M(name) == Mutation = name

(* --algorithm event_count
variables
    available = Value,
    line = <<>>,                              \* of waiters, in the order of their turns
    turn = [w \in Waiters |-> 0],
    lock = Nobody,
    late = {},                                \* who is in line, and not yet in the count that others see
    state = [w \in Waiters |-> "idle"],       \* idle, waiting, notified, taken
    closed = {},                              \* tasks whose loop is closed
    in_hand = [p \in Waiters \cup Givers |-> 0],  \* permits that it is about to give
    brought = {},                             \* fair: whose notification has a permit with it
    holding = {},
    \* history
    given = 0,
    came_after = [w \in Waiters |-> {}],      \* who was asleep in line when w came
    overtaken = FALSE;

define
    Seen == Cardinality({i \in 1 .. Len(line) : line[i] \notin late})
    Without(w) == SelectSeq(line, LAMBDA v : v # w)
    With(w, t) == SelectSeq(line, LAMBDA v : turn[v] < t) \o <<w>> \o SelectSeq(line, LAMBDA v : turn[v] > t)
    Asleep(w) == pc[w] = "Sleep" /\ state[w] = "waiting"
    Overtakes(w) == \E v \in came_after[w] : Asleep(v)
end define;

macro take() begin
    available := available - 1;
    holding := holding \cup {self};
    overtaken := overtaken \/ Overtakes(self);
end macro;

\* A notification takes w out of the line. A task of a closed loop is told in vain: what it was told is taken back.
macro notify_first() begin
    with w = Head(line) do
        line := Tail(line);
        late := late \ {w};
        if w \in closed /\ ~M("told_in_vain") then
            state[w] := "taken";
        else
            state[w] := "notified";
            n := n - 1;
            if Fair then
                available := available - 1;
                brought := brought \cup {w};
                overtaken := overtaken \/ Overtakes(w);
            end if;
        end if;
    end with;
end macro;

\* Give what is in hand, and notify n times.
procedure give(n = 0) begin
Add:
    if M("looks_first") /\ Seen = 0 then n := 0 end if;
Add2:
    available := available + in_hand[self];
    in_hand[self] := 0;
Look:
    while n > 0 do
        if Seen = 0 then
            n := 0;
        else
Notify:
            await lock = Nobody;
            if line = <<>> \/ (Fair /\ available = 0) then
                n := n - 1;
            else
                notify_first();
            end if;
        end if;
    end while;
    return;
end procedure;

\* The count of those in line reaches memory.
fair process memory = "memory"
begin
Drain:
    while TRUE do
        with w \in late do late := late \ {w} end with;
    end while;
end process;

fair process giver \in Givers
begin
Give:
    in_hand[self] := AtOnce;
    given := given + AtOnce;
    call give(IF M("wakes_one") THEN 1 ELSE AtOnce);
end process;

fair process waiter \in Waiters
variables reason = "", notified = FALSE;
begin
Try:
    came_after[self] := {w \in Waiters : Asleep(w)};
    if Fair /\ Seen # 0 /\ ~M("barges") then goto Enqueue end if;
TryTake:
    if available > 0 then take(); goto Got end if;
Enqueue:
    await lock = Nobody;
    with t = IF turn[self] = 0 THEN 1 + Cardinality({w \in Waiters : turn[w] # 0}) ELSE turn[self] do
        turn[self] := t;
        line := With(self, t);
    end with;
    state[self] := "waiting";
    late := late \cup {self};
    if Fair /\ ~M("turn_without_lock") then lock := self end if;
Fence:
    await self \notin late \/ M("no_fence");
Again:
    if M("no_second_try") then
        lock := Nobody;
    elsif Fair then
        await lock \in {self, Nobody};
        if available > 0 /\ line # <<>> /\ state[self] = "waiting" /\ (Head(line) = self \/ M("out_of_turn")) then
            line := Without(self);
            late := late \ {self};
            state[self] := "notified";
            available := available - 1;
            brought := brought \cup {self};
            overtaken := overtaken \/ Overtakes(self);
        end if;
        lock := Nobody;
    elsif available > 0 then
        take();
        goto LeaveWithPermit;
    end if;
Sleep:
    either
        await state[self] = "notified";
    or
        await self \notin Patient;
        with r \in {"timeout", "raised"} do reason := r end with;
    or
        await self \in Tasks;
        closed := closed \cup {self};
        if state[self] = "notified" then
            state[self] := "taken";
            if M("dies_with_the_loop") then
                brought := brought \ {self};
                goto Done;
            else
                if Fair then
                    in_hand[self] := 1;
                    brought := brought \ {self};
                end if;
                call give(1);
                goto Done;
            end if;
        else
            goto Done; \* and stays in line
        end if;
    end either;
Leave:
    await lock = Nobody;
    notified := state[self] = "notified";
    state[self] := "idle";
    line := Without(self);
    late := late \ {self};
    if reason = "raised" then goto GiveUp end if;
AfterSleep:
    if Fair /\ notified then
        brought := brought \ {self};
        holding := holding \cup {self};
        goto Got;
    elsif available > 0 /\ ~(Fair /\ Seen # 0) then
        take();
        goto Got;
    elsif reason = "timeout" then
        goto Done;
    else
        goto Enqueue;
    end if;
GiveUp:
    if notified then
        brought := brought \ {self};
        if M("keeps_notification") then
            goto Done;
        else
            if Fair /\ ~M("passes_on_advice") then in_hand[self] := 1 end if;
            call give(1);
            goto Done;
        end if;
    else
        goto Done;
    end if;
LeaveWithPermit:
    await lock = Nobody;
    notified := state[self] = "notified";
    state[self] := "idle";
    line := Without(self);
    late := late \ {self};
    if notified /\ ~M("keeps_notification") then call give(1) end if;
Got:
    if self \notin Patient then
        holding := holding \ {self};
        in_hand[self] := 1;
        call give(1);
    end if;
end process;
end algorithm; *)
\* BEGIN TRANSLATION
\* END TRANSLATION

RECURSIVE Sum(_, _)
Sum(f, s) == IF s = {} THEN 0 ELSE LET x == CHOOSE x \in s : TRUE IN f[x] + Sum(f, s \ {x})

(* No permit is lost, and none is made. *)
PermitsConserved ==
    available + Cardinality(holding) + Cardinality(brought) + Sum(in_hand, Waiters \cup Givers) = Value + given

(* When nobody takes a step any more, nobody sleeps beside a permit. *)
AtRest == \A p \in Waiters \cup Givers : pc[p] = "Done" \/ (p \in Waiters /\ Asleep(p))
NoLostWakeUp == AtRest => available = 0 \/ \A w \in Waiters : ~Asleep(w)

(* Fair: nobody gets a permit before one who slept in line when it came, and still does. *)
NoBarging == ~overtaken

(* There are permits for all: then all the patient ones get one. *)
AllAreServed == <>(Patient \subseteq holding)
=============================================================================
