package query

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"golang.org/x/sync/errgroup"

	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/report"
	"kaskad/query/store"
)

// savings serves GET /v1/reports/savings (docs/definitions.md section 4, Savings report).
func (s *Server) savings(c *gin.Context) error {
	ask, err := report.Read(c, s.db, &savingsForm)
	if err != nil {
		return err
	}
	after, err := savingsAfter(ask)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.db.QueryTime)
	defer cancel()
	if err := s.db.CheckZone(ctx, ask.Zone); err != nil {
		return err
	}
	basis, err := s.savingsBasis(ctx, ask)
	if err != nil {
		return fmt.Errorf("savings report: %w", err)
	}
	reply, err := s.savingsAnswer(ctx, ask, basis)
	if err != nil {
		return fmt.Errorf("savings report: %w", err)
	}
	seen := basis.seen
	if ask.At == nil {
		seen.Mature = !seen.Lost && !slices.ContainsFunc(reply.rows,
			func(r *savingsRow) bool { return !seen.Settled(r.settledMS) })
	}

	shown := savingsTable{keys: ask.Keys, format: ask.Format, channels: reply.channels,
		minimum: newMinimumScope(ask, basis.lists), seen: &seen}
	if seen.AsOfMS != nil {
		shown.asOfMS = *seen.AsOfMS
	}
	t := answer.NewTable(ask.Format, ask.Keys.Names(), savingsColumns(ask.Keys, ask.Format, reply.channels))
	start := 0
	if after != nil {
		var found bool
		if start, found = slices.BinarySearchFunc(reply.rows, after, (*savingsRow).compare); found {
			start++
		}
	}
	end := min(start+ask.Limit, len(reply.rows))
	var line []answer.Value
	for _, r := range reply.rows[start:end] {
		line = shown.row(r, line[:0])
		t.Add(line)
	}
	var last [][]byte
	if end < len(reply.rows) {
		last = reply.rows[end-1].shownKeys(ask.Keys)
	}
	return t.SendPage(c, append(ask.Envelope(&seen),
		answer.Member{Name: "tariff_version", Value: answer.Count(seen.Prices.Tariffs)},
		answer.Member{Name: "template_version", Value: answer.Count(seen.Prices.Templates)}), s.db.Cursors,
		ask.Next(last, &seen))
}

// savingsAfter returns the row that the cursor stands behind, nil without a cursor.
func savingsAfter(r *report.Request) (*savingsRow, error) {
	if r.At == nil {
		return nil, nil
	}
	unreadable := answer.BadParameter("cursor", "cannot be read: start again without a cursor")
	if r.At.Snapshot.Prices == nil {
		return nil, unreadable
	}
	row := &savingsRow{currency: string(r.At.After[len(r.Keys)])}
	for i, k := range r.Keys {
		value, err := report.ParseKey(string(r.At.After[i]), k)
		if err != nil {
			return nil, unreadable
		}
		row.keys = append(row.keys, value)
	}
	return row, nil
}

// shownKeys returns the keys and the currency as texts, for a cursor.
func (r *savingsRow) shownKeys(keys report.Keys) [][]byte {
	var shown [][]byte
	for i, k := range keys {
		shown = append(shown, []byte(r.keys[i].Shown(k)))
	}
	return append(shown, []byte(r.currency))
}

// savingsBasis is what an answer is made of, besides the cells themselves.
type savingsBasis struct {
	seen   answer.Snapshot
	lists  *prices.Lists
	routes *store.Capabilities
	// state is a text that changes when the visible cells of the accounts in sight and the period may.
	state string
}

// savingsBasis reads what does not depend on each other at the same time: a remembered answer waits for nothing else.
func (s *Server) savingsBasis(ctx context.Context, ask *report.Request) (b savingsBasis, err error) {
	pinned := &answer.Snapshot{}
	if ask.At != nil {
		pinned = ask.At.Snapshot
	}
	group, within := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		b.lists, err = s.prices.Lists(within, ask.Accounts(), pinned.Prices)
		return err
	})
	group.Go(func() error {
		lines, err := s.db.Capabilities(within)
		b.routes = store.NewCapabilities(lines)
		return err
	})
	group.Go(func() (err error) {
		if b.seen = *pinned; ask.At == nil {
			if b.seen, err = ask.Snapshot(within, s.db); err != nil {
				return err
			}
		}
		b.state, err = s.savingsState(within, newSavingsQuery(ask, b.seen.Edition))
		return err
	})
	if err := group.Wait(); err != nil {
		return b, err
	}
	b.seen.Prices = &b.lists.Versions
	return b, nil
}

// savingsAnswer returns the whole report, remembered or computed.
func (s *Server) savingsAnswer(ctx context.Context, ask *report.Request, basis savingsBasis) (*savingsAnswer, error) {
	// The hash of the request leaves out what from and to are by default, for they follow the clock.
	key := string(answer.QueryHash(string(ask.Hash), strconv.FormatInt(ask.FromMS, 10), strconv.FormatInt(ask.ToMS, 10),
		basis.state,
		fmt.Sprint(basis.lists.Versions), basis.routes.Fingerprint))
	if reply := s.answers.Get(key); reply != nil {
		s.metrics.answers.WithLabelValues("remembered").Inc()
		return reply, nil
	}
	compute := func() (*savingsAnswer, error) {
		s.metrics.answers.WithLabelValues("computed").Inc()
		computed, err := s.computeSavings(ctx, ask, basis)
		if err == nil {
			s.answers.Put(key, computed)
		}
		return computed, err
	}
	return shareAnswer(ctx, &s.computing, key, compute)
}

