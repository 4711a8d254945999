package report

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/query/store"
)

//go:embed sql/compare_people.sql
var comparePeopleSQL string

var comparePeople = rollup.Template("compare_people.sql", comparePeopleSQL)

// MinimumSample is how many attempts, or people, each side has at least of which a difference is said to be
// distinguishable. With 100 the interval of a rate is 0.2 wide at most; with fewer a difference says more about chance.
const MinimumSample = 100

// comparedRate is a rate of the channel report that values are compared by.
type comparedRate struct {
	name string
	// of returns the numerator and the denominator among sums of the channel report.
	of func(*channelSums) [2]uint64
	// den and num are conditions on an attempt by recipient (sql/compare_people.sql).
	den, num string
	// reads says that it is of routes that report reads; facts that what num asks is a fact of the attempt alone.
	reads bool
	facts string
}

// comparedRates are those that may be compared.
var comparedRates = []comparedRate{
	{name: "open", of: func(s *channelSums) [2]uint64 { return [2]uint64{s.openNum, s.openDen} },
		den: "delivered", num: "read", reads: true},
	{name: "delivery", of: func(s *channelSums) [2]uint64 { return [2]uint64{s.deliveryNum, s.deliveryDen} },
		den: "sent", num: "delivered"},
	{name: "click", of: func(s *channelSums) [2]uint64 { return [2]uint64{s.clickNum, s.deliveryNum} },
		den: "delivered", facts: "clicked_ms"},
	{name: "reply", of: func(s *channelSums) [2]uint64 { return [2]uint64{s.replyNum, s.deliveryNum} },
		den: "delivered", facts: "replied_ms"},
	{name: "read_of_sent", of: func(s *channelSums) [2]uint64 { return [2]uint64{s.openNum, s.readOfSentDen} },
		den: "sent", num: "read", reads: true},
	{name: "delivered_of_attempted",
		of:  func(s *channelSums) [2]uint64 { return [2]uint64{s.deliveryNum, s.attemptedDen} },
		num: "delivered"},
}

// Compare describes the comparison of two values of a key (docs/definitions.md section 3), whose rows are of all
// attempts and of the people who were tried on both. It is no report like the others: its values have to be named.
var Compare = &Report{
	Name:    "compare",
	For:     answer.ForMarketers,
	Keys:    rollup.ChannelKeys,
	Section: rollup.Curves,
	Summary: "Two values of a name side by side: their rates, and whether they can be told apart",
	Text: "The people who were tried on both are looked for among all attempts of the period, which takes long where " +
		"there are many: `among=all` leaves them out.",
	Figures: slices.Concat([]rollup.Figure{
		{Name: "among", Kind: rollup.Text, Of: answer.OneOf("all", "both"),
			Formula: "all: attempts of the period; both: people who were tried on both values"},
		{Name: "metric", Kind: rollup.Text, Of: answer.OneOf(rateNames()...),
			Formula: "the rate of the channel report that is compared"},
		{Name: "by", Kind: rollup.Text, Formula: "the key whose values are compared"},
	}, sideFigures("a"), sideFigures("b"), []rollup.Figure{
		{Name: "difference", Kind: rollup.Share, Formula: "a_num / a_den - b_num / b_den",
			Null: "when a_den or b_den is 0"},
		{Name: "difference_low", Kind: rollup.Share,
			Formula: "lower bound of the difference's 95 % interval: of all Newcombe's hybrid score " +
				"interval of independent proportions (method 10; Statistics in Medicine 17 (1998) 873-890), which " +
				"takes attempts as independent; of both that of paired ones (method 10; 17 (1998) 2635-2650)",
			Null: "as difference"},
		{Name: "difference_high", Kind: rollup.Share, Formula: "upper bound of the same interval",
			Null: "as difference"},
		{Name: "difference_bound", Kind: rollup.Text, Of: answer.OneOf(rollup.Bounds...),
			Formula: "exact; lower: the true difference is that or greater, for a can only be greater " +
				"than shown (a_bound lower) and b only less (b_bound upper); upper: that or less; mixed: either",
			Null: "as difference"},
		{Name: "distinguishable", Kind: rollup.Flag,
			Formula: "the interval does not hold 0, nor what the bound leaves open (lower: it lies above 0; " +
				"upper: below 0; mixed: never), and a_den and b_den are 100 or more"},
		{Name: "why_not", Kind: rollup.Text, Of: answer.OneOf("too_few", "within_noise", "bounds"),
			Formula: "too_few: a_den or b_den is below 100; bounds: one of them may hide the opposite; " +
				"within_noise: the interval holds 0", Null: "when distinguishable"},
		{Name: "tried",
			Formula: "people with an attempted step on both values, on routes that report what the metric asks",
			Null:    "among all"},
		{Name: "people", Formula: "those of them in both denominators: a_den and b_den", Null: "among all"},
		{Name: "on_both", Formula: "people of both numerators", Null: "among all"},
		{Name: "on_a_only", Formula: "people of the numerator of a alone", Null: "among all"},
		{Name: "on_b_only", Formula: "people of the numerator of b alone", Null: "among all"},
		{Name: "on_neither", Formula: "people of no numerator", Null: "among all"},
		{Name: "mature", Kind: rollup.Flag,
			Formula: "every cohort that the row looks at is older than its route's settling_days"},
	}),
	Statement: comparePeople,
	Rollup:    rollup.Rollup{Table: "rollup_attempts", Routed: true, ByRoute: true},
	Long:      true,
}

