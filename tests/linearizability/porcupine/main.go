// SPDX-License-Identifier: BSD-3-Clause

// The referee: porcupine judges the histories that judge.py and the C judge judge too.
//
//	porcupine [-t seconds] [-html file] map|ordered_map|queue|stack|bounded_queue < histories
//
// One operation per line as JSON, an empty line after each history (judge.py says what the fields mean).
// Prints one word per history; exits with 1 if any is illegal, with 2 if any is unknown.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

type operation struct {
	C          int
	O          string
	K, V, X, R int64
	RK         *int64
	S, E       int64
}

const (
	absent   = -1
	mismatch = -2
	closed   = -3
)

// register is one key of a map: what it becomes, and whether the answer is right.
func register(there int64, o operation) (int64, bool) {
	switch o.O {
	case "get":
		return there, o.R == there
	case "put":
		return o.V, o.R == there
	case "put_if_absent":
		if there == absent {
			return o.V, o.R == absent
		}
		return there, o.R == there
	case "remove", "pop":
		return absent, o.R == there
	case "get_or_insert":
		if there == absent {
			there = o.V
		}
		return there, o.R == there
	case "add":
		if there == absent {
			there = 0
		}
		return there + o.V, o.R == there+o.V
	case "update":
		return o.V, there == o.X && o.R == o.V
	case "replace_if", "remove_if":
		if there != absent && there == o.X {
			if o.O == "remove_if" {
				return absent, o.R == there
			}
			return o.V, o.R == there
		}
		if there == absent {
			return there, o.R == absent
		}
		return there, o.R == mismatch
	}
	panic("no such operation: " + o.O)
}

type entry struct{ key, value int64 }

func isNeighbour(name string) bool {
	return slices.Contains([]string{"first", "last", "floor", "ceiling", "lower", "higher"}, name)
}

func neighbour(entries []entry, o operation) (found entry, ok bool) {
	for _, e := range entries { // ascending
		switch o.O {
		case "last":
			found, ok = e, true
		case "floor":
			if e.key <= o.K {
				found, ok = e, true
			}
		case "lower":
			if e.key < o.K {
				found, ok = e, true
			}
		default:
			if o.O == "first" || o.O == "ceiling" && e.key >= o.K || o.O == "higher" && e.key > o.K {
				return e, true
			}
		}
	}
	return
}

func orderedStep(state, input, _ any) (bool, any) {
	entries, o := state.([]entry), input.(operation)
	if isNeighbour(o.O) {
		e, ok := neighbour(entries, o)
		if !ok {
			return o.R == absent && o.RK == nil, state
		}
		return o.RK != nil && *o.RK == e.key && o.R == e.value, state
	}
	at, ok := slices.BinarySearchFunc(entries, o.K, func(e entry, key int64) int { return int(e.key - key) })
	there := int64(absent)
	if ok {
		there = entries[at].value
	}
	after, legal := register(there, o)
	if !legal {
		return false, state
	}
	changed := slices.Clone(entries)
	switch {
	case after == absent && ok:
		changed = slices.Delete(changed, at, at+1)
	case after != absent && ok:
		changed[at].value = after
	case after != absent:
		changed = slices.Insert(changed, at, entry{o.K, after})
	}
	return true, changed
}

// bounded is what a bounded queue consists of between two steps; judge.py has the words for it.
type bounded struct {
	inside, reserved, taken []int64
	closed                  bool
}

func without(values []int64, value int64) ([]int64, bool) {
	at := slices.Index(values, value)
	if at < 0 {
		return values, false
	}
	return slices.Delete(slices.Clone(values), at, at+1), true
}

func with(values []int64, value int64) []int64 { // sorted: the order of these says nothing
	at, _ := slices.BinarySearch(values, value)
	return slices.Insert(slices.Clone(values), at, value)
}

func boundedQueue(leavesFirst func(a, b int64) bool) porcupine.Model {
	publish := func(b bounded, value int64) (bool, any) {
		for _, u := range b.inside {
			if leavesFirst(value, u) {
				return false, b
			}
		}
		b.inside = append(slices.Clone(b.inside), value)
		return true, b
	}
	return porcupine.Model{
		Init: func() any { return bounded{} },
		Equal: func(x, y any) bool {
			a, b := x.(bounded), y.(bounded)
			return slices.Equal(a.inside, b.inside) && slices.Equal(a.reserved, b.reserved) &&
				slices.Equal(a.taken, b.taken) && a.closed == b.closed
		},
		Step: func(state, input, _ any) (bool, any) {
			b, o := state.(bounded), input.(operation)
			used := int64(len(b.inside) + len(b.reserved) + len(b.taken))
			var ok bool
			switch o.O {
			case "close":
				b.closed = true
				return true, b
			case "put":
				if o.R == closed {
					return b.closed, b
				}
				if o.R == absent {
					return o.X > 0 && used >= o.X, b
				}
				if b.closed {
					return false, b
				}
				return publish(b, o.V)
			case "reserve":
				if b.closed || used >= o.X {
					return false, b
				}
				b.reserved = with(b.reserved, o.V)
				return true, b
			case "publish":
				if b.reserved, ok = without(b.reserved, o.V); !ok {
					return false, b
				}
				return publish(b, o.V)
			case "hold":
				if used < o.X {
					b.taken = with(b.taken, -o.V)
				}
				return true, b
			case "give up":
				b.taken, _ = without(b.taken, -o.V)
				return b.closed, b
			case "make room":
				b.taken, ok = without(b.taken, o.R)
				return ok, b
			}
			if o.R == closed {
				return b.closed && len(b.inside)+len(b.reserved) == 0, b
			}
			if len(b.inside) == 0 || o.R != b.inside[0] {
				return len(b.inside) == 0 && o.R == absent, b
			}
			b.inside = b.inside[1:]
			if o.O == "take" {
				b.taken = with(b.taken, o.R)
			}
			return true, b
		},
	}
}

