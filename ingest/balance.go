package ingest

import (
	"context"
	"fmt"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
)

// Balance counts events, not records: a record with n lines is n events, a record without any is one empty event. Each
// term is counted by itself, and at every moment
//
//	Consumed = Stored + Rejected + Parked + InFlight + Empty
//
// An event is in flight from being decoded until all that it leads to is acknowledged. When a generation of the
// consumer group ends before that, its events in flight are taken back from Consumed: whoever reads them again counts
// them. Events that are read again although they are in the ledger are stored again, but not counted.
type Balance struct {
	Consumed uint64 `json:"consumed"`
	Stored   uint64 `json:"stored"`
	Rejected uint64 `json:"rejected"`
	Parked   uint64 `json:"parked"`
	InFlight uint64 `json:"in_flight"`
	Empty    uint64 `json:"empty"`
}

// tally is a balance that changes in whole steps, so that a reader never sees it out of balance. Returned are the
// events that were taken and given back.
type tally struct {
	mu       sync.Mutex
	balance  Balance
	taken    uint64
	returned uint64
}

func (t *tally) read() (b Balance, taken, returned uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.balance, t.taken, t.returned
}

func (t *tally) take(events uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken += events
	t.balance.Consumed += events
	t.balance.InFlight += events
}

func (t *tally) giveBack(events uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.returned += events
	t.balance.Consumed -= events
	t.balance.InFlight -= events
}

func (t *tally) settle(c counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.balance.InFlight -= c.consumed
	t.balance.Stored += c.stored
	t.balance.Rejected += c.rejected
	t.balance.Parked += c.parked
	t.balance.Empty += c.empty
}

// counts are the events of a block that the ledger does not know yet.
type counts struct{ consumed, stored, rejected, parked, empty uint64 }

func (c *counts) add(o counts) {
	c.consumed += o.consumed
	c.stored += o.stored
	c.rejected += o.rejected
	c.parked += o.parked
	c.empty += o.empty
}

// ReadBalance sums the ledger of a consumer group: all that any process has ever committed. InFlight is 0: a caller
// that knows what is in flight adds it to InFlight and to Consumed.
func ReadBalance(ctx context.Context, conn driver.Conn, group, topic string) (Balance, error) {
	ledger, err := schema.ReadLedger(ctx, conn, group, topic)
	if err != nil {
		return Balance{}, fmt.Errorf("read balance: %w", err)
	}
	var b Balance
	for _, l := range ledger {
		b.Consumed += l.Consumed
		b.Stored += l.Stored
		b.Rejected += l.Rejected
		b.Parked += l.Parked
		b.Empty += l.Empty
	}
	return b, nil
}
