package model

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"
)

// Query selects and groups the attempts of a channel report. Names are those of docs/definitions.md section 3.
type Query struct {
	// GroupBy names the keys of a row. Without any there is one row.
	GroupBy []string
	// TZ is the zone of the time names; nil is UTC.
	TZ *time.Location
	// From and To bound the cohorts, half-open, on quarter hours. Zero values are 400 days before now and an hour after
	// it, both widened to a quarter hour.
	From, To time.Time
	// Filters keeps the attempts whose value of each name is one of the listed, written as in the report.
	Filters map[string][]string
	// Aliases are the accounts' own names of providers: by account, what a name stands for.
	Aliases map[string]map[string]string
}

const quarterHourMS = int64(15 * time.Minute / time.Millisecond)

// Settling returns the milliseconds after which a channel's cohort is mature, 0 for what is no channel.
func Settling(channel string) int64 {
	switch channel {
	case "push", "flash_call", "voice", "vk", "ok", "telegram":
		return dayMS
	case "sms":
		return 3 * dayMS
	case "email", "rcs", "messenger", "instagram":
		return 7 * dayMS
	case "viber":
		return 14 * dayMS
	case "whatsapp":
		return 30 * dayMS
	}
	return 0
}

// ChannelReport computes the channel report over all accounts. It returns an error when a name is unknown or a bound
// lies off the quarter hour. Rows come in the order of their keys, numbers as numbers, text by its bytes.
func (m *Model) ChannelReport(q Query) ([]Row, error) {
	from, to, err := m.Bounds(q)
	if err != nil {
		return nil, err
	}
	zone := q.TZ
	if zone == nil {
		zone = time.UTC
	}
	names := slices.Clone(q.GroupBy)
	for name := range q.Filters {
		names = append(names, name)
	}
	for _, name := range names {
		if _, err := m.Key(name, "", &Attempt{}, 0, zone); err != nil {
			return nil, err
		}
	}

	attributions := m.attributions()
	groups := make(map[string]*group)
	if len(q.GroupBy) == 0 {
		groups[""] = newGroup(nil)
	}
	var keys []Key
	var id []byte
	for mk, msg := range m.messages {
		cohort, known := msg.cohort()
		if !known || cohort < from || cohort >= to {
			continue
		}
		for i := range msg.attempts {
			a := &msg.attempts[i]
			if !m.passes(q.Filters, mk, a, cohort, zone) {
				continue
			}
			keys, id = keys[:0], id[:0]
			for _, name := range q.GroupBy {
				key, _ := m.Key(name, m.strings[mk.account], a, cohort, zone)
				keys = append(keys, key)
				id = strconv.AppendInt(id, int64(len(key.Text)), 10)
				id = append(append(id, ':'), key.Text...)
				id = append(strconv.AppendInt(id, int64(key.Number), 10), ';')
			}
			g := groups[string(id)]
			if g == nil {
				g = newGroup(slices.Clone(keys))
				groups[string(id)] = g
			}
			g.add(m, a, cohort, attributions[a], q.Aliases[m.strings[mk.account]])
		}
	}
	rows := make([]Row, 0, len(groups))
	for _, g := range groups {
		rows = append(rows, g.finish())
	}
	slices.SortFunc(rows, func(x, y Row) int { return slices.CompareFunc(x.Keys, y.Keys, Key.compare) })
	return rows, nil
}

// Bounds returns the period of a query, from ≤ cohort < to, in Unix milliseconds.
func (m *Model) Bounds(q Query) (from, to int64, err error) {
	from = (m.now - maxAge) / quarterHourMS * quarterHourMS
	to = (m.now + maxAhead + quarterHourMS - 1) / quarterHourMS * quarterHourMS
	if !q.From.IsZero() {
		from = q.From.UnixMilli()
	}
	if !q.To.IsZero() {
		to = q.To.UnixMilli()
	}
	if from%quarterHourMS != 0 || to%quarterHourMS != 0 {
		return 0, 0, fmt.Errorf("from, to: %s and %s must lie on quarter hours", q.From, q.To)
	}
	return from, to, nil
}

