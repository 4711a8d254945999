package rollup

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/answer"
	"kaskad/query/store"
)

// Standing remembers answers that no edition names: they are made of tables that hold no past. An answer stands as long
// as these tables are made of the same parts, and as_of has not reached what they know of a later moment. Whoever asks
// for what is being computed waits for it. It is safe for concurrent use.
type Standing[A interface{ Bytes() int64 }] struct {
	Cache Cache[*stood[A]]

	mu        sync.Mutex
	computing map[string]chan struct{}
}

// stood is an answer of a moment. It never changes.
type stood[A interface{ Bytes() int64 }] struct {
	answer A
	asOfMS int64
	// nextMS is when the next thing happens that the tables know of already, 0 where nobody has looked.
	nextMS int64
}

// Bytes is about what it takes.
func (s *stood[A]) Bytes() int64 { return 100 + s.answer.Bytes() }

// Ask is what an answer depends on: Tables, and Parts that are told apart by their text. Where as_of decides too, Next
// finds the first moment after another one of which the tables know something, 0 where there is none.
type Ask struct {
	Tables []string
	Parts  []string
	AsOfMS int64
	Next   func(ctx context.Context, afterMS int64) (int64, error)
}

// Of returns the answer, which read computes where none stands.
func (s *Standing[A]) Of(ctx context.Context, db *store.DB, ask *Ask, read func(context.Context) (A, error)) (of A,
	err error) {
	parts, told, err := db.PartsOf(ctx, ask.Tables)
	if err != nil {
		return of, err
	}
	if !told {
		return read(ctx)
	}
	key := string(answer.QueryHash(append(ask.Parts, strconv.FormatUint(parts, 10))...))
	done, err := s.turn(ctx, key)
	if err != nil {
		return of, err
	}
	defer done()
	known := s.Cache.Get(key)
	if known != nil && known.asOfMS < ask.AsOfMS && known.nextMS == 0 {
		// Few come back, so it is looked for when somebody does.
		later := *known
		if later.nextMS, err = ask.Next(ctx, known.asOfMS); err != nil {
			return of, err
		}
		if later.nextMS == 0 {
			later.nextMS = math.MaxInt64
		}
		now, _, err := db.PartsOf(ctx, ask.Tables)
		if err != nil {
			return of, err
		}
		if known = nil; now == parts { // else it may be of what came since
			known = &later
			s.Cache.Put(key, known)
		}
	}
	if known != nil && (known.asOfMS == ask.AsOfMS || known.asOfMS < ask.AsOfMS && ask.AsOfMS < known.nextMS) {
		return known.answer, nil
	}
	if of, err = read(ctx); err != nil {
		return of, err
	}
	s.Cache.Put(key, &stood[A]{answer: of, asOfMS: ask.AsOfMS})
	return of, nil
}

// turn waits until nobody else computes the answer. done lets the next one.
func (s *Standing[A]) turn(ctx context.Context, key string) (done func(), err error) {
	for {
		s.mu.Lock()
		busy := s.computing[key]
		if busy == nil {
			if s.computing == nil {
				s.computing = map[string]chan struct{}{}
			}
			mine := make(chan struct{})
			s.computing[key] = mine
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				delete(s.computing, key)
				s.mu.Unlock()
				close(mine)
			}, nil
		}
		s.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

//go:embed sql/next_loss.sql
var nextLossSQL string

var nextLoss = Template("next_loss.sql", nextLossSQL)

// lossTables are those that say of addresses whether they are lost, but for error maps.
var lossTables = []string{"attempts_by_recipient", "number_health", "recipient_events", "rollup_people"}

// NewAsk is one of an answer that depends on which addresses are lost, of some accounts or of all. It is read by the
// error maps that the request began with, or by newer ones: a map that is put meanwhile may be too late for the answer,
// so what tables are made of then does not name it.
func NewAsk(db *store.DB, known store.References, accounts []string, asOfMS int64, tables []string,
	parts ...string) *Ask {
	next := func(ctx context.Context, afterMS int64) (ms int64, err error) {
		args := []any{clickhouse.Named("as_of", afterMS)}
		if accounts != nil {
			args = append(args, clickhouse.Named("filter_account", accounts))
		}
		statement, err := store.Fill(nextLoss, StatementData{Accounts: accounts != nil})
		if err != nil {
			return 0, err
		}
		if ctx, err = db.WithLossCodes(db.Settings(ctx)); err != nil {
			return 0, err
		}
		if err := db.Conn.QueryRow(ctx, statement, args...).Scan(&ms); err != nil {
			return 0, fmt.Errorf("look for losses to come: %w", err)
		}
		return ms, nil
	}
	parts = append(parts, strconv.FormatUint(known.ErrorMaps(), 10))
	return &Ask{Tables: slices.Concat(lossTables, tables), Parts: parts, AsOfMS: asOfMS, Next: next}
}
