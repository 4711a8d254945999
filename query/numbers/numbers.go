// Package numbers is the room of the API about numbers, e-mail addresses and the people behind them: the list of the
// dead, one number with its evidence, a check before a mailing, the feed of changes, verdicts that somebody sets by
// hand, audiences, and the best channel of each person (docs/definitions.md section 5).
//
// Its guarantees: the pages of a list are together what one moment knew, whatever verdicts change meanwhile; whoever
// follows the feed gets each change once and in order, also from another process; an override that was answered is
// stored.
package numbers

import (
	"sync"
	"time"

	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/rollup"
	"kaskad/query/store"
)

// Numbers serves the routes about numbers. It is safe for concurrent use.
type Numbers struct {
	db     *store.DB
	gate   *answer.Gate
	prices *prices.Cache
	// verdictWait is how long a request waits for the verdict that it asked for.
	verdictWait time.Duration
	feed        feedHead
	counts      counts
	// everyone are the people of periods, of whom it is counted which channel is the best.
	everyone rollup.Standing[*everybody]
	// overriding lets one override be stored at a time.
	overriding sync.Mutex
}

// New makes the room.
func New(db *store.DB, gate *answer.Gate, lists *prices.Cache) *Numbers {
	return &Numbers{db: db, gate: gate, prices: lists, verdictWait: verdictWait}
}
