package report

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"

	"kaskad/money"
	"kaskad/money/stored"
	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/rollup"
	"kaskad/query/store"
	"kaskad/schema/law"
)

//go:embed sql/spend.sql
var spendSQL string

// The spend report (docs/definitions.md section 4, Spend report): what each attempt cost, whatever its message did
// besides, to check an invoice.
var _ = add(&Report{
	Name:        "spend",
	For:         answer.ForAnalysts,
	Keys:        rollup.ChannelKeys,
	Extra:       rollup.Keys{rollup.CurrencyFilter},
	DefaultKeys: "channel",
	Section:     rollup.Money,
	Summary:     "What attempts cost, to check an invoice",
	Text: "Counts attempts, whatever their message does: ask for `group_by=provider,month` in the zone in which the " +
		"provider closes the month. `monthly_minimum` is in no field.",
	Around: []answer.Column{answer.TariffVersion(), answer.TemplateVersion()},
	Figures: []rollup.Figure{
		{Name: "currency", Kind: rollup.Text, Of: rollup.Currencies(),
			Formula: "of the tariff row of the attempt, sent or not; empty without one",
			Over:    "attempted steps"},
		{Name: "attempts", Formula: "count", Over: "attempted steps"},
		{Name: "sent", Formula: "count", Over: "sent attempts"},
		{Name: "delivered", Formula: "count", Over: "delivered attempts"},
		{Name: "units", Formula: "units that the tariffs bill", Over: "attempts with a price"},
		{Name: "cost", Kind: rollup.Amount, Formula: "units x price, and connect_price where it is due",
			Over: "attempts with a price", Null: "when no attempt of the row has a price"},
		{Name: "unpriced", Formula: "count",
			Over: "sent attempts without a price: a tariff or segments are missing"},
		{Name: "cost_per_delivered", Kind: rollup.Amount, Formula: "cost / delivered attempts",
			Over: "attempts with a price", Null: "when none of them was delivered"},
		{Name: "billed_segments", Formula: "sum of segments",
			Over: "sent SMS attempts that carry segments and sms_segments"},
		{Name: "computed_segments", Formula: "sum of sms_segments", Over: "the same"},
		{Name: "segment_drift", Formula: "billed_segments - computed_segments", Over: "the same"},
		{Name: "reported_attempts", Formula: "count",
			Over: "attempts with a price and a reported price in the row's currency"},
		{Name: "reported_cost", Kind: rollup.Amount, Formula: "sum of reported prices", Over: "the same",
			Null: "when no attempt of the row has a price"},
		{Name: "drift", Kind: rollup.Amount, Formula: "reported_cost - cost of the same attempts", Over: "the same",
			Null: "when no attempt of the row has a price"},
		{Name: "of_unpriced", Kind: rollup.Amount,
			Formula: "the part of cost whose message is unpriced in the savings report: cost - of_unpriced " +
				"adds up to actual_cost", Over: "attempts with a price", Null: "when no attempt of the row has a " +
				"price"},
	},
	Statement:   rollup.Template("spend.sql", spendSQL),
	Knows:       func(k rollup.Key) bool { return k.InSQL() && legKeys[k.Name] == nil },
	Tables:      []string{"builds", "rollup_spend", "routes"},
	Rollup:      rollup.Rollup{Table: "rollup_spend"},
	Long:        true,
	Materialize: readSpend,
})

const (
	// maxKnownMessages bounds what a report remembers of the messages that it has priced.
	maxKnownMessages = 1 << 18
	// spendBatch is how many rows are held until what they name is known.
	spendBatch = 1 << 16
)

// spentAlike are attempts as spend.sql returns them: alike in all that their price depends on, and their message's.
type spentAlike struct {
	// keys are those that the statement knows.
	keys            []rollup.KeyValue
	account         string
	leg             uint64
	code            uint32
	shape           uint64
	messageSegments uint16
	template        string
	since           uint32
	attempts        uint64
	billed          uint64
	computed        uint64
	reported        string
	latestMS        int64
}

// places are where a row is scanned to, behind its keys.
func (a *spentAlike) places(rows *rollup.DayRows) []any {
	return []any{&a.account, &a.leg, &a.code, &a.shape, &a.messageSegments, &a.template, &a.since,
		rollup.CountOf(&a.attempts, rows), rollup.CountOf(&a.billed, rows), rollup.CountOf(&a.computed, rows),
		&a.reported, &a.latestMS}
}

// spentMessage is all that decides whether a message is priced.
type spentMessage struct {
	account, template string
	shape             uint64
	segments          uint16
	since             uint32
}

