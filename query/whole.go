package query

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/report"
)

// wholeTime is how long such a report may take: one over tens of millions of people reads all of their attempts.
const wholeTime = 10 * time.Minute

// maxWholeRows bounds an answer that is kept as a whole.
const maxWholeRows = 100_000

// wholeAnswer is a report over tables that hold no past: what a page reads a minute later may be another state of them.
// So it is computed once, as a whole, and its pages are cut from memory. It never changes once it is made.
type wholeAnswer struct {
	rows []wholeRow
	// more are the members of the envelope that only this report has.
	more []answer.Member
}

// wholeRow is a row as it is shown.
type wholeRow struct {
	// keys are the values of the report's keys, and of the further names that rows are apart by.
	keys  []report.KeyValue
	cells []answer.Value
}

func (r wholeRow) compare(keys []report.KeyValue) int {
	return slices.CompareFunc(r.keys, keys, report.KeyValue.Compare)
}

// Bytes is about what the answer takes.
func (a *wholeAnswer) Bytes() int64 {
	size := int64(100)
	for _, r := range a.rows {
		size += 48 + 32*int64(len(r.cells))
		for _, k := range r.keys {
			size += 24 + int64(len(k.Text))
		}
		for _, v := range r.cells {
			size += v.Size()
		}
	}
	return size
}

// tooManyRows is the answer to a request whose rows would fill the memory.
func tooManyRows() *answer.Problem {
	return answer.NewProblem(http.StatusServiceUnavailable, "too-large",
		fmt.Sprintf("the answer has more than %d rows: shorten from…to, group by less, or filter", maxWholeRows))
}

// rowKeys are all names that rows are apart by, in the order of rows.
func rowKeys(r *report.Request) report.Keys { return slices.Concat(r.Keys, r.Extra) }

// sendWhole answers with a page of a report that is computed as a whole by the first page. columns are the fields
// behind the keys; compute notes in the pin whether all of the answer is mature.
func (s *Server) sendWhole(c *gin.Context, ask *report.Request, columns []string,
	compute func(context.Context, *answer.Snapshot) (*wholeAnswer, error)) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), wholeTime)
	defer cancel()
	connection := http.NewResponseController(c.Writer)
	_ = connection.SetReadDeadline(time.Now().Add(wholeTime + answer.WriteTimeout)) // not every writer has deadlines
	_ = connection.SetWriteDeadline(time.Now().Add(wholeTime + answer.WriteTimeout))
	var seen answer.Snapshot
	var reply *wholeAnswer
	start := 0
	if ask.At != nil {
		seen = *ask.At.Snapshot
		if reply = s.wholes.Get(wholeKey(ask, &seen)); reply == nil {
			return answer.BadParameter("cursor",
				"its answer is held no longer, as after a restart of the server: start again without a cursor")
		}
		after, err := rowAfter(ask)
		if err != nil {
			return err
		}
		var found bool
		if start, found = slices.BinarySearchFunc(reply.rows, after, wholeRow.compare); found {
			start++
		}
	} else {
		err := s.db.CheckZone(ctx, ask.Zone)
		if err != nil {
			return err
		}
		if seen, err = ask.Snapshot(ctx, s.db); err != nil {
			return err
		}
		if reply, err = compute(ctx, &seen); err != nil {
			return fmt.Errorf("report %s: %w", ask.Name, err)
		}
		slices.SortFunc(reply.rows, func(a, b wholeRow) int { return a.compare(b.keys) })
	}

	t := answer.NewTable(ask.Format, ask.Keys.Names(), columns)
	end := min(start+ask.Limit, len(reply.rows))
	var line []answer.Value
	for _, r := range reply.rows[start:end] {
		line = line[:0]
		for i, k := range ask.Keys {
			line = append(line, r.keys[i].Value(k))
		}
		t.Add(append(line, r.cells...))
	}
	var last [][]byte
	if end < len(reply.rows) {
		for i, k := range rowKeys(ask) {
			last = append(last, []byte(reply.rows[end-1].keys[i].Shown(k)))
		}
		s.wholes.Put(wholeKey(ask, &seen), reply)
	}
	return t.SendPage(c, append(ask.Envelope(&seen), reply.more...), s.db.Cursors, ask.Next(last, &seen))
}

// wholeSettings are those of the statements that compute such a report.
func (s *Server) wholeSettings(ctx context.Context) context.Context {
	return clickhouse.Context(s.db.Settings(ctx), clickhouse.WithSettings(clickhouse.Settings{
		"readonly": 2, "log_queries": 0, "max_execution_time": int(wholeTime.Seconds()), "join_use_nulls": 0,
	}))
}

// wholeKey tells the answer apart from those that the same request had at other times.
func wholeKey(r *report.Request, seen *answer.Snapshot) string {
	return string(answer.QueryHash(string(r.Hash), strconv.FormatInt(seen.ReadMS, 10),
		strconv.FormatInt(seen.NowMS, 10),
		strconv.FormatUint(seen.Edition, 10)))
}

// rowAfter returns the keys of the row that the cursor stands behind.
func rowAfter(r *report.Request) ([]report.KeyValue, error) {
	var after []report.KeyValue
	for i, k := range rowKeys(r) {
		v, err := report.ParseKey(string(r.At.After[i]), k)
		if err != nil {
			return nil, answer.BadParameter("cursor", "cannot be read: start again without a cursor")
		}
		after = append(after, v)
	}
	return after, nil
}