// split puts two steps in place of each operation of a bounded queue that takes room.
func split(history []operation) (steps []operation) {
	isBounded := slices.ContainsFunc(history, func(o operation) bool { return o.O == "put" && o.X > 0 })
	for _, o := range history {
		first, second := o, o
		switch {
		case !isBounded || o.R == absent || o.O == "close" || o.O == "get" && o.R == closed:
			steps = append(steps, o)
			continue
		case o.O == "get":
			first.O, second.O = "take", "make room"
		case o.R == closed:
			first.O, second.O = "hold", "give up"
		default:
			first.O, second.O = "reserve", "publish"
		}
		steps = append(steps, first, second)
	}
	return
}

func model(name string, history []operation) porcupine.Model {
	whole := slices.ContainsFunc(history, func(o operation) bool { return isNeighbour(o.O) })
	if name == "ordered_map" || name == "map" && whole {
		return porcupine.Model{
			Init:  func() any { return []entry{} },
			Step:  orderedStep,
			Equal: func(a, b any) bool { return slices.Equal(a.([]entry), b.([]entry)) },
		}
	}
	if name == "map" {
		return porcupine.Model{
			Partition: func(all []porcupine.Operation) (parts [][]porcupine.Operation) {
				byKey := map[int64][]porcupine.Operation{}
				for _, o := range all {
					key := o.Input.(operation).K
					byKey[key] = append(byKey[key], o)
				}
				for _, part := range byKey {
					parts = append(parts, part)
				}
				return
			},
			Init: func() any { return int64(absent) },
			Step: func(state, input, _ any) (bool, any) {
				after, legal := register(state.(int64), input.(operation))
				return legal, after
			},
		}
	}
	// Queue and stack of distinct values; a put is refused when the order of the gets forbids it.
	got := map[int64]operation{}
	for _, o := range history {
		if (o.O == "get" || o.O == "take") && o.R >= 0 {
			got[o.R] = o
		}
	}
	leavesFirst := func(a, b int64) bool {
		x, known := got[a]
		y, also := got[b]
		return known && (!also || x.E < y.S)
	}
	if name == "bounded_queue" {
		return boundedQueue(leavesFirst)
	}
	return porcupine.Model{
		Init:  func() any { return []int64{} },
		Equal: func(a, b any) bool { return slices.Equal(a.([]int64), b.([]int64)) },
		Step: func(state, input, _ any) (bool, any) {
			inside, o := state.([]int64), input.(operation)
			if o.O == "put" {
				for _, u := range inside {
					if name == "queue" && leavesFirst(o.V, u) || name == "stack" && leavesFirst(u, o.V) {
						return false, state
					}
				}
				return true, append(slices.Clone(inside), o.V)
			}
			if len(inside) == 0 {
				return o.R == absent, state
			}
			if name == "queue" {
				return o.R == inside[0], inside[1:]
			}
			return o.R == inside[len(inside)-1], inside[:len(inside)-1]
		},
	}
}

func main() {
	limit := flag.Float64("t", 30, "seconds for one history")
	picture := flag.String("html", "", "draw the last illegal history into this file")
	flag.Parse()
	name := flag.Arg(0)
	if !slices.Contains([]string{"map", "ordered_map", "queue", "stack", "bounded_queue"}, name) {
		fmt.Fprintln(os.Stderr, "usage: porcupine [-t seconds] [-html file] map|ordered_map|queue|stack|bounded_queue < histories")
		os.Exit(3)
	}
	worst := 0
	var history []operation
	judge := func() {
		if len(history) == 0 {
			return
		}
		if name == "bounded_queue" {
			history = split(history)
		}
		var ops []porcupine.Operation
		for _, o := range history {
			ops = append(ops, porcupine.Operation{ClientId: o.C, Input: o, Call: o.S, Return: o.E})
		}
		m := model(name, history)
		verdict, info := porcupine.CheckOperationsVerbose(m, ops, time.Duration(*limit*float64(time.Second)))
		switch verdict {
		case porcupine.Ok:
			fmt.Println("legal")
		case porcupine.Illegal:
			fmt.Println("illegal")
			worst = max(worst, 1)
			if *picture != "" {
				if err := porcupine.VisualizePath(m, info, *picture); err != nil {
					fmt.Fprintln(os.Stderr, err)
				}
			}
		default:
			fmt.Println("unknown")
			worst = 2
		}
		history = nil
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			judge()
			continue
		}
		var o operation
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		history = append(history, o)
	}
	judge()
	os.Exit(worst)
}