// spendPricer prices attempts and their messages by the lists of their accounts.
type spendPricer struct {
	lists *prices.Lists
	// known is what is known of the ids of each account.
	known  map[string]*stored.Known
	priced map[spentMessage]bool
}

// step returns a step of table legs with what its code says.
func (p *spendPricer) step(account string, leg uint64, code uint32) money.Step {
	step := p.known[account].Steps[leg]
	step.Take(law.Code(code))
	return step
}

// messagePriced reports whether the savings report has a price for the attempts' message.
func (p *spendPricer) messagePriced(a *spentAlike) bool {
	key := spentMessage{a.account, a.template, a.shape, a.messageSegments, a.since}
	priced, known := p.priced[key]
	if known {
		return priced
	}
	shape := p.known[a.account].Shapes[a.shape]
	signature := money.Signature{SMSSegments: a.messageSegments}
	for i, leg := range shape.Steps {
		signature.Steps = append(signature.Steps, p.step(a.account, leg, uint32(shape.Codes[i])))
	}
	priced = p.lists.Of(a.account).Price(&signature, a.template, int64(a.since)*1000).OK
	if len(p.priced) == maxKnownMessages {
		clear(p.priced)
	}
	p.priced[key] = priced
	return priced
}

// reportedIn sums up the prices that were reported in a currency.
func (a *spentAlike) reportedIn(currency string) money.Amount {
	const size = 3 + 16
	for packed := a.reported; len(packed) >= size; packed = packed[size:] {
		if packed[:3] == currency {
			return money.Wide(int64(answer.LE64(packed[11:])), answer.LE64(packed[3:]))
		}
	}
	return money.Amount{}
}

// spendSums are the figures of a group and currency. priced attempts have a price, if of nothing.
type spendSums struct {
	attempts, sent, delivered, units, unpriced        uint64
	priced, pricedDelivered, reportedAttempts         uint64
	billed, computed                                  uint64
	cost, ofUnpriced, reportedCost, computedOfReports money.Amount
}

func (s *spendSums) values(row []answer.Value) []answer.Value {
	known := func(a money.Amount) answer.Value {
		if s.priced == 0 {
			return answer.Null
		}
		return answer.Amount(a)
	}
	return append(row, answer.Count(s.attempts), answer.Count(s.sent), answer.Count(s.delivered), answer.Count(s.units),
		known(s.cost),
		answer.Count(s.unpriced), answer.PerUnit(s.cost, s.pricedDelivered), answer.Count(s.billed),
		answer.Count(s.computed),
		answer.Decimal(int64(s.billed)-int64(s.computed), 0), answer.Count(s.reportedAttempts), known(s.reportedCost),
		known(s.reportedCost.Sub(s.computedOfReports)), known(s.ofUnpriced))
}

// spent is what a pricing says of each of the attempts that are alike.
type spent struct {
	step     money.Step
	cost     money.StepCost
	currency string
	// priced: there is a tariff, and units are known. messagePriced: the savings report counts what it cost.
	priced, messagePriced bool
}

func (p *spendPricer) price(a *spentAlike) (each spent) {
	each.step = p.step(a.account, a.leg, a.code)
	list, sinceMS := p.lists.Of(a.account), int64(a.since)*1000
	each.cost, each.priced = list.Cost(&each.step, a.messageSegments, sinceMS)
	if each.cost.Tariff == nil {
		// What was not sent needs no tariff, but counts with its like, and costs nothing where there is one.
		each.cost.Tariff = list.TariffAt(&each.step, sinceMS)
		each.priced = each.priced && each.cost.Tariff != nil
	}
	if each.cost.Tariff != nil {
		each.currency = each.cost.Tariff.Currency
	}
	if each.priced && each.cost.Cost.Sign() != 0 {
		each.messagePriced = p.messagePriced(a)
	}
	return each
}

// add counts attempts that are alike.
func (s *spendSums) add(a *spentAlike, each *spent) {
	n := a.attempts
	s.attempts += n
	if each.step.Sent {
		s.sent += n
	}
	if each.step.Delivered {
		s.delivered += n
	}
	s.billed += a.billed
	s.computed += a.computed
	if !each.priced {
		if each.step.Sent {
			s.unpriced += n
		}
		return
	}
	cost := each.cost.Cost.Times(int64(n))
	s.priced += n
	if each.step.Delivered {
		s.pricedDelivered += n
	}
	s.units += n * each.cost.Units
	s.cost = s.cost.Add(cost)
	if !each.messagePriced {
		s.ofUnpriced = s.ofUnpriced.Add(cost)
	}
	for _, currency := range each.step.ReportedIn {
		if currency == each.currency {
			s.reportedAttempts += n
			s.reportedCost = s.reportedCost.Add(a.reportedIn(currency))
			s.computedOfReports = s.computedOfReports.Add(cost)
		}
	}
}

