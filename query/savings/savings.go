// Package savings is the room of the API about what a cascade saved against sending everything as SMS, with what it
// cost (docs/definitions.md section 4, Savings report).
//
// Its guarantees: every message that is published is counted once, and priced by the lists and the capabilities
// that the answer names; all pages of an answer are cut from one state of both; what is remembered is never stale, for
// it is found by all that it depends on.
package savings

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"

	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/report"
	"kaskad/query/rollup"
	"kaskad/query/store"
)

// Savings serves the savings report. It is safe for concurrent use.
type Savings struct {
	db     *store.DB
	prices *prices.Cache
	// counted counts answers by how they came about.
	counted *prometheus.CounterVec
	// signatures, answers and parts of answers are what is remembered; computing are the answers that are being
	// computed.
	signatures *signatureCache
	answers    rollup.Cache[*materialized]
	parts      rollup.DaySums[*pieceSums]
	computing  singleflight.Group
}

// New makes the room. A nil registerer counts for nobody.
func New(db *store.DB, lists *prices.Cache, registerer prometheus.Registerer) (*Savings, error) {
	s := &Savings{db: db, prices: lists, signatures: newSignatureCache(),
		counted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kaskad_query_answers_total",
			Help: "Savings reports by how they came about: remembered ones were asked for before, and nothing that " +
				"they depend on has changed since.",
		}, []string{"how"})}
	if registerer == nil {
		return s, nil
	}
	return s, registerer.Register(s.counted)
}

// Routes lists what the room serves.
func (s *Savings) Routes() []answer.Route {
	route := answer.Get(answer.ForAnalysts, form.Path(), s.serve,
		form.Path(), form.Path()+"?group_by=month,first_channel")
	route.Tagged = true
	return []answer.Route{route.Says(answer.TagReports, form.Summary, form.Text, form.Params(), form.Answer())}
}

// serve serves GET /v1/reports/savings (docs/definitions.md section 4, Savings report).
func (s *Savings) serve(c *gin.Context) error {
	request, err := report.Read(c, s.db, &form)
	if err != nil {
		return err
	}
	by := orderOf(request)
	after, err := rowAfter(request, by)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.db.QueryTime)
	defer cancel()
	if err := s.db.CheckZone(ctx, request.Zone); err != nil {
		return err
	}
	in, err := s.readInputs(ctx, request)
	if err != nil {
		return fmt.Errorf("savings report: %w", err)
	}
	reply, err := s.materialize(ctx, request, in)
	if err != nil {
		return fmt.Errorf("savings report: %w", err)
	}
	seen := &in.state.Snapshot
	if request.At == nil {
		seen.Mature = !seen.Lost && !slices.ContainsFunc(reply.rows,
			func(r *quantities) bool { return !seen.Settled(r.settledMS) })
	}

	shown := display{keys: request.Keys, format: request.Format, channels: reply.channels,
		minimum: newMinimumScope(request, in.lists), seen: seen}
	if seen.AsOfMS != nil {
		shown.asOfMS = *seen.AsOfMS
	}
	t := answer.NewList(request.Format, rollup.Columns(request.Keys,
		Columns(request.Keys, request.Format, reply.channels)))
	start := 0
	if after != nil {
		var found bool
		if start, found = slices.BinarySearchFunc(reply.rows, after, by.compare); found {
			start++
		}
	}
	end := min(start+request.Limit, len(reply.rows))
	var line []answer.Value
	for _, r := range reply.rows[start:end] {
		line = shown.row(r, line[:0])
		t.Add(line)
	}
	var last [][]byte
	if end < len(reply.rows) {
		last = append(reply.rows[end-1].shownKeys(request.Keys), by.rankText(reply.rows[end-1])...)
	}
	return t.SendPage(c, append(request.Envelope(seen),
		answer.Member{Name: "tariff_version", Value: answer.Count(seen.Prices.Tariffs)},
		answer.Member{Name: "template_version", Value: answer.Count(seen.Prices.Templates)}), s.db.Cursors,
		request.Next(last, seen))
}

// rowAfter returns the row that the cursor stands behind, nil without a cursor.
func rowAfter(r *rollup.Request, by order) (*quantities, error) {
	if r.At == nil {
		return nil, nil
	}
	unreadable := answer.BadParameter("cursor", "cannot be read: start again without a cursor")
	if r.At.Snapshot.Prices == nil {
		return nil, unreadable
	}
	row := &quantities{currency: string(r.At.After[len(r.Keys)])}
	for i, k := range r.Keys {
		value, err := rollup.ParseKey(string(r.At.After[i]), k)
		if err != nil {
			return nil, unreadable
		}
		row.keys = append(row.keys, value)
	}
	if by.by != nil && by.readRank(row, string(r.At.After[len(r.Keys)+1])) != nil {
		return nil, unreadable
	}
	return row, nil
}

// shownKeys returns the keys and the currency as texts, for a cursor.
func (r *quantities) shownKeys(keys rollup.Keys) [][]byte {
	var shown [][]byte
	for i, k := range keys {
		shown = append(shown, []byte(r.keys[i].Shown(k)))
	}
	return append(shown, []byte(r.currency))
}

// inputs is what an answer is made of, besides the cells themselves.
type inputs struct {
	state  *store.State
	lists  *prices.Lists
	routes *store.Routes
}

