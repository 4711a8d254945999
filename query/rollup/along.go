package rollup

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"kaskad/query/answer"
	"kaskad/query/store"
)

const (
	// mostAlong bounds how many accounts move along with one, and mostKinds of how many kinds of requests they are
	// known.
	mostAlong, mostKinds = 64, 256
	// mostUnasked is how often an account moves along that nobody asks for again.
	mostUnasked = 16
)

// moveAlong moves what is remembered of the request's account together with that of others that were asked for
// lately by requests that differ in nothing else, all by one statement: planning it costs more than reading what an
// edition changed. Who asks for any of them meanwhile waits for it. It returns whether anything may have moved; moved
// are the parts of the request that are to.
func (d *DaySums[S]) moveAlong(ctx context.Context, r *Request, state *store.State, routes *store.Routes,
	reader *Reader[S], moved []*Part[S]) bool {
	own := r.Accounts()
	if reader.Along == nil || r.At != nil || len(own) != 1 || !reader.Along(own[0]) {
		return false
	}
	kind := string(answer.QueryHash(append(alike(r.Of(""), state, routes),
		strconv.FormatInt(r.FromMS, 10), strconv.FormatInt(r.ToMS, 10))...))
	others := slices.DeleteFunc(d.asked.note(kind, own[0]),
		func(account string) bool { return !reader.Along(account) })
	if len(moved) == 0 || len(others) == 0 || moved[0].known.edition >= state.Edition {
		return false
	}
	from := moved[0].known.edition
	_, err, _ := d.moving.Do(kind+strconv.FormatUint(from, 10)+"-"+strconv.FormatUint(state.Edition, 10),
		func() (any, error) {
			parts := d.along(r, state, routes, reader, from, append(others, own[0]))
			if len(parts) == 0 {
				return nil, nil
			}
			rows := rowsBetween(parts, state)
			d.asked.moved(kind, rows.Accounts)
			// What the first who asks may see is no matter: everybody has what he has asked for.
			if err := reader.Read(answer.ForAll(ctx), rows, parts); err != nil {
				return nil, err
			}
			d.add(state, parts)
			return nil, nil
		})
	// After an error each moves its own, and tells of it.
	return err == nil
}

// along lists the parts of accounts that move from an edition to the answer's.
func (d *DaySums[S]) along(r *Request, state *store.State, routes *store.Routes, reader *Reader[S], from uint64,
	accounts []string) (all []*Part[S]) {
	for _, account := range accounts {
		beside, known := state.Beside(account)
		if !known {
			continue
		}
		request := r.Of(account)
		depends := reader.dependsOn(request, account, state, routes)
		moved, _ := d.find(partsOf[S](request, beside, routes, depends), beside,
			func(sums S) bool { return reader.Serves(account, sums) })
		for _, p := range moved {
			if p.known.edition == from {
				p.Account = account
				all = append(all, p)
			}
		}
	}
	return all
}

// asked knows which accounts were asked for lately, by what requests have in common. It is safe for concurrent use.
type asked struct {
	mu sync.Mutex
	// kinds has how often each account moved along since somebody asked for it.
	kinds *simplelru.LRU[string, map[string]int]
}

// note notes that an account is asked for, and returns the others.
func (a *asked) note(kind, account string) (others []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kinds == nil {
		a.kinds, _ = simplelru.NewLRU[string, map[string]int](mostKinds, nil) // an error is a size of 0 alone
	}
	of, _ := a.kinds.Get(kind)
	if of == nil {
		of = map[string]int{}
		a.kinds.Add(kind, of)
	}
	delete(of, account)
	others = slices.Sorted(maps.Keys(of))
	if len(others) == mostAlong {
		least := slices.MaxFunc(others, func(a, b string) int { return cmp.Compare(of[a], of[b]) })
		delete(of, least)
		others = slices.DeleteFunc(others, func(other string) bool { return other == least })
	}
	of[account] = 0
	return others
}

// moved notes that accounts move along, and forgets those that nobody asks for any more.
func (a *asked) moved(kind string, accounts []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	of, _ := a.kinds.Peek(kind)
	for _, account := range accounts {
		if times, known := of[account]; known && times < mostUnasked {
			of[account]++
		} else {
			delete(of, account)
		}
	}
}
