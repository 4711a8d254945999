package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// savings serves GET /v1/reports/savings (docs/definitions.md section 4, Savings report).
func (s *Server) savings(c *gin.Context) error {
	ask, err := s.readReport(c, "savings", savingsKeys, keySet{currencyFilter}, "")
	if err != nil {
		return err
	}
	after, err := ask.savingsAfter()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.config.QueryTime)
	defer cancel()
	if err := s.checkZone(ctx, ask.zone); err != nil {
		return err
	}
	var seen pin
	if ask.at != nil {
		seen = *ask.at.Pin
	} else if seen, err = s.pin(ctx, ask.now); err != nil {
		return err
	}
	lists, err := s.priceLists(ctx, ask.accounts(), seen.Prices)
	if err != nil {
		return err
	}
	seen.Prices = &lists.versions
	answer, minimum, err := s.savingsAnswer(ctx, ask, seen.Generation, lists)
	if err != nil {
		return fmt.Errorf("savings report: %w", err)
	}
	if ask.at == nil {
		seen.Mature = !slices.ContainsFunc(answer.rows, func(r *savingsRow) bool { return r.settledMS >= seen.NowMS })
	}

	shown := savingsTable{keys: ask.keys, format: ask.format, channels: answer.channels, minimum: minimum, nowMS: seen.NowMS}
	t := newTable(ask.format, ask.keys.names(), savingsColumns(ask.keys, ask.format, answer.channels))
	start := 0
	if after != nil {
		var found bool
		if start, found = slices.BinarySearchFunc(answer.rows, after, (*savingsRow).compare); found {
			start++
		}
	}
	end := min(start+ask.limit, len(answer.rows))
	var line []value
	for _, r := range answer.rows[start:end] {
		line = shown.row(r, line[:0])
		t.row(line)
	}
	var last [][]byte
	if end < len(answer.rows) {
		last = answer.rows[end-1].shownKeys(ask.keys)
	}
	nextCursor, err := ask.next(last, &seen)
	if err != nil {
		return err
	}
	t.send(c, append(ask.envelope(&seen), member{"tariff_version", count(lists.versions.Tariffs)}, member{"template_version", count(lists.versions.Templates)}), nextCursor)
	return nil
}

// savingsAfter returns the row that the cursor stands behind, nil without a cursor.
func (r *reportRequest) savingsAfter() (*savingsRow, error) {
	if r.at == nil {
		return nil, nil
	}
	unreadable := badParameter("cursor", "cannot be read: start again without a cursor")
	if r.at.Pin.Prices == nil {
		return nil, unreadable
	}
	row := &savingsRow{currency: string(r.at.After[len(r.keys)])}
	for i, k := range r.keys {
		value, err := parseKey(string(r.at.After[i]), k)
		if err != nil {
			return nil, unreadable
		}
		row.keys = append(row.keys, value)
	}
	return row, nil
}

// shownKeys returns the keys and the currency as texts, for a cursor.
func (r *savingsRow) shownKeys(keys keySet) [][]byte {
	var shown [][]byte
	for i, k := range keys {
		shown = append(shown, []byte(r.keys[i].shown(k)))
	}
	return append(shown, []byte(r.currency))
}

// wantsMinimum tells whether minimum_top_up can be known: whole months of UTC, and nothing that cuts a sender's month (docs/definitions.md
// section 4, Tariffs).
func (r *reportRequest) wantsMinimum() bool {
	border := func(ms int64) bool {
		t := time.UnixMilli(ms).UTC()
		return t.Equal(time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC))
	}
	names := r.keys.names()
	for _, f := range r.filters {
		names = append(names, f.key.name)
	}
	return r.zone.String() == "UTC" && border(r.fromMS) && border(r.toMS) &&
		!slices.ContainsFunc(names, func(name string) bool {
			return !slices.Contains([]string{"account", "sender", "month", "currency"}, name)
		})
}