func (s *Savings) readInputs(ctx context.Context, request *rollup.Request) (in inputs, err error) {
	if in.state, err = request.State(ctx, s.db); err != nil {
		return in, err
	}
	// Of the pages of an answer all are priced as the first one was.
	if in.lists, err = s.prices.ListsOf(ctx, in.state.References, request.Accounts(), in.state.Prices); err != nil {
		return in, err
	}
	in.state.Prices = &in.lists.Versions
	in.routes, err = s.db.Routes(ctx, in.state.References)
	return in, err
}

// materialize returns the whole report, remembered or computed.
func (s *Savings) materialize(ctx context.Context, request *rollup.Request, in inputs) (*materialized, error) {
	// The hash of the request leaves out what from and to are by default, for they follow the clock.
	key := string(answer.QueryHash(string(request.Hash), strconv.FormatInt(request.FromMS, 10),
		strconv.FormatInt(request.ToMS, 10),
		// Which cohorts are settled is compared by quarter hours.
		strconv.FormatInt(rollup.NowQuarter(&in.state.Snapshot), 10), in.state.Fingerprint(),
		fmt.Sprint(in.lists.Versions), in.routes.Fingerprint))
	if reply := s.answers.Get(key); reply != nil {
		s.counted.WithLabelValues("remembered").Inc()
		return reply, nil
	}
	compute := func() (*materialized, error) {
		s.counted.WithLabelValues("computed").Inc()
		computed, err := s.compute(ctx, request, in)
		if err == nil {
			s.answers.Put(key, computed)
		}
		return computed, err
	}
	return shareAnswer(ctx, &s.computing, key, compute)
}

func newCellsQuery(request *rollup.Request, seen *answer.Snapshot) *cellsQuery {
	q := &cellsQuery{filters: request.Filters, tz: request.Zone.String(), accounts: request.Accounts(),
		fromMS: request.FromMS, toMS: request.ToMS, seen: seen}
	for _, k := range request.Keys {
		if ofCell(k) {
			q.keys = append(q.keys, k)
		}
	}
	return q
}

// compute reads the cells, prices their signatures and adds them up.
func (s *Savings) compute(ctx context.Context, request *rollup.Request, in inputs) (*materialized, error) {
	q := newCellsQuery(request, &in.state.Snapshot)
	q.days = in.state.Days
	q.setPrices(in.lists, in.routes.SettlingDays, newMinimumScope(request, in.lists))
	reply := &materialized{}
	var err error
	if q.single() {
		reply.rows, err = s.computePieces(ctx, request, in, q)
	} else {
		reply.rows, err = s.computeWhole(ctx, request, in, q)
	}
	if err != nil {
		return nil, err
	}
	orderOf(request).sort(reply.rows)
	for _, r := range reply.rows {
		for _, c := range r.channels {
			if at, found := slices.BinarySearch(reply.channels, c.channel); !found {
				reply.channels = slices.Insert(reply.channels, at, c.channel)
			}
		}
	}
	return reply, nil
}

// computeWhole does so at once.
func (s *Savings) computeWhole(ctx context.Context, request *rollup.Request, in inputs,
	q *cellsQuery) ([]*quantities, error) {
	f := newFold(s, request.Keys, request.Filters, rollup.NowQuarter(&in.state.Snapshot))
	if err := s.readCells(ctx, request, q, in, f, map[string]priced{}); err != nil {
		return nil, err
	}
	if err := f.settle(ctx); err != nil {
		return nil, err
	}
	rows := f.rows()
	for _, r := range rows {
		r.settledMS = r.settling.MS()
	}
	return rows, nil
}

// priced is what the cells of an account are priced by.
type priced struct {
	store     *accountSignatures
	pricing   *pricing
	monthEnds []int64
}

func (s *Savings) priced(account string, in inputs, q *cellsQuery) priced {
	p := priced{store: s.signatures.of(account), monthEnds: q.monthEnds[account]}
	p.pricing = p.store.pricing(in.lists.Account(account), in.routes.Capabilities)
	return p
}

func (s *Savings) readCells(ctx context.Context, request *rollup.Request, q *cellsQuery, in inputs, f *fold,
	accounts map[string]priced) (err error) {
	statement, args, err := q.SQL()
	if err != nil {
		return err
	}
	rows, err := s.db.Conn.Query(s.db.Settings(ctx), statement, args...)
	if err != nil {
		return err
	}
	defer store.CloseRows(rows, &err)
	scan := newCellScan(q)
	for rows.Next() {
		if err := rows.Scan(scan.to...); err != nil {
			return err
		}
		a, met := accounts[scan.account]
		if !met {
			a = s.priced(scan.account, in, q)
			accounts[strings.Clone(scan.account)] = a
		}
		since := max(uint32(scan.conditions>>borderBit)&(1<<24-1)*quarterSeconds, store.Storable(q.fromMS))
		row := cellRow{currency: currencyText(scan.conditions), store: a.store, pricing: a.pricing,
			sinceMS: int64(since) * 1000, interval: a.pricing.interval(since),
			segments: uint8(scan.conditions >> templateBit), cells: scan.cells}
		if a.monthEnds != nil {
			row.monthEndMS = a.monthEnds[min(int(scan.conditions>>monthBit), len(a.monthEnds)-1)]
		}
		next := 0
		for _, k := range request.Keys {
			var v rollup.KeyValue
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

// cellScan is where the columns of cells.sql are scanned to.
type cellScan struct {
	to             []any
	texts          []string
	numbers        []uint8
	account, cells string
	conditions     uint64
}

func newCellScan(q *cellsQuery) *cellScan {
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