// sideFigures are those of one of the values.
func sideFigures(side string) []rollup.Figure {
	of := side + "_den is 0"
	return []rollup.Figure{
		{Name: side, Kind: rollup.Text, Formula: "the value"},
		{Name: side + "_num",
			Formula: "numerator of the metric's rate in the channel report; of people those of whom any " +
				"attempt is in it"},
		{Name: side + "_den", Formula: "its denominator, likewise"},
		{Name: side + "_rate", Kind: rollup.Share, Formula: side + "_num / " + side + "_den", Null: "when " + of},
		{Name: side + "_rate_low", Kind: rollup.Share, Formula: "lower bound of its 95 % Wilson interval",
			Null: "when " + of},
		{Name: side + "_rate_high", Kind: rollup.Share, Formula: "upper bound of it", Null: "when " + of},
		{Name: side + "_bound", Kind: rollup.Text, Of: answer.OneOf(rollup.Bounds...),
			Formula: "open_rate_bound of the channel report where the metric is of reads, else exact",
			Null:    "when " + of},
	}
}

// comparison is what is asked.
type comparison struct {
	*rollup.Request
	by rollup.Key
	// values are a and b as they are shown.
	values []string
	metric *comparedRate
	// both says that people who were tried on both are looked for, and all that attempts are.
	both, all bool
}

// readComparison reads the parameters.
func readComparison(c *gin.Context, db *store.DB) (*comparison, error) {
	p, err := answer.ReadParams(c)
	if err != nil {
		return nil, err
	}
	r := &rollup.Request{Name: Compare.Name, Format: p.Format(c.Request), Zone: p.Zone(), Now: db.Now()}
	r.Filters = Compare.Keys.Filters(p, r.Zone)
	r.FromMS, r.ToMS = p.Period(r.Now, r.Zone)
	q := &comparison{Request: r}
	by, given := p.One("by")
	if !given {
		by = "channel"
	}
	keys := comparableKeys()
	if !slices.Contains(keys, by) {
		p.Fail("by", fmt.Sprintf("%q is nothing to compare by; %s", answer.Shorten(by), answer.Suggest(by, keys)))
		return nil, p.Err()
	}
	q.by, _ = Compare.Keys.Find(by)
	if _, given := p.Values[by]; given {
		p.Fail(by, "is what is compared: name its values by values, and leave the filter out")
	}
	q.readValues(p)
	name, given := p.One("metric")
	if !given {
		name = "open"
	}
	at := slices.IndexFunc(comparedRates, func(r comparedRate) bool { return r.name == name })
	if at < 0 {
		p.Fail("metric", fmt.Sprintf("%q is no rate that is compared; %s", answer.Shorten(name),
			answer.Suggest(name, rateNames())))
		return nil, p.Err()
	}
	q.metric = &comparedRates[at]
	among, given := p.One("among")
	q.all, q.both = !given || among == "all", !given || among == "both"
	if !q.all && !q.both {
		p.Fail("among", fmt.Sprintf("%q must be all or both, or left out for either", answer.Shorten(among)))
	}
	return q, p.Err()
}