// savingsAnswer returns the whole report, remembered or computed, and whether its minimum_top_up is known.
func (s *Server) savingsAnswer(ctx context.Context, ask *reportRequest, generation uint64, lists *priceLists) (answer *savingsAnswer, minimum bool, err error) {
	minimum = ask.wantsMinimum()
	q := newSavingsQuery(ask, generation, lists, minimum)
	state, err := s.savingsState(ctx, q)
	if err != nil {
		return nil, false, err
	}
	lines, err := s.readRoutes(ctx)
	if err != nil {
		return nil, false, err
	}
	routes := newRouteTable(lines)
	// The hash of the request leaves out what from and to are by default, for they follow the clock.
	key := string(queryHash(string(ask.hash), strconv.FormatInt(ask.fromMS, 10), strconv.FormatInt(ask.toMS, 10), state,
		fmt.Sprint(lists.versions), routes.fingerprint))
	if answer = s.answers.get(key); answer != nil {
		s.metrics.answers.WithLabelValues("remembered").Inc()
		return answer, minimum, nil
	}
	compute := func() (any, error) {
		s.metrics.answers.WithLabelValues("computed").Inc()
		computed, err := s.computeSavings(ctx, ask, q, lists, routes)
		if err == nil {
			s.answers.put(key, computed)
		}
		return computed, err
	}
	// Who asks for the same at the same time waits for one answer, unless the one who is computing it gives up.
	shared, err, _ := s.computing.Do(key, compute)
	if errors.Is(err, context.Canceled) && ctx.Err() == nil {
		shared, err = compute()
	}
	if err != nil {
		return nil, false, err
	}
	return shared.(*savingsAnswer), minimum, nil
}

func newSavingsQuery(ask *reportRequest, generation uint64, lists *priceLists, minimum bool) *savingsQuery {
	q := &savingsQuery{filters: ask.filters, tz: ask.zone.String(), accounts: ask.accounts(), fromMS: ask.fromMS, toMS: ask.toMS, generation: generation}
	for _, k := range ask.keys {
		if k.ofCell() {
			q.keys = append(q.keys, k)
		}
	}
	q.setPrices(lists, minimum)
	return q
}

// ofCell tells whether savings.sql returns the key: the account is a condition, and others come from shapes.
func (k key) ofCell() bool { return k.cell != "" && k.name != "account" }

// savingsState returns a text that changes when the cells of the answer may.
func (s *Server) savingsState(ctx context.Context, q *savingsQuery) (string, error) {
	statement, args, err := q.stateSQL()
	if err != nil {
		return "", err
	}
	var buckets, bits, sum uint64
	if err := s.deps.Conn.QueryRow(s.settings(ctx), statement, args...).Scan(&buckets, &bits, &sum); err != nil {
		return "", fmt.Errorf("read visible generations: %w", err)
	}
	return fmt.Sprint(buckets, bits, sum), nil
}

// computeSavings reads the cells, prices their shapes and adds them up.
func (s *Server) computeSavings(ctx context.Context, ask *reportRequest, q *savingsQuery, lists *priceLists, routes *routeTable) (*savingsAnswer, error) {
	f := newFold(s, ask.keys, ask.filters)
	if err := s.readSavings(ctx, ask, q, lists, routes, f); err != nil {
		return nil, err
	}
	if err := f.settle(ctx); err != nil {
		return nil, err
	}
	answer := &savingsAnswer{rows: f.rows()}
	for _, r := range answer.rows {
		for _, c := range r.channels {
			if at, found := slices.BinarySearch(answer.channels, c.channel); !found {
				answer.channels = slices.Insert(answer.channels, at, c.channel)
			}
		}
	}
	return answer, nil
}

func (s *Server) readSavings(ctx context.Context, ask *reportRequest, q *savingsQuery, lists *priceLists, routes *routeTable, f *fold) (err error) {
	statement, args, err := q.SQL()
	if err != nil {
		return err
	}
	rows, err := s.deps.Conn.Query(s.settings(ctx), statement, args...)
	if err != nil {
		return err
	}
	defer closeRows(rows, &err)
	scan := newCellScan(q)
	type priced struct {
		store   *shapeStore
		pricing *pricing
	}
	accounts := map[string]priced{}
	for rows.Next() {
		if err := rows.Scan(scan.to...); err != nil {
			return err
		}
		a, met := accounts[scan.account]
		if !met {
			prices := lists.rows(scan.account)
			a.store = s.shapes.of(scan.account)
			a.pricing = a.store.pricing(prices, routes)
			accounts[strings.Clone(scan.account)] = a
		}
		tariffsFrom := uint32(scan.conditions>>tariffsBit) & (1<<24 - 1) * quarterSeconds
		row := cellRow{currency: currencyText(scan.conditions), month: uint8(scan.conditions >> monthBit), store: a.store, pricing: a.pricing,
			interval: a.pricing.interval(max(tariffsFrom, storable(q.fromMS))), segments: uint8(scan.conditions >> templateBit), cells: scan.cells}
		next := 0
		for _, k := range ask.keys {
			var v keyValue
			switch {
			case k.name == "account":
				v.text = scan.account
			case k.ofCell() && k.number:
				v.number = uint16(scan.numbers[next])
				next++
			case k.ofCell():
				v.text = scan.texts[next]
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
		if k.number {
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