func newSavingsQuery(ask *report.Request, generation uint64) *savingsQuery {
	q := &savingsQuery{filters: ask.Filters, tz: ask.Zone.String(), accounts: ask.Accounts(), fromMS: ask.FromMS,
		toMS: ask.ToMS, generation: generation}
	for _, k := range ask.Keys {
		if ofCell(k) {
			q.keys = append(q.keys, k)
		}
	}
	return q
}

func (s *Server) savingsState(ctx context.Context, q *savingsQuery) (string, error) {
	statement, args, err := q.stateSQL()
	if err != nil {
		return "", err
	}
	var buckets, bits, sum uint64
	if err := s.db.Conn.QueryRow(s.db.Settings(ctx), statement, args...).Scan(&buckets, &bits, &sum); err != nil {
		return "", fmt.Errorf("read visible generations: %w", err)
	}
	return fmt.Sprint(buckets, bits, sum), nil
}

// readBuilt notes which days of buckets are summed up.
func (s *Server) readBuilt(ctx context.Context, q *savingsQuery) (err error) {
	statement, args, err := q.builtSQL()
	if err != nil {
		return err
	}
	rows, err := s.db.Conn.Query(s.db.Settings(ctx), statement, args...)
	if err != nil {
		return err
	}
	defer store.CloseRows(rows, &err)
	for rows.Next() {
		var d builtDay
		if err := rows.Scan(&d.account, &d.day, &d.build); err != nil {
			return err
		}
		q.built = append(q.built, d)
	}
	return rows.Err()
}

// computeSavings reads the cells, prices their shapes and adds them up.
func (s *Server) computeSavings(ctx context.Context, ask *report.Request, basis savingsBasis) (*savingsAnswer, error) {
	q := newSavingsQuery(ask, basis.seen.Edition)
	q.setPrices(basis.lists, newMinimumScope(ask, basis.lists))
	if q.hasWholeDays() {
		if err := s.readBuilt(ctx, q); err != nil {
			return nil, fmt.Errorf("read which days are summed up: %w", err)
		}
	}
	f := newFold(s, ask.Keys, ask.Filters)
	if err := s.readSavings(ctx, ask, q, basis, f); err != nil {
		return nil, err
	}
	if err := f.settle(ctx); err != nil {
		return nil, err
	}
	reply := &savingsAnswer{rows: f.rows()}
	for _, r := range reply.rows {
		for _, c := range r.channels {
			if at, found := slices.BinarySearch(reply.channels, c.channel); !found {
				reply.channels = slices.Insert(reply.channels, at, c.channel)
			}
		}
	}
	return reply, nil
}

func (s *Server) readSavings(ctx context.Context, ask *report.Request, q *savingsQuery, basis savingsBasis,
	f *fold) (err error) {
	statement, args, err := q.SQL()
	if err != nil {
		return err
	}
	reading, err := q.builtTable(s.db.Settings(ctx))
	if err != nil {
		return err
	}
	rows, err := s.db.Conn.Query(reading, statement, args...)
	if err != nil {
		return err
	}
	defer store.CloseRows(rows, &err)
	scan := newCellScan(q)
	type priced struct {
		store     *shapeStore
		pricing   *pricing
		monthEnds []int64
	}
	accounts := map[string]priced{}
	for rows.Next() {
		if err := rows.Scan(scan.to...); err != nil {
			return err
		}
		a, met := accounts[scan.account]
		if !met {
			a.store = s.shapes.of(scan.account)
			a.pricing = a.store.pricing(basis.lists.Account(scan.account), basis.routes)
			a.monthEnds = q.monthEnds[scan.account]
			accounts[strings.Clone(scan.account)] = a
		}
		tariffsFrom := uint32(scan.conditions>>tariffsBit) & (1<<24 - 1) * quarterSeconds
		row := cellRow{currency: currencyText(scan.conditions), store: a.store, pricing: a.pricing,
			interval: a.pricing.interval(max(tariffsFrom, store.Storable(q.fromMS))),
			segments: uint8(scan.conditions >> templateBit), cells: scan.cells}
		if a.monthEnds != nil {
			row.monthEndMS = a.monthEnds[min(int(scan.conditions>>monthBit), len(a.monthEnds)-1)]
		}
		next := 0
		for _, k := range ask.Keys {
			var v report.KeyValue
			switch {
			case k.Name == "account":
				v.Text = scan.account
			case ofCell(k) && k.Number:
				v.Number = uint16(scan.numbers[next])
				next++
			case ofCell(k):
				v.Text = scan.texts[next]
				next++
			}
			row.keys = append(row.keys, v)
		}
		if err := f.add(ctx, row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// cellScan is where the columns of savings.sql are scanned to.
type cellScan struct {
	to             []any
	texts          []string
	numbers        []uint8
	account, cells string
	conditions     uint64
}

func newCellScan(q *savingsQuery) *cellScan {
	c := &cellScan{texts: make([]string, len(q.keys)), numbers: make([]uint8, len(q.keys))}
	for i, k := range q.keys {
		if k.Number {
			c.to = append(c.to, &c.numbers[i])
		} else {
			c.to = append(c.to, &c.texts[i])
		}
	}
	if q.single() {
		c.account = q.accounts[0]
	} else {
		c.to = append(c.to, &c.account)
	}
	c.to = append(c.to, &c.conditions, &c.cells)
	return c
}

// currencyText is the code in a cell's conditions.
func currencyText(conditions uint64) string {
	return strings.TrimRight(string([]byte{byte(conditions), byte(conditions >> 8), byte(conditions >> 16)}), "\x00")
}