// readValues reads two values, in one parameter with a comma or, where they hold commas, in two.
func (q *comparison) readValues(p *answer.Params) {
	values := p.Values["values"]
	if len(values) == 1 {
		values = strings.Split(values[0], ",")
	}
	if len(values) != 2 {
		p.Fail("values", "must be two, as in values=viber,sms, or values=a&values=b where one holds a comma")
		return
	}
	for _, value := range values {
		shown, err := q.by.Read(value, q.Zone)
		if err != nil {
			p.Fail("values", err.Error())
			continue
		}
		q.values = append(q.values, shown)
	}
	if len(q.values) == 2 && q.values[0] == q.values[1] {
		p.Fail("values", "are the same twice: name two different ones")
	}
}

// compare serves GET /v1/reports/compare.
func (s *Room) compare(c *gin.Context) error {
	q, err := readComparison(c, s.db)
	if err != nil {
		return err
	}
	connection := http.NewResponseController(c.Writer)
	// not every writer has deadlines
	_ = connection.SetReadDeadline(time.Now().Add(materializeTime + answer.WriteTimeout))
	_ = connection.SetWriteDeadline(time.Now().Add(materializeTime + answer.WriteTimeout))
	ctx, cancel := context.WithTimeout(c.Request.Context(), materializeTime)
	defer cancel()
	if err := s.db.CheckZone(ctx, q.Zone); err != nil {
		return err
	}
	state, err := q.State(ctx, s.db)
	if err != nil {
		return err
	}
	r := &Reading{Request: q.Request, DB: s.db, Prices: s.prices, State: state, Seen: &state.Snapshot, report: Compare,
		room: s}
	r.Seen.Mature = !r.Seen.Lost
	t := answer.NewList(q.Format, Compare.Fields())
	if q.all {
		of, err := r.compareAll(ctx, q)
		if err != nil {
			return fmt.Errorf("compare %s: %w", q.by.Name, err)
		}
		t.Add(of.row(q, r))
	}
	if q.both {
		of, err := r.comparePeople(ctx, q)
		if err != nil {
			return fmt.Errorf("compare people by %s: %w", q.by.Name, err)
		}
		t.Add(of.row(q, r))
	}
	envelope := append(q.Envelope(r.Seen), answer.Member{Name: "minimum_sample", Value: answer.Count(MinimumSample)})
	return t.Send(c, envelope, answer.Null)
}

// compared are two sides.
type compared struct {
	sides [2]side
	// pairs are the people of both denominators by whose numerator they are in, and tried those that were tried on
	// both; nil among all.
	pairs     *pairs
	settledMS int64
}

type side struct {
	num, den uint64
	bound    string
}

// pairs are people: a bit of the place for the numerator of a, and one for that of b.
type pairs struct {
	cells [4]uint64
	tried uint64
}

const onA, onB = 1, 2

// compareAll compares attempts, as the channel report has them.
func (r *Reading) compareAll(ctx context.Context, q *comparison) (*compared, error) {
	values := slices.Sorted(slices.Values(q.values))
	of := r.ofChannels(rollup.Keys{q.by}, append(slices.Clone(r.Filters), rollup.Filter{Key: q.by, Values: values}))
	of.State.OptOut = 0 // No rate that is compared knows them.
	groups, err := of.channelRows(ctx)
	if err != nil {
		return nil, err
	}
	c := &compared{}
	for _, g := range groups {
		at := slices.Index(q.values, g.Keys[0].Shown(q.by))
		counts := q.metric.of(&g.Sums.channelSums)
		c.sides[at] = side{num: counts[0], den: counts[1], bound: "exact"}
		if q.metric.reads {
			c.sides[at].bound = g.Sums.bound().Plain()
		}
		c.settledMS = max(c.settledMS, g.Sums.settledMS)
	}
	return c, nil
}

