package report

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"text/template"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/gin-gonic/gin"

	"kaskad/money/stored"
	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/rollup"
	"kaskad/query/store"
)

// materializeTime is how long a materialized report may take: one over tens of millions of people reads all of their
// attempts.
const materializeTime = 10 * time.Minute

// Room serves the reports. It is safe for concurrent use.
type Room struct {
	db     *store.DB
	prices *prices.Cache
	// answers are those that cursors still point into.
	answers rollup.Cache[*materialized]
	// channelDays, spendDays, failureDays and settledDays are what the reports are made of, channelMore what the
	// channel report knows besides, and spendKnown what is known of each account's attempts.
	channelDays rollup.DaySums[*channelDay]
	channelMore rollup.Cache[*channelDay]
	spendDays   rollup.DaySums[*spendDay]
	failureDays rollup.DaySums[*failureDay]
	settledDays rollup.DaySums[*settledDay]
	spendKnown  rollup.Cache[*stored.Known]
	totals      rollup.Cache[*totalSums]
	// audiences are the people of penetration and overlap.
	audiences rollup.Standing[*audiences]
	// compared are people who were tried on both of two values.
	compared rollup.Standing[*compared]
}

// New makes the room.
func New(db *store.DB, prices *prices.Cache) *Room {
	s := &Room{db: db, prices: prices}
	for _, limit := range []*int64{&s.spendDays.Cache.Limit, &s.spendKnown.Limit, &s.failureDays.Cache.Limit,
		&s.settledDays.Cache.Limit, &s.channelMore.Limit, &s.audiences.Cache.Limit} {
		*limit = rollup.MaxAnswerBytes / 2
	}
	return s
}

// Row is a row as it is shown.
type Row struct {
	// Keys are the values of the report's keys, and of the extra filters that rows are apart by.
	Keys  []rollup.KeyValue
	Cells []answer.Value
}

// CompareKeys orders rows by their keys.
func (r Row) CompareKeys(keys []rollup.KeyValue) int {
	return slices.CompareFunc(r.Keys, keys, rollup.KeyValue.Compare)
}

// materialized is the answer of a report over tables that hold no past: what a page reads a minute later may be another
// state of them. So it is computed once, and its pages are cut from memory. It never changes once it is made.
type materialized struct {
	rows []Row
	// more are the members of the envelope that only this report has.
	more []answer.Member
}

// Bytes is about what the answer takes.
func (a *materialized) Bytes() int64 {
	size := int64(100)
	for _, r := range a.rows {
		size += 48 + 32*int64(len(r.Cells))
		for _, k := range r.Keys {
			size += 24 + int64(len(k.Text))
		}
		for _, v := range r.Cells {
			size += v.Size()
		}
	}
	return size
}

// Reading is a report while it is read.
type Reading struct {
	*rollup.Request
	DB     *store.DB
	Prices *prices.Cache
	// State is what the request began with, and Seen what the answer is of.
	State *store.State
	Seen  *answer.Snapshot
	// More are the members of the envelope that only this report has.
	More []answer.Member
	// Borders are Unix seconds at which a price may change.
	Borders []uint32

	report *Report
	room   *Room
}

// Page is the page of a report that is read page by page.
type Page struct {
	*answer.Table
	// Last are the keys of its last row when more rows follow, as a cursor has them.
	Last [][]byte
}

// serve answers with a page of the report.
func (s *Room) serve(report *Report) func(*gin.Context) error {
	return func(c *gin.Context) error {
		request, err := Read(c, s.db, report)
		if err != nil {
			return err
		}
		within := s.db.QueryTime
		if report.Materialize != nil {
			within = materializeTime
			connection := http.NewResponseController(c.Writer)
			// not every writer has deadlines
			_ = connection.SetReadDeadline(time.Now().Add(within + answer.WriteTimeout))
			_ = connection.SetWriteDeadline(time.Now().Add(within + answer.WriteTimeout))
		}
		ctx, cancel := context.WithTimeout(c.Request.Context(), within)
		defer cancel()
		if err := s.db.CheckZone(ctx, request.Zone); err != nil {
			return err
		}
		state, err := request.State(ctx, s.db)
		if err != nil {
			return err
		}
		seen := &state.Snapshot
		reading := &Reading{Request: request, DB: s.db, Prices: s.prices, State: state, Seen: seen, report: report,
			room: s}
		page := &Page{Table: answer.NewList(request.Format, rollup.Columns(request.Keys, report.Fields()))}
		if report.Page != nil {
			err = report.Page(ctx, reading, page)
		} else {
			err = s.cut(ctx, reading, page)
		}
		if err != nil {
			return fmt.Errorf("report %s: %w", report.Name, err)
		}
		return page.SendPage(c, append(request.Envelope(seen), reading.More...), s.db.Cursors,
			request.Next(page.Last, seen))
	}
}

// cut cuts a page from a report that the first page materializes.
func (s *Room) cut(ctx context.Context, r *Reading, page *Page) error {
	all, start, err := s.materialize(ctx, r)
	if err != nil {
		return err
	}
	r.More = all.more
	end := min(start+r.Limit, len(all.rows))
	var line []answer.Value
	for _, row := range all.rows[start:end] {
		line = append(r.Keys.Values(line[:0], row.Keys), row.Cells...)
		page.Add(line)
	}
	if end < len(all.rows) {
		page.Last = rowKeys(r.Request).Shown(all.rows[end-1].Keys)
		s.answers.Put(r.answerKey(r.Seen), all)
	}
	return nil
}

