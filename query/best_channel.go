package query

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"text/template"
	"time"

	"kaskad/money"
	"kaskad/schema"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"
)

//go:embed best_channel.sql
var bestChannelSQL string

// bestChannelTemplate fills in identifiers and expressions of this package, and nothing that a request carries.
var bestChannelTemplate = template.Must(template.New("best_channel.sql").Parse(bestChannelSQL))

// bestChannelFilters choose the attempts that are looked at.
var bestChannelFilters = keySet{dimension("account"), enumeration("channel", schema.Channels, false)}

var bestChannelColumns = []column{{"account", columnText}, {"contact", columnText}, {"channel", columnText}, {"recipient", columnText}, {"evidence", columnText},
	{"unit_price", columnText}, {"currency", columnText}}

// bestChannelQuery is one page of people, by account and person.
type bestChannelQuery struct {
	ask                        *reportRequest
	afterAccount, afterContact string // no account and no person is ""
}

// SQL returns the statement and its parameters.
func (q *bestChannelQuery) SQL() (string, []any, error) {
	return q.ask.statement(bestChannelTemplate, nil, key.inSQL, clickhouse.Named("after_account", q.afterAccount),
		clickhouse.Named("after_person", q.afterContact), clickhouse.Named("limit", uint32(q.ask.limit+1)))
}

// bestChannel serves GET /v1/numbers/best-channel (docs/definitions.md section 5): for each person the cheapest channel on which something was read
// in the period; where nothing was, on which something was delivered. contact is the recipient of people without one.
//
// The recipient is the greatest that the evidence was seen with. unit_price is what one unit costs now, and is delivered: the connect price is part
// of it. It is looked up with the provider, operator, country, traffic, sender and app of the person's latest attempt with that evidence on the channel.
// Where a person's channels have prices in several currencies, the currency that comes first by its name counts; channels without a price come last.
//
// It is an export: limit=all sends all of it as one answer. Pages are read one after another from what is known then; each person comes at most once, and prices are those of the first page.
func (s *Server) bestChannel(c *gin.Context) error {
	ask, err := s.readBestChannel(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.listTime(ask.limit == 0))
	defer cancel()
	if err := s.checkZone(ctx, ask.zone); err != nil {
		return err
	}
	seen, err := s.pin(ctx, ask.now)
	if err != nil {
		return err
	}
	q := bestChannelQuery{ask: ask}
	if ask.at != nil {
		seen.Prices = ask.at.Pin.Prices
		q.afterAccount, q.afterContact = string(ask.at.After[0]), string(ask.at.After[1])
	}
	lists, err := s.priceLists(ctx, ask.accounts(), seen.Prices)
	if err != nil {
		return err
	}
	seen.Prices = &lists.versions
	t := newList(ask.format, bestChannelColumns)
	envelope := append(ask.freshEnvelope(&seen), member{"tariff_version", count(lists.versions.Tariffs)})
	if ask.limit == 0 {
		t.begin(c, envelope)
		if _, err := s.readBestChannels(ctx, &q, lists, &seen, t); err != nil {
			return fmt.Errorf("export best channels: %w", err)
		}
		return t.finish()
	}
	last, err := s.readBestChannels(ctx, &q, lists, &seen, t)
	if err != nil {
		return fmt.Errorf("best channels: %w", err)
	}
	nextCursor, err := ask.next(last, &seen)
	if err != nil {
		return err
	}
	t.send(c, envelope, nextCursor)
	return nil
}