// compareData is what compare_people.sql is filled in with.
type compareData struct {
	rollup.StatementData
	Den, Num, Facts string
	Reads           bool
}

// compareSQL returns the statement that finds people by what became of their attempts on both values.
func (r *Reading) compareSQL(q *comparison, routes *store.Routes) (string, []any, error) {
	data := compareData{Den: q.metric.den, Num: q.metric.num, Facts: q.metric.facts, Reads: q.metric.reads}
	var routeArgs []any
	data.Route, routeArgs = store.CapabilitySQL(routes.Lines)
	keyArgs, err := data.Fill(rollup.Keys{q.by}, append(slices.Clone(r.Filters), rollup.Filter{Key: q.by,
		Values: q.values}), r.Zone.String(), rollup.Key.InSQL)
	if err != nil {
		return "", nil, err
	}
	statement, err := store.Fill(comparePeople, data)
	args := append([]any{clickhouse.Named("from", store.Storable(r.FromMS)),
		clickhouse.Named("to", store.Storable(r.ToMS))}, routeArgs...)
	if err != nil {
		return "", nil, err
	}
	first, err := q.by.Argument(q.values[0])
	return statement, append(append(args, clickhouse.Named("after0", first)), keyArgs...), err
}

// The bits that compare_people.sql has of each side, b's above a's.
const (
	bitTried = 1 << iota
	bitDen
	bitNum
	bitExact
	bitLower
	bitUpper
	sideBits = 6
)

// Bytes is about what it takes.
func (c *compared) Bytes() int64 { return 300 }

// comparePeople compares people who were tried on both values.
func (r *Reading) comparePeople(ctx context.Context, q *comparison) (*compared, error) {
	routes, err := r.DB.Routes(ctx, r.State.References)
	if err != nil {
		return nil, err
	}
	parts := append([]string{q.metric.name, q.by.Name, r.Zone.String(), routes.Fingerprint,
		fmt.Sprint(r.FromMS, r.ToMS)}, q.values...)
	for _, f := range r.Filters {
		parts = append(parts, f.Parts()...)
	}
	tables := []string{"attempts_by_recipient", "routes"}
	if q.metric.facts != "" {
		tables = append(tables, "attempts")
	}
	return r.room.compared.Of(ctx, r.DB, &rollup.Ask{Tables: tables, Parts: parts},
		func(ctx context.Context) (*compared, error) { return r.readPeople(ctx, q, routes) })
}