func (m *Model) passes(filters map[string][]string, mk MessageKey, a *Attempt, cohort int64, zone *time.Location) bool {
	for name, wanted := range filters {
		key, _ := m.Key(name, m.strings[mk.account], a, cohort, zone)
		if !slices.Contains(wanted, key.String()) {
			return false
		}
	}
	return true
}

// Key returns the attempt's value of a group name.
func (m *Model) Key(name, account string, a *Attempt, cohort int64, zone *time.Location) (Key, error) {
	text := func(s string) (Key, error) { return Key{Name: name, Text: s}, nil }
	number := func(n int) (Key, error) { return Key{Name: name, Number: n, Numeric: true}, nil }
	dim := func(i int) (Key, error) { return text(m.strings[a.dims[i]]) }
	switch name {
	case "account":
		return text(account)
	case "channel":
		return dim(dimChannel)
	case "provider":
		return dim(dimProvider)
	case "campaign":
		return dim(dimCampaign)
	case "template":
		return dim(dimTemplate)
	case "sender":
		return dim(dimSender)
	case "app":
		return dim(dimApp)
	case "operator":
		return dim(dimOperator)
	case "traffic":
		return dim(dimTraffic)
	case "trigger":
		return dim(dimTrigger)
	case "country":
		return text(m.countryOf(a))
	case "step":
		return number(int(a.Step))
	}
	return timeKey(name, time.UnixMilli(cohort).In(zone))
}

// timeKey returns the value of a time name at a local time.
func timeKey(name string, t time.Time) (Key, error) {
	text := func(s string) (Key, error) { return Key{Name: name, Text: s}, nil }
	number := func(n int) (Key, error) { return Key{Name: name, Number: n, Numeric: true}, nil }
	switch name {
	case "hour":
		// The hour keeps the offset of its own instants: an hour that clocks repeat is two hours.
		_, offset := t.Zone()
		return text(t.In(time.FixedZone("", offset)).Format("2006-01-02T15:00:00-07:00"))
	case "day":
		return text(t.Format(time.DateOnly))
	case "week":
		return text(t.AddDate(0, 0, -(int(t.Weekday())+6)%7).Format(time.DateOnly))
	case "month":
		return text(t.Format("2006-01"))
	case "hour_of_day":
		return number(t.Hour())
	case "weekday":
		return number((int(t.Weekday())+6)%7 + 1)
	}
	return Key{}, fmt.Errorf("group_by: %q is no name of the channel report", name)
}

// countryOf returns the country of a phone number; of another recipient what its events say, or else its "user:CC.…" id
// does.
func (m *Model) countryOf(a *Attempt) string {
	if strings.HasPrefix(a.Recipient, "+") {
		return m.country(a.Recipient)
	}
	if a.country != 0 {
		return m.strings[a.country]
	}
	id, user := strings.CutPrefix(a.Recipient, "user:")
	if code, _, dotted := strings.Cut(id, "."); user && dotted && capitals(code, 2) {
		return code
	}
	return ""
}

// country returns the ISO 3166 code of a phone number, empty where libphonenumber knows none and for other recipients.
func (m *Model) country(recipient string) string {
	if !strings.HasPrefix(recipient, "+") {
		return ""
	}
	region, known := m.regions[recipient]
	if !known {
		if number, err := phonenumbers.Parse(recipient, ""); err == nil {
			region = phonenumbers.GetRegionCodeForNumber(number)
		}
		// "001" stands for numbers of the whole world and "ZZ" for an unknown region: neither is a country.
		if region == "001" || region == "ZZ" {
			region = ""
		}
		m.regions[recipient] = region
	}
	return region
}

// group gathers the attempts of one row.
type group struct {
	row                     Row
	exact, lower, upper     bool
	deliver, reads, replies []int64
}

func newGroup(keys []Key) *group {
	return &group{row: Row{Keys: keys, Mature: true}}
}

