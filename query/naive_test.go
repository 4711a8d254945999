package query

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"kaskad/query/querytest"
	"kaskad/schema"
)

// This file computes the channel report from cells by loops over maps, sharing nothing with the SQL.

type routeKey struct{ account, channel, provider string }

// naiveRouteOf is what the cell's channel can report; overrides come first, but a provider's before the channel's.
func naiveRouteOf(c cell, overrides map[routeKey]querytest.Capability) querytest.Capability {
	if r, found := overrides[routeKey{c.account, c.channel, c.provider}]; found {
		return r
	}
	if r, found := overrides[routeKey{"", c.channel, c.provider}]; found {
		return r
	}
	r, named := querytest.CapabilityOf(c.channel, c.provider)
	if own, found := overrides[routeKey{c.account, c.channel, "*"}]; found && !named {
		return own
	}
	return r
}

// naiveKey is a cell's key as Go's time package sees it.
func naiveKey(c cell, name string, zone *time.Location) any {
	switch name {
	case "account":
		return c.account
	case "channel":
		return c.channel
	case "provider":
		return c.provider
	case "campaign":
		return c.campaign
	case "template":
		return c.template
	case "sender":
		return c.sender
	case "app":
		return c.app
	case "operator":
		return c.operator
	case "country":
		return c.country
	case "traffic":
		return c.traffic
	case "trigger":
		return c.trigger
	case "step":
		return int(c.step)
	}
	if value, found := querytest.TimeKey(name, c.cohort, zone); found {
		return value
	}
	panic(name)
}

type naiveGroup struct {
	keys                 []any
	counts               [14]int64
	rates                map[string][2]int64
	bounds               map[string]bool
	deliver, read, reply map[uint16]uint64
	mature               bool
}