// readPeople reads what became of the attempts of people on both values.
func (r *Reading) readPeople(ctx context.Context, q *comparison, routes *store.Routes) (c *compared, err error) {
	statement, args, err := r.compareSQL(q, routes)
	if err != nil {
		return nil, err
	}
	rows, err := r.DB.Conn.Query(r.DB.SettingsFor(ctx, materializeTime), statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	c = &compared{pairs: &pairs{}}
	var seen [2]uint16
	for rows.Next() {
		var bits uint16
		var people uint64
		var settledMS int64
		if err := rows.Scan(&bits, &people, &settledMS); err != nil {
			return nil, err
		}
		c.settledMS = max(c.settledMS, settledMS)
		c.pairs.tried += people
		of := [2]uint16{bits, bits >> sideBits}
		if of[0]&of[1]&bitDen == 0 {
			continue
		}
		cell := 0
		for i := range of {
			seen[i] |= of[i]
			c.sides[i].den += people
			if of[i]&bitNum != 0 {
				c.sides[i].num += people
				cell |= onA << i
			}
		}
		c.pairs.cells[cell] += people
	}
	for i := range seen {
		c.sides[i].bound = "exact"
		if q.metric.reads {
			c.sides[i].bound = (&channelSums{exact: uint64(seen[i] & bitExact), lower: uint64(seen[i] & bitLower),
				upper: uint64(seen[i] & bitUpper)}).bound().Plain()
		}
	}
	return c, rows.Err()
}

// row shows the comparison.
func (c *compared) row(q *comparison, r *Reading) []answer.Value {
	among := "all"
	a, b := c.sides[0], c.sides[1]
	difference, low, high := answer.Newcombe(a.num, a.den, b.num, b.den)
	people := []answer.Value{answer.Null, answer.Null, answer.Null, answer.Null, answer.Null, answer.Null}
	if p := c.pairs; p != nil {
		among = "both"
		difference, low, high = answer.PairedNewcombe(p.cells[onA|onB], p.cells[onA], p.cells[onB], p.cells[0])
		people = nil
		for _, n := range []uint64{p.tried, a.den, p.cells[onA|onB], p.cells[onA], p.cells[onB], p.cells[0]} {
			people = append(people, answer.Count(n))
		}
	}
	row := []answer.Value{answer.Text(among), answer.Text(q.metric.name), answer.Text(q.by.Name)}
	for i, s := range c.sides {
		row = append(row, answer.Text(q.values[i]), answer.Count(s.num), answer.Count(s.den))
		row = append(row, answer.Share(s.num, s.den)...)
		row = append(row, s.shownBound())
	}
	bound, why := differenceBound(a.bound, b.bound), answer.Null
	distinguishable := false
	switch {
	case min(a.den, b.den) < MinimumSample:
		why = answer.Text("too_few")
	case !low.Above0() && !high.Below0():
		why = answer.Text("within_noise")
	case bound == "mixed", bound == "lower" && !low.Above0(), bound == "upper" && !high.Below0():
		why = answer.Text("bounds")
	default:
		distinguishable = true
	}
	shown := answer.Null
	if a.den > 0 && b.den > 0 {
		shown = answer.Text(bound)
	}
	row = append(row, difference, low, high, shown, answer.Bool(distinguishable), why)
	return append(append(row, people...), answer.Bool(r.settled(c.settledMS)))
}

func (s side) shownBound() answer.Value {
	if s.den == 0 {
		return answer.Null
	}
	return answer.Text(s.bound)
}

// differenceBound says which way the difference of two rates errs.
func differenceBound(a, b string) string {
	grows := a == "lower" || b == "upper"
	shrinks := a == "upper" || b == "lower"
	switch {
	case a == "mixed" || b == "mixed" || grows && shrinks:
		return "mixed"
	case grows:
		return "lower"
	case shrinks:
		return "upper"
	}
	return "exact"
}

// rateNames are those that may be compared.
func rateNames() (names []string) {
	for _, r := range comparedRates {
		names = append(names, r.name)
	}
	return names
}

// comparableKeys are those whose values may be compared: nobody is a person of two accounts.
func comparableKeys() []string {
	return slices.DeleteFunc(rollup.ChannelKeys.Names(), func(name string) bool { return name == "account" })
}

// compareRoute is the route.
func (s *Room) compareRoute() answer.Route {
	const example = "viber,sms"
	params := slices.Concat(answer.PeriodParams(answer.LastDays), []answer.Param{
		{Name: "by", Text: "The name whose values are compared. Without it channel.",
			Schema: answer.OneOf(comparableKeys()...), Example: "channel"},
		{Name: "values", Text: "The two values, with a comma; twice the parameter where a value holds a comma.",
			Many: true, Schema: answer.AnyText(), Required: true, Example: example},
		{Name: "metric", Text: "The rate that is compared. Without it open.", Schema: answer.OneOf(rateNames()...),
			Example: "delivery"},
		{Name: "among", Text: "All attempts, or the people who were tried on both values. Without it a row of each.",
			Schema: answer.OneOf("all", "both"), Example: "all"},
	}, Compare.Keys.Params(), answer.FormatParams())
	for i := range params {
		if params[i].Name == "channel" { // what is compared where nothing else is said, and so no filter
			params[i].Example = nil
		}
	}
	route := answer.Get(Compare.For, Compare.Path(), s.compare, Compare.Path()+"?by=channel&values="+example+
		"&metric=delivery")
	around := slices.Concat(answer.Period(Compare.Name), answer.Fresh(), []answer.Column{answer.MatureColumn(),
		{Name: "minimum_sample", Type: answer.CountColumn,
			Text: "how many attempts or people each side has at least of which a " +
				"difference is said to be distinguishable"}})
	return route.Says(answer.TagReports, Compare.Summary, Compare.Text, params, answer.Answer{Text: "The comparison.",
		Columns: Compare.Fields(), Around: around})
}
