package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Key is one group key of a row: text, or a number when Numeric is set.
type Key struct {
	Name    string
	Text    string
	Number  int
	Numeric bool
}

// String returns the value as a filter names it.
func (k Key) String() string {
	if k.Numeric {
		return strconv.Itoa(k.Number)
	}
	return k.Text
}

// Percentiles are exact nearest-rank percentiles of a latency, to the millisecond. Known is false when there was no
// sample.
type Percentiles struct {
	Known         bool
	P50, P90, P99 time.Duration
}

// Row is one row of the channel report. Fields are those of docs/definitions.md section 3.
type Row struct {
	Keys []Key

	Attempted, Sent, Delivered, Read, Clicked, Replied, Failed, Pending, Skipped, Skewed, MachineOpened int64

	Unsubscribed, Blocked, Complained int64

	Delivery, DeliveredOfAttempted, Open, ReadOfSent, Reply, Click, Delivered1m, Delivered24h, Read24h Rate

	Unsubscribe, Block, Complaint Rate

	// OpenRateBound is exact, lower, upper, mixed, or empty for null.
	OpenRateBound string

	TimeToDeliver, TimeToRead, TimeToReply Percentiles

	Mature bool
}

// MarshalJSON writes keys first, then the counts, rates and the bound in the order of testdata/examples/channels.json,
// and what the examples lack: what recipients did, percentiles (seconds) and mature.
func (r Row) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	field := func(name string) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(strconv.AppendQuote(out, name), ':')
	}
	for _, key := range r.Keys {
		field(key.Name)
		if key.Numeric {
			out = strconv.AppendInt(out, int64(key.Number), 10)
			continue
		}
		text, err := jsonText(key.Text)
		if err != nil {
			return nil, err
		}
		out = append(out, text...)
	}
	count := func(name string, n int64) {
		field(name)
		out = strconv.AppendInt(out, n, 10)
	}
	decimal := func(name string, value int64, digits int, known bool) {
		field(name)
		if !known {
			out = append(out, "null"...)
			return
		}
		out = appendDecimal(out, value, digits)
	}
	rate := func(name string, x Rate) {
		count(name+"_num", x.Num)
		count(name+"_den", x.Den)
		value, known := x.Millionths()
		decimal(name+"_rate", value, 6, known)
		low, high, known := x.Wilson()
		decimal(name+"_rate_low", low, 6, known)
		decimal(name+"_rate_high", high, 6, known)
	}
	for _, c := range [...]struct {
		name  string
		value int64
	}{{"attempted", r.Attempted}, {"sent", r.Sent}, {"delivered", r.Delivered}, {"read", r.Read},
		{"clicked", r.Clicked},
		{"replied", r.Replied}, {"failed", r.Failed}, {"pending", r.Pending}, {"skipped", r.Skipped},
		{"skewed", r.Skewed},
		{"machine_opened", r.MachineOpened}} {
		count(c.name, c.value)
	}
	for _, x := range [...]struct {
		name string
		rate Rate
	}{{"delivery", r.Delivery}, {"delivered_of_attempted", r.DeliveredOfAttempted}, {"open", r.Open},
		{"read_of_sent", r.ReadOfSent},
		{"reply", r.Reply}, {"click", r.Click}, {"delivered_1m", r.Delivered1m}, {"delivered_24h", r.Delivered24h},
		{"read_24h", r.Read24h}} {
		rate(x.name, x.rate)
	}
	field("open_rate_bound")
	if r.OpenRateBound == "" {
		out = append(out, "null"...)
	} else {
		out = strconv.AppendQuote(out, r.OpenRateBound)
	}
	count("unsubscribed", r.Unsubscribed)
	count("blocked", r.Blocked)
	count("complained", r.Complained)
	rate("unsubscribe", r.Unsubscribe)
	rate("block", r.Block)
	rate("complaint", r.Complaint)
	for _, t := range [...]struct {
		name   string
		values Percentiles
	}{{"time_to_deliver", r.TimeToDeliver}, {"time_to_read", r.TimeToRead}, {"time_to_reply", r.TimeToReply}} {
		decimal(t.name+"_p50", printed(t.values.P50), 3, t.values.Known)
		decimal(t.name+"_p90", printed(t.values.P90), 3, t.values.Known)
		decimal(t.name+"_p99", printed(t.values.P99), 3, t.values.Known)
	}
	field("mature")
	out = strconv.AppendBool(out, r.Mature)
	return append(out, '}'), nil
}