func (g *group) add(m *Model, a *Attempt, cohort int64, events attributed, aliases map[string]string) {
	delivery, reads := m.routeOf(a, aliases)
	f := a.derive(cohort)
	r := &g.row

	r.Mature = r.Mature && cohort+Settling(m.Channel(a)) < m.now
	if f.Skipped {
		r.Skipped++
		return
	}
	r.Attempted++
	count := func(n *int64, when bool) {
		if when {
			*n++
		}
	}
	count(&r.Sent, f.Sent)
	count(&r.Delivered, f.Delivered)
	count(&r.Read, f.Read)
	count(&r.Clicked, f.clicked)
	count(&r.Replied, f.replied)
	count(&r.Failed, f.Failed)
	count(&r.Pending, !f.Delivered && !f.Failed)
	count(&r.Skewed, f.skewed)
	count(&r.MachineOpened, f.MachineOpened)
	count(&r.Unsubscribed, events.unsubscribed)
	count(&r.Blocked, events.blocked)
	count(&r.Complained, events.complained)

	rate := func(x *Rate, num, den bool) {
		count(&x.Num, num && den)
		count(&x.Den, den)
	}
	rate(&r.Delivery, f.Delivered, delivery && f.Sent)
	rate(&r.DeliveredOfAttempted, f.Delivered, delivery)
	rate(&r.Reply, f.replied, delivery && f.Delivered)
	rate(&r.Click, f.clicked, delivery && f.Delivered)
	rate(&r.Unsubscribe, events.unsubscribed, delivery && f.Delivered)
	rate(&r.Block, events.blocked, delivery && f.Delivered)
	rate(&r.Complaint, events.complained, delivery && f.Delivered)
	rate(&r.Open, f.Read, reads != readsNone && f.Delivered)
	rate(&r.ReadOfSent, f.Read, reads != readsNone && f.Sent)

	over := func(window int64) bool { return f.Sent && !f.skewed && f.Start != Unknown && f.Start+window < m.now }
	within := func(latency, window int64) bool { return latency != Unknown && latency <= window }
	rate(&r.Delivered1m, within(f.toDeliver, 60_000), delivery && over(60_000))
	rate(&r.Delivered24h, within(f.toDeliver, dayMS), delivery && over(dayMS))
	rate(&r.Read24h, within(f.toRead, dayMS), reads != readsNone && over(dayMS))

	if f.Delivered {
		g.exact = g.exact || reads == readsExact
		g.lower = g.lower || reads == readsLower
		g.upper = g.upper || reads == readsUpper
	}
	sample := func(samples *[]int64, latency int64, when bool) {
		if when && latency != Unknown {
			*samples = append(*samples, latency)
		}
	}
	sample(&g.deliver, f.toDeliver, delivery)
	sample(&g.reads, f.toRead, reads != readsNone)
	sample(&g.replies, f.toReply, delivery)
}

func (g *group) finish() Row {
	switch {
	case g.lower && g.upper:
		g.row.OpenRateBound = "mixed"
	case g.upper:
		g.row.OpenRateBound = "upper"
	case g.lower:
		g.row.OpenRateBound = "lower"
	case g.exact:
		g.row.OpenRateBound = "exact"
	}
	g.row.TimeToDeliver = percentiles(g.deliver)
	g.row.TimeToRead = percentiles(g.reads)
	g.row.TimeToReply = percentiles(g.replies)
	return g.row
}

// percentiles returns the exact nearest-rank percentiles: the value at rank ⌈p·n ÷ 100⌉.
func percentiles(samples []int64) Percentiles {
	n := len(samples)
	if n == 0 {
		return Percentiles{}
	}
	slices.Sort(samples)
	at := func(p int) time.Duration {
		return time.Duration(samples[(p*n+99)/100-1]) * time.Millisecond
	}
	return Percentiles{Known: true, P50: at(50), P90: at(90), P99: at(99)}
}

// compare orders numbers as numbers and text by its bytes.
func (k Key) compare(other Key) int {
	if c := cmp.Compare(k.Number, other.Number); c != 0 {
		return c
	}
	return strings.Compare(k.Text, other.Text)
}

// Zone is the zone of the time names.
func (q Query) Zone() *time.Location {
	if q.TZ == nil {
		return time.UTC
	}
	return q.TZ
}

// CompareKeys orders rows by their keys, numbers as numbers and text by its bytes.
func CompareKeys(x, y []Key) int { return slices.CompareFunc(x, y, Key.compare) }
