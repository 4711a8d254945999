package store

import (
	"context"
	"fmt"
	"time"
)

// look is what the tables were made of when somebody looked: numbers that differ once anything in them does.
type look struct {
	// known is false where ClickHouse does not tell, because its user may not read system.parts.
	known                         bool
	history, optOuts, lists, lost uint64
}

// accessDenied is ClickHouse's code of that error.
const accessDenied = 497

// look looks at what tables are made of, and reads what the aggregator stated last in a table, if that is asked for.
func (d *DB) look(ctx context.Context, freshness bool) (l look, f Freshness, err error) {
	statement, err := Fill(stateTemplate.Lookup("look"), struct{ Freshness bool }{freshness})
	if err != nil {
		return l, f, err
	}
	var ageMS int64
	err = d.Conn.QueryRow(d.SmallSettings(ctx), statement).Scan(&f.Known, &f.AsOfMS, &f.PendingBuckets, &ageMS,
		&l.known, &l.history, &l.optOuts, &l.lists, &l.lost)
	if refused(err) {
		return look{}, f, nil
	}
	f.Age = time.Duration(ageMS) * time.Millisecond
	return l, f, err
}

// readPublished reads what is published, but for what is as it was.
func (d *DB) readPublished(ctx context.Context, last *published) (*published, error) {
	p := &published{began: time.Now()}
	asOfMS, at := d.stated() // before the editions that it covers
	freshness := last != nil && (at.IsZero() || !last.fresh.Known)
	var err error
	if p.look, p.fresh, err = d.look(ctx, freshness); err != nil {
		return nil, fmt.Errorf("look for changes: %w", err)
	}
	if last != nil && p.look.known && p.look == last.look {
		same := *last
		if same.began = p.began; freshness {
			same.fresh = p.fresh
		}
		same.fresh.take(asOfMS, at)
		return &same, nil
	}
	if err := d.readChanged(ctx, p, last); err != nil {
		return nil, err
	}
	p.fresh.take(asOfMS, at)
	return p, nil
}
