package savings

import (
	"cmp"
	"maps"
	"math/big"
	"slices"
	"strings"

	"kaskad/money"
	"kaskad/query/rollup"
)

// quantities is a row of the report as quantities, which may be added up over any partition of the messages.
type quantities struct {
	keys     []rollup.KeyValue
	currency string

	messages, reached, read, unpriced, estimated uint64
	priced, pricedReached, pricedRead, segments  uint64
	smsOnly, actual, savedUnreached              money.Amount
	doublePaid, doublePaidUnread, wasted         money.Amount
	reportedAttempts                             uint64
	reported, reportedComputed                   money.Amount
	readable                                     money.Amount  // cost where the channel reports reads
	readAttempts                                 uint64        // of them that were read
	channels                                     []channelCost // in the order of channels
	reasons                                      map[unpricedReason]uint64
	minimums                                     map[minimumKey]minimumSum
	mixedSenders                                 uint64 // messages with a minimum whose steps have different senders
	// settling tells when the youngest cohort settles of what is added up, settledMS that of all pieces.
	settling  rollup.Settling
	settledMS int64
	piece     piece
	rank      *big.Int // what the rows of an answer are sorted by, nil where it is not known
}

// piece is a part of an answer: a UTC day, in days of Unix time, with what settles at present or without it.
type piece struct {
	day      int64
	settling bool
}

// unpricedReason tells why messages are unpriced, and on which channel where that is one step's fault.
type unpricedReason struct{ reason, channel string }

// minimumKey is what a monthly minimum is agreed on, within one row.
type minimumKey struct {
	tariff *money.Tariff
	sender string
	// monthEndMS is when the month ends in the account's billing zone.
	monthEndMS int64
}

// minimumSum is what counts towards a minimum: sent attempts, as many of them as there are.
type minimumSum struct {
	attempts uint64
	cost     money.Amount
}

func (m minimumSum) plus(o minimumSum, times int64) minimumSum {
	return minimumSum{m.attempts + uint64(times)*o.attempts, m.cost.Add(o.cost.Times(times))}
}

// add counts n messages with one outcome. monthEndMS is 0 where their account has no monthly minimum. Where cohorts
// from sinceMS on are not settled in the quarter hour nowMS, the youngest of those that are left decides.
func (r *quantities) add(o *outcome, tally *tally, monthEndMS, sinceMS, nowMS int64) {
	n := tally.messages
	times := func(a money.Amount) money.Amount { return a.Times(int64(n)) }
	r.messages += n
	if n != 0 && sinceMS+o.settlingMS >= nowMS {
		r.settling.Add(rollup.Settling{Unsettled: n, LastMS: tally.maxMS + o.settlingMS}, 1)
	}
	if o.reached {
		r.reached += n
	}
	if o.read {
		r.read += n
	}
	if !o.priced {
		r.unpriced += n
		if r.reasons == nil {
			r.reasons = map[unpricedReason]uint64{}
		}
		r.reasons[unpricedReason{o.reason, o.reasonChannel}] += n
		return
	}
	r.priced += n
	if o.reached {
		r.pricedReached += n
	} else {
		r.savedUnreached = r.savedUnreached.Add(times(o.smsOnly.Sub(o.actual)))
	}
	if o.read {
		r.pricedRead += n
	}
	if o.estimated {
		r.estimated += n
	}
	r.segments += n * uint64(o.segments)
	r.smsOnly = r.smsOnly.Add(times(o.smsOnly))
	r.actual = r.actual.Add(times(o.actual))
	r.doublePaid = r.doublePaid.Add(times(o.doublePaid))
	r.doublePaidUnread = r.doublePaidUnread.Add(times(o.doublePaidUnread))
	r.wasted = r.wasted.Add(times(o.wasted))
	r.reportedAttempts += n * o.reportedAttempts
	r.reportedComputed = r.reportedComputed.Add(times(o.reportedComputed))
	r.readable = r.readable.Add(times(o.readable))
	r.readAttempts += n * o.readAttempts
	for _, c := range o.channels {
		r.channels = addChannel(r.channels, channelCost{c.channel, n * c.attempts, n * c.units, times(c.cost)})
	}
	if n == 0 || monthEndMS == 0 {
		return // A further currency of messages that were counted already; no minimum.
	}
	if o.mixedSenders {
		r.mixedSenders += n
	}
	for _, m := range o.minimums {
		if r.minimums == nil {
			r.minimums = map[minimumKey]minimumSum{}
		}
		key := minimumKey{m.tariff, m.sender, monthEndMS}
		r.minimums[key] = r.minimums[key].plus(minimumSum{n, times(m.cost)}, 1)
	}
}

