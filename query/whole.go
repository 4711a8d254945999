package query

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"text/template"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/store"
	"kaskad/schema/errormap"
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
	keys  []keyValue
	cells []answer.Value
}

func (r wholeRow) compare(keys []keyValue) int {
	return slices.CompareFunc(r.keys, keys, keyValue.compare)
}

// bytes is about what the answer takes.
func (a *wholeAnswer) bytes() int64 {
	size := int64(100)
	for _, r := range a.rows {
		size += 48 + 32*int64(len(r.cells))
		for _, k := range r.keys {
			size += 24 + int64(len(k.text))
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
func (r *reportRequest) rowKeys() keySet { return slices.Concat(r.keys, r.further) }

// sendWhole answers with a page of a report that is computed as a whole by the first page. columns are the fields
// behind the keys; compute notes in the pin whether all of the answer is mature.
func (s *Server) sendWhole(c *gin.Context, ask *reportRequest, columns []string,
	compute func(context.Context, *answer.Snapshot) (*wholeAnswer, error)) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), wholeTime)
	defer cancel()
	connection := http.NewResponseController(c.Writer)
	_ = connection.SetReadDeadline(time.Now().Add(wholeTime + answer.WriteTimeout)) // not every writer has deadlines
	_ = connection.SetWriteDeadline(time.Now().Add(wholeTime + answer.WriteTimeout))
	var seen answer.Snapshot
	var reply *wholeAnswer
	start := 0
	if ask.at != nil {
		seen = *ask.at.Snapshot
		if reply = s.wholes.get(ask.wholeKey(&seen)); reply == nil {
			return answer.BadParameter("cursor",
				"its answer is held no longer, as after a restart of the server: start again without a cursor")
		}
		after, err := ask.rowAfter()
		if err != nil {
			return err
		}
		var found bool
		if start, found = slices.BinarySearchFunc(reply.rows, after, wholeRow.compare); found {
			start++
		}
	} else {
		err := s.db.CheckZone(ctx, ask.zone)
		if err != nil {
			return err
		}
		if seen, err = s.pinReport(ctx, ask); err != nil {
			return err
		}
		if reply, err = compute(ctx, &seen); err != nil {
			return fmt.Errorf("report %s: %w", ask.name, err)
		}
		slices.SortFunc(reply.rows, func(a, b wholeRow) int { return a.compare(b.keys) })
	}

	t := answer.NewTable(ask.format, ask.keys.names(), columns)
	end := min(start+ask.limit, len(reply.rows))
	var line []answer.Value
	for _, r := range reply.rows[start:end] {
		line = line[:0]
		for i, k := range ask.keys {
			line = append(line, r.keys[i].value(k))
		}
		t.Add(append(line, r.cells...))
	}
	var last [][]byte
	if end < len(reply.rows) {
		for i, k := range ask.rowKeys() {
			last = append(last, []byte(reply.rows[end-1].keys[i].shown(k)))
		}
		s.wholes.put(ask.wholeKey(&seen), reply)
	}
	return t.SendPage(c, append(ask.envelope(&seen), reply.more...), s.db.Cursors, ask.next(last, &seen))
}

// wholeSettings are those of the statements that compute such a report.
func (s *Server) wholeSettings(ctx context.Context) context.Context {
	return clickhouse.Context(s.db.Settings(ctx), clickhouse.WithSettings(clickhouse.Settings{
		"readonly": 2, "log_queries": 0, "max_execution_time": int(wholeTime.Seconds()), "join_use_nulls": 0,
	}))
}

// wholeKey tells the answer apart from those that the same request had at other times.
func (r *reportRequest) wholeKey(seen *answer.Snapshot) string {
	return string(answer.QueryHash(string(r.hash), strconv.FormatInt(seen.ReadMS, 10),
		strconv.FormatInt(seen.NowMS, 10),
		strconv.FormatUint(seen.Edition, 10)))
}

// rowAfter returns the keys of the row that the cursor stands behind.
func (r *reportRequest) rowAfter() ([]keyValue, error) {
	var after []keyValue
	for i, k := range r.rowKeys() {
		v, err := parseKey(string(r.at.After[i]), k)
		if err != nil {
			return nil, answer.BadParameter("cursor", "cannot be read: start again without a cursor")
		}
		after = append(after, v)
	}
	return after, nil
}

// keyScan is where the columns of keys are scanned to.
type keyScan struct {
	keys    keySet
	texts   []string
	numbers []uint8
}

// destinations are the places that the columns of the keys are scanned to.
func (k *keyScan) destinations() (to []any) {
	k.texts, k.numbers = make([]string, len(k.keys)), make([]uint8, len(k.keys))
	for i, key := range k.keys {
		if key.number {
			to = append(to, &k.numbers[i])
		} else {
			to = append(to, &k.texts[i])
		}
	}
	return to
}

// appendTo appends what was scanned.
func (k *keyScan) appendTo(values []keyValue) []keyValue {
	for i := range k.keys {
		values = append(values, keyValue{text: k.texts[i], number: uint16(k.numbers[i])})
	}
	return values
}

// keysText is a text that differs for different keys.
func keysText(keys []keyValue) string {
	var all []byte
	for _, k := range keys {
		all = k.appendTo(all)
	}
	return string(all)
}

// wholeSQL is what the statements of such reports have in common.
type wholeSQL struct {
	Page             bool // not everything at once
	Keys             []keySQL
	Filters          []filterSQL
	Accounts, Single bool
	Route, Class     string
	Channel          bool // no other than parameter channel is looked at
}

// inSQL tells whether a statement knows the key; what it does not know is found out after reading.
func (k key) inSQL() bool { return k.cell != "" }

// statement fills a template for the keys and filters that inSQL keeps; the others are known after reading.
func (r *reportRequest) statement(t *template.Template, routes []store.Capability, inSQL func(key) bool,
	more ...any) (string,
	[]any, error) {
	args := append([]any{clickhouse.Named("from", store.Storable(r.fromMS)),
		clickhouse.Named("to", store.Storable(r.toMS))},
		more...)
	var data wholeSQL
	var routeArgs []any
	data.Route, routeArgs = store.CapabilitySQL(routes)
	data.Class, data.Page = errormap.ClassSQL("r"), r.limit > 0
	args = append(args, routeArgs...)
	timed := false
	for _, k := range r.keys {
		if !inSQL(k) {
			continue
		}
		column := "c" + strconv.Itoa(len(data.Keys))
		data.Keys = append(data.Keys, keySQL{Cell: k.cell, Column: column, Shown: k.shown(column),
			Name: "k" + strconv.Itoa(len(data.Keys))})
		timed = timed || k.timed()
	}
	for _, f := range r.filters {
		if !inSQL(f.key) {
			continue
		}
		parameter := "filter_" + f.key.name
		data.Filters = append(data.Filters,
			filterSQL{f.key.shown(f.key.cell), "{" + parameter + ":Array(" + f.key.parameterType() + ")}"})
		data.Accounts = data.Accounts || f.key.name == "account"
		timed = timed || f.key.timed()
		values, err := f.argument()
		if err != nil {
			return "", nil, err
		}
		args = append(args, clickhouse.Named(parameter, values))
	}
	if timed {
		args = append(args, clickhouse.Named("tz", r.zone.String()))
	}
	statement, err := store.Fill(t, data)
	return statement, args, err
}

// keepsValue tells whether the filter by a name, if there is one, keeps a value.
func (r *reportRequest) keepsValue(name, value string) bool {
	for _, f := range r.filters {
		if f.key.name == name && !slices.Contains(f.values, value) {
			return false
		}
	}
	return true
}