// printed rounds a latency as it is printed, in milliseconds: to 3 significant digits below 100 s, to whole seconds
// above.
func printed(latency time.Duration) int64 {
	ms, unit := latency.Milliseconds(), int64(1)
	switch {
	case ms >= 100_000:
		unit = 1000
	case ms >= 10_000:
		unit = 100
	case ms >= 1000:
		unit = 10
	}
	return (ms + unit/2) / unit * unit
}

// printedRight tells whether a latency in seconds is written with 3 significant digits below 100 s, and in whole
// seconds above.
func printedRight(seconds string) bool {
	whole, fraction, _ := strings.Cut(seconds, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if len(strings.TrimLeft(whole, "0")) > 2 {
		return strings.Trim(fraction, "0") == ""
	}
	return len(strings.TrimRight(digits, "0")) <= 3
}

// tolerable tells whether a latency, in seconds, is within the relative error of 2 % that docs/definitions.md section 3
// allows. The last digit that is printed is allowed besides, for both are rounded.
func tolerable(want, got float64) bool {
	digit := 0.001
	for _, border := range [...]float64{1, 10, 100} {
		if want >= border {
			digit *= 10
		}
	}
	return math.Abs(want-got) <= 0.02*want+digit
}

// jsonText encodes text without the escapes that are for HTML alone.
func jsonText(s string) ([]byte, error) {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		return nil, fmt.Errorf("encode %q: %w", s, err)
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// Compare returns an error that names the first differences, at most ten, between the rows that the model expects and
// the rows of an answer, a JSON array of objects. Numbers are compared as exact decimals and rows by their place; only
// the percentiles of latencies may differ, by the 2 % of docs/definitions.md section 3. An answer that lacks a field,
// or has one more, differs.
func Compare(want []Row, got json.RawMessage) error {
	decoder := json.NewDecoder(bytes.NewReader(got))
	decoder.UseNumber()
	var rows []map[string]any
	if err := decoder.Decode(&rows); err != nil {
		return fmt.Errorf("decode rows: %w", err)
	}
	expected := make([]map[string]any, len(want))
	for i, row := range want {
		encoded, err := row.MarshalJSON()
		if err != nil {
			return err
		}
		if expected[i], err = decodeRow(encoded); err != nil {
			return err
		}
	}
	return compareRows(expected, rows, func(i int) string { return fmt.Sprint(want[i].Keys) })
}

// compareRows compares rows by their place; name says which row one is.
func compareRows(want, got []map[string]any, name func(i int) string) error {
	var differences []string
	if len(want) != len(got) {
		differences = append(differences, fmt.Sprintf("%d rows, want %d", len(got), len(want)))
	}
	for i := range min(len(want), len(got)) {
		for field, value := range want[i] {
			other, found := got[i][field]
			if !found {
				differences = append(differences, fmt.Sprintf("row %d %s: no %s", i, name(i), field))
			} else if !sameValue(field, value, other) {
				differences = append(differences,
					fmt.Sprintf("row %d %s: %s is %v, want %v", i, name(i), field, other, value))
			}
		}
		for field := range got[i] {
			if _, found := want[i][field]; !found {
				differences = append(differences, fmt.Sprintf("row %d %s: %s is not of the report", i, name(i), field))
			}
		}
		if len(differences) > 10 {
			differences = append(differences[:10], "and more")
			break
		}
	}
	if len(differences) > 0 {
		return fmt.Errorf("the report differs from the model:\n%s", strings.Join(differences, "\n"))
	}
	return nil
}

func decodeRow(encoded []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil {
		return nil, fmt.Errorf("decode own row: %w", err)
	}
	return fields, nil
}

func sameValue(name string, want, got any) bool {
	x, isNumber := want.(json.Number)
	y, alsoNumber := got.(json.Number)
	if !isNumber || !alsoNumber {
		return reflect.DeepEqual(want, got)
	}
	if strings.HasPrefix(name, "time_to_") {
		a, errA := x.Float64()
		b, errB := y.Float64()
		return errA == nil && errB == nil && tolerable(a, b) && printedRight(y.String())
	}
	a, okA := new(big.Rat).SetString(x.String())
	b, okB := new(big.Rat).SetString(y.String())
	return okA && okB && a.Cmp(b) == 0
}

// truthReport is one report of a truth file.
type truthReport struct {
	GroupBy []string `json:"group_by"`
	TZ      string   `json:"tz"`
	Rows    []Row    `json:"rows"`
}

// TruthQueries lists the groupings of a truth file: between them they use every name of the channel report.
func TruthQueries() ([]Query, error) {
	var queries []Query
	for _, q := range [...]struct {
		zone  string
		names []string
	}{
		{"UTC", []string{}},
		{"UTC", []string{"channel"}},
		{"UTC", []string{"channel", "provider"}},
		{"UTC", []string{"account", "campaign"}},
		{"Europe/Moscow", []string{"day"}},
		{"Europe/Moscow", []string{"hour", "channel"}},
		{"America/New_York", []string{"hour_of_day"}},
		{"America/New_York", []string{"weekday", "step"}},
		{"Asia/Kathmandu", []string{"week"}},
		{"Asia/Kolkata", []string{"month", "account"}},
		{"Australia/Lord_Howe", []string{"day", "traffic"}},
		{"UTC", []string{"country", "operator"}},
		{"UTC", []string{"template", "sender"}},
		{"UTC", []string{"app", "channel"}},
		{"UTC", []string{"traffic", "step", "trigger"}},
	} {
		zone, err := time.LoadLocation(q.zone)
		if err != nil {
			return nil, fmt.Errorf("load zone %s: %w", q.zone, err)
		}
		queries = append(queries, Query{GroupBy: q.names, TZ: zone})
	}
	return queries, nil
}

// WriteTruth writes the model's reports over everything, in the format of testdata/examples/channels.json: an object
// with now, the name of the events' file, and a report for each query. The fields of a row are those of the example,
// what recipients did, percentiles as they are printed and mature.
func (m *Model) WriteTruth(w io.Writer, events string, queries []Query) error {
	reports := make([]truthReport, 0, len(queries))
	for _, q := range queries {
		rows, err := m.ChannelReport(q)
		if err != nil {
			return fmt.Errorf("report by %v: %w", q.GroupBy, err)
		}
		zone := time.UTC
		if q.TZ != nil {
			zone = q.TZ
		}
		reports = append(reports, truthReport{GroupBy: append([]string{}, q.GroupBy...), TZ: zone.String(), Rows: rows})
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err := encoder.Encode(struct {
		Now     string        `json:"now"`
		Events  string        `json:"events"`
		Reports []truthReport `json:"reports"`
	}{time.UnixMilli(m.now).UTC().Format(time.RFC3339Nano), events, reports})
	if err != nil {
		return fmt.Errorf("write truth: %w", err)
	}
	return nil
}

// CompareRows is Compare for rows of any report: every field must be equal, times and money as they are printed. The
// fields that are named are looked at in neither.
func CompareRows[Row json.Marshaler](want []Row, got json.RawMessage, unlooked ...string) error {
	decoder := json.NewDecoder(bytes.NewReader(got))
	decoder.UseNumber()
	var rows []map[string]any
	if err := decoder.Decode(&rows); err != nil {
		return fmt.Errorf("decode rows: %w", err)
	}
	expected := make([]map[string]any, len(want))
	texts := make([]string, len(want))
	for i, row := range want {
		encoded, err := row.MarshalJSON()
		if err != nil {
			return err
		}
		if expected[i], err = decodeRow(encoded); err != nil {
			return err
		}
		texts[i] = string(encoded)
	}
	for _, list := range [...][]map[string]any{expected, rows} {
		for _, row := range list {
			for _, name := range unlooked {
				delete(row, name)
			}
		}
	}
	return compareRows(expected, rows, func(i int) string { return texts[i] })
}
