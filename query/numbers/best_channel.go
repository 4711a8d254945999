package numbers

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/rollup"
	"kaskad/query/store"
	"kaskad/schema"
)

var (
	//go:embed sql/best_channel.sql
	bestChannelSQL string
	//go:embed sql/best_evidence.sql
	bestEvidenceSQL string

	// bestChannelTemplate fills in identifiers and expressions of this package, and nothing that a request carries.
	bestChannelTemplate = rollup.Template("best_channel.sql", bestEvidenceSQL, bestChannelSQL)
)

// bestChannelFilters choose the attempts that are looked at.
var bestChannelFilters = rollup.Keys{rollup.Dimension("account"),
	rollup.Enumeration("channel", schema.Channels.Names(), false)}

// BestChannelColumns are the columns of the best channels.
var BestChannelColumns = []answer.Column{
	{Name: "account", Text: "whose person it is"},
	{Name: "contact", Text: "the person (see derived)"},
	{Name: "channel", Of: answer.OneOf(schema.Channels.Names()...),
		Text: "the cheapest channel with a read step in the period, where none was read with a delivered " +
			"one, of channels on which the person is not lost; those priced in another currency than the " +
			"person's SMS (without one: than the first by name) come after those in it, unpriced ones " +
			"last, ties by name"},
	{Name: "recipient", Text: "of the evidence: the attempt read, or delivered, latest; then message_id, step"},
	{Name: "evidence", Of: answer.OneOf("read", "delivered"), Text: "read or delivered"},
	{Name: "cost", Type: answer.MoneyColumn,
		Text: "price, by the tariffs of as_of, of one more message like the evidence: its segments for " +
			"billing by segments, 1 unit for any other, connect_price added; windows and billable aside",
		Null: "without a price"},
	{Name: "currency", Text: "of cost; empty without a price"},
}

// bestChannelQuery is one page of people, by account and person.
type bestChannelQuery struct {
	request                    *rollup.Request
	afterAccount, afterContact string // no account and no person is ""
	asOfMS                     int64
}

// SQL returns the statement and its parameters.
func (q *bestChannelQuery) SQL() (string, []any, error) {
	return q.request.Statement(bestChannelTemplate, nil, rollup.Key.InSQL, nil,
		clickhouse.Named("after_account", q.afterAccount),
		clickhouse.Named("after_person", q.afterContact), clickhouse.Named("limit", uint32(q.request.Limit+1)),
		clickhouse.Named("as_of", q.asOfMS),
		clickhouse.Named("phone_channels", schema.Channels.TellingOf(schema.KindPhone)))
}

// bestChannel serves GET /v1/numbers/best-channel (docs/definitions.md section 5): for each person the cheapest channel
// on which something was read in the period; where nothing was, on which something was delivered. What was read or
// delivered at an address that is lost is no evidence. contact is the person, whoever the steps of a message address.
//
// cost is what one more message like the latest evidence would cost, sent and delivered: its keys choose the tariff,
// its segments are billed, the connect price is added. Channels in the currency of the person's SMS come first, without
// one in that of the first channel by name that has a price.
//
// It is an export: limit=all sends all of it as one answer. Pages are read one after another from what is known then;
// each person comes at most once, and prices are those of the first page.
func (n *Numbers) bestChannel(c *gin.Context) error {
	request, err := n.readBestChannel(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), n.db.ListTime(request.Limit == 0))
	defer cancel()
	if err := n.db.CheckZone(ctx, request.Zone); err != nil {
		return err
	}
	seen, err := n.db.Snapshot(ctx, request.Now)
	if err != nil {
		return err
	}
	q := bestChannelQuery{request: request}
	if request.At != nil {
		seen.Prices, seen.AsOfMS = request.At.Snapshot.Prices, request.At.Snapshot.AsOfMS
		q.afterAccount, q.afterContact = string(request.At.After[0]), string(request.At.After[1])
	}
	q.asOfMS = seen.UpTo()
	lists, err := n.prices.Lists(ctx, request.Accounts(), seen.Prices)
	if err != nil {
		return err
	}
	seen.Prices = &lists.Versions
	t := answer.NewList(request.Format, BestChannelColumns)
	envelope := append(request.FreshEnvelope(&seen),
		answer.Member{Name: "tariff_version", Value: answer.Count(lists.Versions.Tariffs)})
	if request.Limit == 0 {
		end, err := t.Begin(ctx, c, &n.gate.Workbooks, envelope)
		if err != nil {
			return err
		}
		defer end()
		if _, err := n.readBestChannels(ctx, &q, lists, &seen, t); err != nil {
			return fmt.Errorf("export best channels: %w", err)
		}
		return t.Finish()
	}
	last, err := n.readBestChannels(ctx, &q, lists, &seen, t)
	if err != nil {
		return fmt.Errorf("best channels: %w", err)
	}
	return t.SendPage(c, envelope, n.db.Cursors, request.Next(last, &seen))
}