// counts are all that is counted, and amounts all money, but for what is told apart further.
func (r *quantities) counts() [12]*uint64 {
	return [...]*uint64{&r.messages, &r.reached, &r.read, &r.unpriced, &r.estimated, &r.priced, &r.pricedReached,
		&r.pricedRead, &r.segments, &r.reportedAttempts, &r.readAttempts, &r.mixedSenders}
}

func (r *quantities) amounts() [9]*money.Amount {
	return [...]*money.Amount{&r.smsOnly, &r.actual, &r.savedUnreached, &r.doublePaid, &r.doublePaidUnread, &r.wasted,
		&r.reported, &r.reportedComputed, &r.readable}
}

// merge adds other messages of the same row, or takes them away.
func (r *quantities) merge(other *quantities, times int64) {
	more, costs := other.counts(), other.amounts()
	for i, n := range r.counts() {
		*n += uint64(times) * *more[i]
	}
	for i, a := range r.amounts() {
		*a = a.Add(costs[i].Times(times))
	}
	for _, c := range other.channels {
		r.channels = addChannel(r.channels, channelCost{c.channel, uint64(times) * c.attempts, uint64(times) * c.units,
			c.cost.Times(times)})
	}
	if r.reasons == nil && len(other.reasons) > 0 {
		r.reasons = map[unpricedReason]uint64{}
	}
	for reason, n := range other.reasons {
		r.reasons[reason] += uint64(times) * n
	}
	if r.minimums == nil && len(other.minimums) > 0 {
		r.minimums = map[minimumKey]minimumSum{}
	}
	for key, sum := range other.minimums {
		r.minimums[key] = r.minimums[key].plus(sum, times)
	}
	r.settling.Add(other.settling, times)
}

// left leaves out what nothing is left of, and tells whether there is something, and no count of it below 0.
func (r *quantities) left() (some, counts bool) {
	r.channels = slices.DeleteFunc(r.channels, func(c channelCost) bool { return c == channelCost{channel: c.channel} })
	maps.DeleteFunc(r.reasons, func(_ unpricedReason, n uint64) bool { return n == 0 })
	maps.DeleteFunc(r.minimums, func(_ minimumKey, m minimumSum) bool { return m == minimumSum{} })
	some, counts = len(r.channels)+len(r.reasons)+len(r.minimums) > 0, int64(r.settling.Unsettled) >= 0
	for _, n := range r.counts() {
		some, counts = some || *n != 0, counts && int64(*n) >= 0
	}
	for _, a := range r.amounts() {
		some = some || a.Sign() != 0
	}
	return some, counts
}

// topUp is what monthly minimums add to the cost; false while a month is not over at asOfMS.
func (r *quantities) topUp(asOfMS int64) (sum money.Amount, known bool) {
	for key, spent := range r.minimums {
		if key.monthEndMS > asOfMS {
			return money.Amount{}, false
		}
		if missing := money.Micros(key.tariff.MonthlyMinimum).Sub(spent.cost); missing.Sign() > 0 {
			sum = sum.Add(missing)
		}
	}
	return sum, true
}

func (r *quantities) saved() money.Amount        { return r.smsOnly.Sub(r.actual) }
func (r *quantities) savedReached() money.Amount { return r.saved().Sub(r.savedUnreached) }
func (r *quantities) drift() money.Amount        { return r.reported.Sub(r.reportedComputed) }

// savedRate is what was saved of the costs as plain SMS, in millionths; nil when they are nothing.
func (r *quantities) savedRate() *big.Int {
	millionths, _ := money.Rate(r.saved(), r.smsOnly)
	return millionths
}

// compare orders rows by their keys, then by currency.
func (r *quantities) compare(other *quantities) int {
	return cmp.Or(slices.CompareFunc(r.keys, other.keys, rollup.KeyValue.Compare),
		strings.Compare(r.currency, other.currency))
}