// naiveReport returns the rows that the report must have, as they look in JSON.
func naiveReport(cells []cell, groupBy []string, filters map[string][]string, zone *time.Location, from, to,
	now time.Time,
	overrides map[routeKey]querytest.Capability) []map[string]any {
	groups := map[string]*naiveGroup{}
	newGroup := func(keys []any) *naiveGroup {
		return &naiveGroup{keys: keys, rates: map[string][2]int64{}, bounds: map[string]bool{}, mature: true,
			deliver: map[uint16]uint64{}, read: map[uint16]uint64{}, reply: map[uint16]uint64{}}
	}
	if len(groupBy) == 0 {
		groups["[]"] = newGroup(nil)
	}
cells:
	for _, c := range cells {
		if c.cohort.Before(from) || !c.cohort.Before(to) {
			continue
		}
		for name, values := range filters {
			if !slices.Contains(values, fmt.Sprint(naiveKey(c, name, zone))) {
				continue cells
			}
		}
		var keys []any
		for _, name := range groupBy {
			keys = append(keys, naiveKey(c, name, zone))
		}
		id := fmt.Sprintf("%q", keys)
		if len(keys) == 0 {
			id = "[]"
		}
		g := groups[id]
		if g == nil {
			g = newGroup(keys)
			groups[id] = g
		}
		g.add(c, naiveRouteOf(c, overrides), now)
	}
	sorted := make([]*naiveGroup, 0, len(groups))
	for _, g := range groups {
		sorted = append(sorted, g)
	}
	slices.SortFunc(sorted, func(x, y *naiveGroup) int {
		for i := range x.keys {
			var order int
			if n, ok := x.keys[i].(int); ok {
				order = n - y.keys[i].(int)
			} else {
				order = strings.Compare(x.keys[i].(string), y.keys[i].(string))
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
	rows := make([]map[string]any, len(sorted))
	for i, g := range sorted {
		rows[i] = g.row(groupBy)
	}
	return rows
}

func (g *naiveGroup) add(c cell, r querytest.Capability, now time.Time) {
	for i, n := range c.counts {
		g.counts[i] += n
	}
	rate := func(name string, when bool, num, den int64) {
		if when {
			old := g.rates[name]
			g.rates[name] = [2]int64{old[0] + num, old[1] + den}
		}
	}
	attempted, sent, delivered, read, clicked, replied := c.counts[0], c.counts[1], c.counts[2], c.counts[3],
		c.counts[4], c.counts[5]
	rate("delivery", r.Delivery, delivered, sent)
	rate("delivered_of_attempted", r.Delivery, delivered, attempted)
	rate("open", r.Reads, read, delivered)
	rate("read_of_sent", r.Reads, read, sent)
	rate("reply", r.Delivery, replied, delivered)
	rate("click", r.Delivery, clicked, delivered)
	// A window is over when the quarter hour by which its first minute is, and the rest of it, are.
	over := func(rest time.Duration) bool { return c.windowEnd.IsZero() || c.windowEnd.Add(rest).Before(now) }
	rate("delivered_1m", r.Delivery && over(0), c.timed[1], c.timed[0])
	rate("delivered_24h", r.Delivery && over(24*time.Hour), c.timed[2], c.timed[0])
	rate("read_24h", r.Reads && over(24*time.Hour), c.timed[3], c.timed[0])
	rate("unsubscribe", r.Delivery, c.counts[11], delivered)
	rate("block", r.Delivery, c.counts[12], delivered)
	rate("complaint", r.Delivery, c.counts[13], delivered)
	if r.Reads && delivered > 0 {
		g.bounds[r.Bound] = true
	}
	merge := func(to, from map[uint16]uint64, when bool) {
		for k, n := range from {
			if when {
				to[k] += n
			}
		}
	}
	merge(g.deliver, c.toDeliver, r.Delivery)
	merge(g.read, c.toRead, r.Reads)
	merge(g.reply, c.toReply, r.Delivery)
	g.mature = g.mature && time.UnixMilli(c.maxMS).Add(time.Duration(r.Days)*24*time.Hour).Before(now)
}

func (g *naiveGroup) row(groupBy []string) map[string]any {
	row := map[string]any{}
	for i, name := range groupBy {
		if n, ok := g.keys[i].(int); ok {
			row[name] = json.Number(strconv.Itoa(n))
		} else {
			row[name] = strings.ToValidUTF8(g.keys[i].(string), "\ufffd")
		}
	}
	whole := func(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }
	for i, name := range []string{"attempted", "sent", "delivered", "read", "clicked", "replied", "failed", "pending",
		"skipped", "skewed", "machine_opened",
		"unsubscribed", "blocked", "complained"} {
		row[name] = whole(g.counts[i])
	}
	for _, name := range []string{"delivery", "delivered_of_attempted", "open", "read_of_sent", "reply", "click",
		"delivered_1m", "delivered_24h", "read_24h",
		"unsubscribe", "block", "complaint"} {
		r := g.rates[name]
		row[name+"_num"], row[name+"_den"], row[name+"_rate"] = whole(r[0]), whole(r[1]), any(nil)
		if r[1] > 0 {
			row[name+"_rate"] = sixDecimals(float64(r[0]) / float64(r[1]))
		}
		row[name+"_rate_low"], row[name+"_rate_high"] = naiveInterval(uint64(r[0]), uint64(r[1]))
	}
	row["open_rate_bound"] = nil
	switch {
	case g.bounds["lower"] && g.bounds["upper"]:
		row["open_rate_bound"] = "mixed"
	case g.bounds["upper"]:
		row["open_rate_bound"] = "upper"
	case g.bounds["lower"]:
		row["open_rate_bound"] = "lower"
	case g.bounds["exact"]:
		row["open_rate_bound"] = "exact"
	}
	for name, h := range map[string]map[uint16]uint64{"time_to_deliver": g.deliver, "time_to_read": g.read,
		"time_to_reply": g.reply} {
		var all []uint16
		for k, n := range h {
			for range n {
				all = append(all, k)
			}
		}
		slices.Sort(all)
		for _, p := range []int{50, 90, 99} {
			field := name + "_p" + strconv.Itoa(p)
			row[field] = nil
			if len(all) > 0 {
				rank := (p*len(all) + 99) / 100
				row[field] = naiveSeconds(schema.LatencyCellMS(all[rank-1]))
			}
		}
	}
	row["mature"] = g.mature
	return row
}

// naiveSeconds prints milliseconds as seconds of three significant digits, whole ones from 100 s on.
func naiveSeconds(ms float64) json.Number {
	ms = math.Round(ms) // a latency is whole milliseconds
	digits := 0
	for _, least := range []float64{100_000, 10_000, 1000} {
		if ms < least {
			digits++
		}
	}
	scale := math.Pow(10, float64(digits))
	return json.Number(strconv.FormatFloat(math.Floor(ms*scale/1000+0.5)/scale, 'f', -1, 64))
}

// sixDecimals prints a float as the report does; the test's counts are far too small for a float to matter at 6
// decimals.
func sixDecimals(f float64) json.Number {
	return json.Number(strconv.FormatFloat(math.Round(f*1e6)/1e6+0, 'f', -1, 64))
}

type jsonNumber = json.Number

// shownKey is naiveKey as a text.
func shownKey(c cell, name string, zone *time.Location) string {
	return fmt.Sprint(naiveKey(c, name, zone))
}

// naiveInterval is the Wilson interval as reports print it, null and null without a denominator.
func naiveInterval(num, den uint64) (low, high any) {
	if den == 0 {
		return nil, nil
	}
	lower, upper := naiveWilson(num, den)
	lowFloat, _ := lower.Float64()
	highFloat, _ := upper.Float64()
	return sixDecimals(lowFloat), sixDecimals(highFloat)
}

// naiveWilson is the textbook formula with 300 bits.
func naiveWilson(num, den uint64) (low, high *big.Float) {
	f := func() *big.Float { return new(big.Float).SetPrec(300) }
	z, _ := f().SetString("1.959963984540054")
	k, n := f().SetUint64(num), f().SetUint64(den)
	p := f().Quo(k, n)
	zz := f().Mul(z, z)
	variance := f().Quo(f().Mul(p, f().Sub(f().SetInt64(1), p)), n)
	variance.Add(variance, f().Quo(zz, f().Mul(f().SetInt64(4), f().Mul(n, n))))
	spread := f().Mul(z, f().Sqrt(variance))
	center := f().Add(p, f().Quo(zz, f().Mul(f().SetInt64(2), n)))
	scale := f().Add(f().SetInt64(1), f().Quo(zz, n))
	return f().Quo(f().Sub(center, spread), scale), f().Quo(f().Add(center, spread), scale)
}