// counts are all that is counted, and amounts all money.
func (s *spendSums) counts() [10]*uint64 {
	return [...]*uint64{&s.attempts, &s.sent, &s.delivered, &s.units, &s.unpriced, &s.priced, &s.pricedDelivered,
		&s.reportedAttempts, &s.billed, &s.computed}
}

func (s *spendSums) amounts() [4]*money.Amount {
	return [...]*money.Amount{&s.cost, &s.ofUnpriced, &s.reportedCost, &s.computedOfReports}
}

// merge adds the sums of other attempts, or takes them away.
func (s *spendSums) merge(o *spendSums, times int64) {
	more := o.counts()
	for i, n := range s.counts() {
		*n += uint64(times) * *more[i]
	}
	costs := o.amounts()
	for i, a := range s.amounts() {
		*a = a.Add(costs[i].Times(times))
	}
}

// spendDay is what the report has of a day of an account, or of all that it looks at.
type spendDay struct {
	groups rollup.Groups[spendSums]
	// settling tells when its youngest cohort settles.
	settling rollup.Settling
}

func newSpendDay() *spendDay { return &spendDay{groups: rollup.Groups[spendSums]{}} }

// Bytes is about what the day takes.
func (d *spendDay) Bytes() int64 {
	size := int64(100)
	for id := range d.groups {
		size += 400 + 2*int64(len(id))
	}
	return size
}

// Plus implements Sums.
func (d *spendDay) Plus(more *spendDay, times int64) (sums *spendDay, counts bool) {
	sums = newSpendDay()
	if sums.merge(d, 1) != nil || sums.merge(more, times) != nil || int64(sums.settling.Unsettled) < 0 {
		return nil, false
	}
	for id, g := range sums.groups {
		if g.Sums == (spendSums{}) {
			delete(sums.groups, id)
		}
		for _, n := range g.Sums.counts() {
			if int64(*n) < 0 {
				return nil, false
			}
		}
	}
	return sums, true
}

// Settle implements Sums: all rows settle together.
func (d *spendDay) Settle(visit func(row string, s rollup.Settling)) { visit("", d.settling) }

// merge adds what another day has, or takes it away.
func (d *spendDay) merge(o *spendDay, times int64) error {
	d.settling.Add(o.settling, times)
	for _, g := range o.groups {
		sums, err := d.groups.At(g.Keys)
		if err != nil {
			return err
		}
		sums.merge(&g.Sums, times)
	}
	return nil
}

func readSpend(ctx context.Context, r *Reading) ([]Row, error) {
	accounts := r.Accounts()
	lists, err := r.Prices.ListsOf(ctx, r.State.References, accounts, nil)
	if err != nil {
		return nil, err
	}
	r.More = []answer.Member{{Name: "tariff_version", Value: answer.Count(lists.Versions.Tariffs)},
		{Name: "template_version", Value: answer.Count(lists.Versions.Templates)}}
	routes, err := r.DB.Routes(ctx, r.State.References)
	if err != nil {
		return nil, err
	}
	r.Borders = slices.Concat(lists.Borders(accounts), rollup.SettlingBorders(r.Seen, routes.SettlingDays))
	reader := spendReader{Reading: r, routes: routes,
		pricer: spendPricer{lists: lists, known: map[string]*stored.Known{}, priced: map[spentMessage]bool{}}}
	days := []*rollup.Part[*spendDay]{{Sums: newSpendDay()}}
	if len(accounts) <= 1 {
		days, err = reader.readDays(ctx)
	} else {
		err = reader.read(ctx, nil, allIn(days[0].Sums))
	}
	if err != nil {
		return nil, err
	}
	r.Seen.Mature = !r.Seen.Lost
	whole := newSpendDay()
	for _, p := range days {
		r.settled(p.Sums.settling.MS())
		if err := whole.merge(p.Sums, 1); err != nil {
			return nil, err
		}
	}
	var rows []Row
	for _, g := range whole.groups {
		if g.Sums.attempts == 0 {
			continue
		}
		rows = append(rows, Row{g.Keys, g.Sums.values([]answer.Value{answer.Text(g.Keys[len(r.Keys)].Text)})})
	}
	return rows, nil
}

// spendReader reads what was spent.
type spendReader struct {
	*Reading
	routes *store.Routes
	pricer spendPricer
}