// materialize returns all rows in order, and where the page begins.
func (s *Room) materialize(ctx context.Context, r *Reading) (all *materialized, start int, err error) {
	if r.At == nil {
		rows, err := r.report.Materialize(ctx, r)
		if err != nil {
			return nil, 0, err
		}
		slices.SortFunc(rows, func(a, b Row) int { return a.CompareKeys(b.Keys) })
		return &materialized{rows, r.More}, 0, nil
	}
	if all = s.answers.Get(r.answerKey(r.Seen)); all == nil {
		return nil, 0, answer.BadParameter("cursor",
			"its answer is held no longer, as after a restart of the server: start again without a cursor")
	}
	after, err := r.rowAfter()
	if err != nil {
		return nil, 0, err
	}
	start, found := slices.BinarySearchFunc(all.rows, after, Row.CompareKeys)
	if found {
		start++
	}
	return all, start, nil
}

// rowKeys are all names that rows are apart by, in the order of rows.
func rowKeys(r *rollup.Request) rollup.Keys { return slices.Concat(r.Keys, r.Extra) }

// answerKey tells the answer apart from those that the same request had at other times.
func (r *Reading) answerKey(seen *answer.Snapshot) string {
	return string(answer.QueryHash(string(r.Hash), strconv.FormatInt(seen.ReadMS, 10),
		strconv.FormatInt(seen.NowMS, 10), strconv.FormatUint(seen.Edition, 10)))
}

// rowAfter returns the keys of the row that the cursor stands behind.
func (r *Reading) rowAfter() ([]rollup.KeyValue, error) {
	var after []rollup.KeyValue
	for i, k := range rowKeys(r.Request) {
		v, err := rollup.ParseKey(string(r.At.After[i]), k)
		if err != nil {
			return nil, answer.BadParameter("cursor", "cannot be read: start again without a cursor")
		}
		after = append(after, v)
	}
	return after, nil
}

// query runs the report's statement; parameters are those that only this report has.
func (r *Reading) query(ctx context.Context, parameters ...any) (driver.Rows, error) {
	return r.queryDays(ctx, r.report.Statement, nil, parameters...)
}

// queryDays runs a statement of the report over some of the days alone, over all of them without any.
func (r *Reading) queryDays(ctx context.Context, t *template.Template, wanted *rollup.DayRows,
	parameters ...any) (driver.Rows, error) {
	routes, err := r.DB.Routes(ctx, r.State.References)
	if err != nil {
		return nil, err
	}
	cells := r.report.cells(r.Request, r.Seen, routes, r.Borders)
	if cells != nil {
		cells.Days, cells.Rows = r.State.Days, wanted
		cells.OptOuts = r.State.OptOut > 0 && wanted.OptOuts()
	}
	statement, args, err := r.report.fill(t, r.Request, cells, routes, parameters...)
	if err != nil {
		return nil, err
	}
	within := r.DB.QueryTime
	if r.report.Long {
		within = materializeTime
	}
	settings := r.DB.SettingsFor(ctx, within)
	if wanted.Few(len(r.Accounts())) {
		settings = r.DB.SmallSettings(ctx)
	}
	return r.DB.Conn.Query(settings, statement, args...)
}

// apart is the same reading of the accounts whose rows are wanted, whose first key tells them apart; what the request
// looks at where none are named.
func (r *Reading) apart(wanted *rollup.DayRows) *Reading {
	if wanted == nil || wanted.Accounts == nil {
		return r
	}
	several := *r
	several.Request = r.Of(wanted.Accounts...)
	account, _ := r.report.Keys.Find("account")
	several.Keys = append(rollup.Keys{account}, r.Keys...)
	return &several
}

// keyScan is where the keys are scanned to that the statement knows.
func (r *Reading) keyScan() rollup.KeyScan {
	return rollup.KeyScan{Keys: slices.DeleteFunc(slices.Clone(r.Keys),
		func(k rollup.Key) bool { return !r.report.knows(k) })}
}

// each runs the report's statement, and calls visit with the keys of each row once the columns behind them are scanned
// to their places.
func (r *Reading) each(ctx context.Context, places []any, visit func(keys []rollup.KeyValue) error,
	parameters ...any) error {
	rows, err := r.query(ctx, parameters...)
	if err != nil {
		return err
	}
	return r.visitRows(rows, places, visit)
}

// visitRows calls visit for each of the rows, and closes them.
func (r *Reading) visitRows(rows driver.Rows, places []any, visit func(keys []rollup.KeyValue) error) (err error) {
	defer store.CloseRows(rows, &err)
	scan := r.keyScan()
	places = append(scan.Destinations(), places...)
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		if err := visit(scan.AppendTo(nil)); err != nil {
			return err
		}
	}
	return rows.Err()
}

// settled notes whether cohorts that settle then are mature, and the answer with them.
func (r *Reading) settled(ms int64) bool {
	mature := r.Seen.Settled(ms)
	r.Seen.Mature = r.Seen.Mature && mature
	return mature
}