// readBestChannel reads the parameters.
func (n *Numbers) readBestChannel(c *gin.Context) (*rollup.Request, error) {
	p, err := answer.ReadParams(c)
	if err != nil {
		return nil, err
	}
	r := &rollup.Request{Name: "best-channel", Format: p.Format(c.Request), Zone: p.Zone(), Now: n.db.Now()}
	r.Limit, _ = p.PageOrAll(r.Format)
	r.Filters = bestChannelFilters.Filters(p, r.Zone)
	parts := []string{r.Name, r.Zone.String(), p.Values.Get("from"), p.Values.Get("to")}
	for _, f := range r.Filters {
		parts = append(append(parts, f.Key.Name, strconv.Itoa(len(f.Values))), f.Values...)
	}
	r.Hash = answer.QueryHash(parts...)
	if r.At = n.db.Cursors.Read(c.Request.Context(), p, r.Hash, 2); r.At != nil {
		if r.At.Snapshot == nil || r.At.Snapshot.Prices == nil {
			p.Fail("cursor", "cannot be read: start again without a cursor")
		} else {
			// The period and the prices are those of the first page, however long the export takes.
			r.Now = time.UnixMilli(r.At.Snapshot.NowMS)
		}
	}
	r.FromMS, r.ToMS = p.Period(r.Now, r.Zone)
	return r, p.Err()
}

// offer is a channel on which a person can be reached.
type offer struct {
	channel, recipient, currency string
	cost                         *money.Amount // nil when it is unknown; then there is no currency
}

// newOffer prices one more message like a step that was sent and delivered. Windows, conversations and what is not
// billed are left aside.
func newOffer(list *money.PriceList, step *money.Step, recipient string, atMS int64) offer {
	o := offer{channel: step.Channel, recipient: recipient}
	step.Sent, step.Delivered, step.Conversation, step.Outside = true, true, true, true
	if cost, ok := list.Cost(step, 0, atMS); ok {
		o.cost, o.currency = &cost.Cost, cost.Tariff.Currency
	}
	return o
}

// compare orders the offers of a person, the best first.
func (o *offer) compare(other *offer, currency string) int {
	rank := func(o *offer) int {
		switch {
		case o.cost == nil:
			return 2
		case o.currency != currency:
			return 1
		}
		return 0
	}
	cost := 0
	if o.cost != nil && other.cost != nil {
		cost = o.cost.Cmp(*other.cost)
	}
	return cmp.Or(cmp.Compare(rank(o), rank(other)), cost, strings.Compare(o.channel, other.channel))
}

// proofs are what is known of a person, as best_channel.sql returns it.
type proofs struct {
	account, contact string
	read             uint8 // whether anything was read: then only what was counts
	reads            []uint8
	channels, recipients, providers, operators, countries, traffics, senders,
	apps []string
	segments []uint16
}

// evidenceName says what a best channel is known by.
func evidenceName(read uint8) string {
	if read == 1 {
		return "read"
	}
	return "delivered"
}

// destinations are the places that a row is scanned to.
func (p *proofs) destinations() []any {
	return []any{&p.account, &p.contact, &p.read, &p.reads, &p.channels, &p.recipients, &p.providers, &p.operators,
		&p.countries, &p.traffics, &p.senders, &p.apps, &p.segments}
}

// best is the best offer.
func (p *proofs) best(list *money.PriceList, atMS int64) offer {
	all := make([]offer, len(p.channels))
	for i, channel := range p.channels {
		all[i] = newOffer(list, &money.Step{Channel: channel, Provider: p.providers[i], Operator: p.operators[i],
			Country: p.countries[i], Traffic: p.traffics[i],
			Sender: p.senders[i], App: p.apps[i], Segments: p.segments[i]}, p.recipients[i], atMS)
	}
	return bestOffer(all, p.reads, p.read)
}

// bestOffer is the best of the offers that are known by reads, or by deliveries where nothing was read. SMS are there
// with each evidence, for their currency counts.
func bestOffer(all []offer, reads []uint8, read uint8) offer {
	var offers []offer
	var sms [2]string // the currency of the SMS that was delivered, and of the one that was read
	for i, o := range all {
		if o.channel == "sms" {
			sms[reads[i]] = o.currency
		}
		if reads[i] == read {
			offers = append(offers, o)
		}
	}
	slices.SortFunc(offers, func(a, b offer) int { return strings.Compare(a.channel, b.channel) })
	currency := cmp.Or(sms[1], sms[0])
	for i := range offers {
		currency = cmp.Or(currency, offers[i].currency)
	}
	return slices.MinFunc(offers, func(a, b offer) int { return a.compare(&b, currency) })
}

// readBestChannels fills the table with a page and returns the keys of its last row when there are more.
func (n *Numbers) readBestChannels(ctx context.Context, q *bestChannelQuery, lists *prices.Lists, seen *answer.Snapshot,
	t *answer.Table) (last [][]byte, err error) {
	statement, args, err := q.SQL()
	if err != nil {
		return nil, err
	}
	reading, err := n.db.WithLossCodes(n.db.ListSettings(ctx, q.request.Limit == 0))
	if err != nil {
		return nil, err
	}
	rows, err := n.db.Conn.Query(reading, statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	var p proofs
	var lastAccount, lastContact string
	for rows.Next() {
		if q.request.Limit > 0 && t.Rows == q.request.Limit {
			// This row only shows that there is a next page.
			last = [][]byte{[]byte(lastAccount), []byte(lastContact)}
			continue
		}
		if err := rows.Scan(p.destinations()...); err != nil {
			return nil, err
		}
		best := p.best(lists.Of(p.account), q.asOfMS)
		cost := answer.Null
		if best.cost != nil {
			cost = answer.Amount(*best.cost)
		}
		t.Add([]answer.Value{answer.Text(p.account), answer.Text(p.contact), answer.Text(best.channel),
			answer.Text(best.recipient), answer.Text(evidenceName(p.read)), cost,
			answer.Text(best.currency)})
		lastAccount, lastContact = p.account, p.contact
		if err := t.Flow(false); err != nil {
			return nil, err
		}
	}
	return last, rows.Err()
}