// readDays returns the days of the account in scope, or of all, of which most are remembered.
func (r *spendReader) readDays(ctx context.Context) ([]*rollup.Part[*spendDay], error) {
	borders := r.Borders
	return r.room.spendDays.Of(ctx, r.Request, r.State, r.routes, &rollup.Reader[*spendDay]{
		Depends: func(account string) []string {
			of := r.pricer.lists
			if len(r.Accounts()) > 0 {
				of, _ = of.Beside(account)
			}
			return []string{fmt.Sprint(of.Versions)}
		},
		Serves: func(string, *spendDay) bool { return true },
		Along: func(account string) bool {
			_, read := r.pricer.lists.Beside(account)
			return read
		},
		Read: func(ctx context.Context, rows *rollup.DayRows, parts []*rollup.Part[*spendDay]) error {
			r.Borders = slices.Clone(borders)
			if rows.Accounts != nil {
				r.Borders = append(r.Borders, r.pricer.lists.Borders(rows.Accounts)...)
			}
			for _, p := range parts {
				r.Borders = append(r.Borders, p.From, p.To)
			}
			return r.read(ctx, rows, rollup.PlacesOf(parts, newSpendDay))
		}})
}

// read reads and prices attempts, of some days alone where there are any, and adds them to the day of their cohorts.
func (r *spendReader) read(ctx context.Context, wanted *rollup.DayRows,
	of func(account string, day int64, settling bool) *spendDay) (err error) {
	settling := rollup.SettlingQuarters(r.Seen, r.routes.SettlingDays)
	dayOf := func(a *spentAlike) *spendDay {
		account := ""
		if wanted != nil && wanted.Accounts != nil {
			account = a.account
		}
		return of(account, int64(a.since)/rollup.DaySeconds, slices.Contains(settling, a.since))
	}
	reading := *r.Reading
	if wanted != nil && wanted.Accounts != nil {
		reading.Request = r.Of(wanted.Accounts...)
	}
	slices.Sort(r.Borders)
	rows, err := reading.queryDays(ctx, r.report.Statement, wanted, borders(slices.Compact(r.Borders)))
	if err != nil {
		return err
	}
	defer store.CloseRows(rows, &err)
	scan := r.keyScan()
	var a spentAlike
	places := append(scan.Destinations(), a.places(wanted)...)
	var batch []spentAlike
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		// Before the first border is the start of the period.
		a.since, a.keys = max(a.since, store.Storable(r.FromMS)), scan.AppendTo(nil)
		if batch = append(batch, a); len(batch) == spendBatch {
			if err := r.add(ctx, batch, dayOf); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return r.add(ctx, batch, dayOf)
}

// add prices rows and adds them to the days.
func (r *spendReader) add(ctx context.Context, batch []spentAlike, dayOf func(*spentAlike) *spendDay) error {
	named := map[string]stored.Named{}
	for i := range batch {
		a := &batch[i]
		if named[a.account].Legs == nil {
			named[a.account] = stored.Named{Legs: map[uint64]bool{}, Shapes: map[uint64]bool{}}
		}
		named[a.account].Legs[a.leg] = true
		if a.shape != 0 {
			named[a.account].Shapes[a.shape] = true
		}
	}
	known, err := r.room.know(r.DB.Settings(ctx), named)
	if err != nil {
		return err
	}
	maps.Copy(r.pricer.known, known)
	for i := range batch {
		a := &batch[i]
		each := r.pricer.price(a)
		keys, kept := r.keysOf(a, &each.step)
		if !kept {
			continue
		}
		day := dayOf(a)
		// Of cohorts that are settled the others decide.
		if settlesMS(r.routes, a.account, &each.step, int64(a.since)*1000) >= rollup.NowQuarter(r.Seen) {
			day.settling.Add(rollup.Settling{Unsettled: a.attempts,
				LastMS: settlesMS(r.routes, a.account, &each.step, a.latestMS)}, 1)
		}
		if !r.Keeps(rollup.CurrencyFilter.Name, each.currency) {
			continue
		}
		sums, err := day.groups.At(append(keys, rollup.KeyValue{Text: each.currency}))
		if err != nil {
			return err
		}
		sums.add(a, &each)
	}
	return nil
}

// keysOf returns a row's values of all keys, false where a filter leaves its leg out.
func (r *spendReader) keysOf(a *spentAlike, step *money.Step) (keys []rollup.KeyValue, kept bool) {
	for _, f := range r.Filters {
		if value := legKeys[f.Key.Name]; value != nil && !slices.Contains(f.Values, value(step)) {
			return nil, false
		}
	}
	known := a.keys
	for _, k := range r.Keys {
		if value := legKeys[k.Name]; value != nil {
			keys = append(keys, rollup.KeyValue{Text: value(step)})
			continue
		}
		keys, known = append(keys, known[0]), known[1:]
	}
	return keys, true
}