// readBestChannel reads the parameters.
func (s *Server) readBestChannel(c *gin.Context) (*reportRequest, error) {
	p, err := readParams(c.Request, append(bestChannelFilters.names(), "from", "to", "tz", "limit", "cursor", "format"))
	if err != nil {
		return nil, err
	}
	r := &reportRequest{name: "best-channel", format: p.listFormat(c.Request), zone: p.zone(), now: s.config.Now(), seal: s.sealer(c)}
	r.limit, _ = p.pageOrAll(r.format)
	r.filters = bestChannelFilters.filters(p, r.zone)
	parts := []string{r.name, r.zone.String(), p.values.Get("from"), p.values.Get("to")}
	for _, f := range r.filters {
		parts = append(append(parts, f.key.name, strconv.Itoa(len(f.values))), f.values...)
	}
	r.hash = queryHash(parts...)
	if r.at = s.cursor(c.Request.Context(), p, r.hash, 2); r.at != nil {
		if r.at.Pin == nil || r.at.Pin.Prices == nil {
			p.fail("cursor", "cannot be read: start again without a cursor")
		} else {
			// The period and the prices are those of the first page, however long the export takes.
			r.now = time.UnixMilli(r.at.Pin.NowMS)
		}
	}
	r.fromMS, r.toMS = p.period(r.now, r.zone)
	return r, p.err()
}

// offer is a channel on which a person can be reached.
type offer struct {
	leg       money.Leg // keys alone
	recipient string
	tariff    *money.Tariff // nil without a price
}

// price is what a delivered unit costs.
func (o *offer) price() int64 {
	if o.tariff.Billing == money.AttemptPlusConnect {
		return o.tariff.Price + o.tariff.ConnectPrice
	}
	return o.tariff.Price
}

// compare orders the offers of a person, the best first.
func (o *offer) compare(other *offer) int {
	switch {
	case o.tariff == nil && other.tariff == nil:
		return strings.Compare(o.leg.Channel, other.leg.Channel)
	case o.tariff == nil:
		return 1
	case other.tariff == nil:
		return -1
	}
	return cmp.Or(strings.Compare(o.tariff.Currency, other.tariff.Currency), cmp.Compare(o.price(), other.price()), strings.Compare(o.leg.Channel, other.leg.Channel))
}

// readBestChannels fills the table with a page and returns the keys of its last row when there are more.
func (s *Server) readBestChannels(ctx context.Context, q *bestChannelQuery, lists *priceLists, seen *pin, t *table) (last [][]byte, err error) {
	statement, args, err := q.SQL()
	if err != nil {
		return nil, err
	}
	rows, err := s.deps.Conn.Query(s.listSettings(ctx, q.ask.limit == 0), statement, args...)
	if err != nil {
		return nil, err
	}
	defer closeRows(rows, &err)
	var account, contact, lastAccount, lastContact string
	var read uint8
	var channels, recipients, providers, operators, countries, traffics, senders, apps []string
	for rows.Next() {
		if q.ask.limit > 0 && t.rows == q.ask.limit {
			// One row too many was asked for, to know whether there are more.
			last = [][]byte{[]byte(lastAccount), []byte(lastContact)}
			continue
		}
		if err := rows.Scan(&account, &contact, &read, &channels, &recipients, &providers, &operators, &countries, &traffics, &senders, &apps); err != nil {
			return nil, err
		}
		list := lists.of(account)
		var best offer
		for i, channel := range channels {
			o := offer{recipient: recipients[i], leg: money.Leg{Channel: channel, Provider: providers[i], Operator: operators[i], Country: countries[i],
				Traffic: traffics[i], Sender: senders[i], App: apps[i]}}
			o.tariff = list.TariffAt(&o.leg, seen.NowMS)
			if i == 0 || o.compare(&best) < 0 {
				best = o
			}
		}
		evidence, price, currency := "delivered", null, null
		if read == 1 {
			evidence = "read"
		}
		if best.tariff != nil {
			price, currency = amount(money.Micros(best.price())), text(best.tariff.Currency)
		}
		t.row([]value{text(account), text(contact), text(best.leg.Channel), text(best.recipient), text(evidence), price, currency})
		lastAccount, lastContact = account, contact
		if err := t.flow(false); err != nil {
			return nil, err
		}
	}
	return last, rows.Err()
}
