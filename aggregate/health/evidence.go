package health

import (
	"cmp"
	"slices"
	"time"

	"kaskad/schema"
	"kaskad/schema/errormap"
	"kaskad/schema/rules"
)

// lookupMailing is the mailing of a look-up that found a number invalid.
const lookupMailing = "lookup"

// Failure is a failed attempt on a channel that depends on the number, or a look-up that found the number invalid.
type Failure struct {
	AtMS    int64
	Class   string
	Guessed bool // The class is a guess: no line knows the provider's code.
	Mailing string
	// Attempt is what pricing must know of the attempt. Priced is false for a look-up, which costs nothing.
	Attempt schema.StreakAttempt
	Priced  bool
}

// hard reports whether the failure counts as a hard one: a guess alone never makes a number dead.
func (f *Failure) hard(kind string) bool { return !f.Guessed && schema.ClassHard(kind, f.Class) }

// compare orders failures by time. What it compares besides gives the attempts of a streak one order.
func (f *Failure) compare(other *Failure) int {
	x, y := &f.Attempt, &other.Attempt
	return cmp.Or(cmp.Compare(f.AtMS, other.AtMS), cmp.Compare(f.Class, other.Class),
		cmp.Compare(f.Mailing, other.Mailing), cmp.Compare(x.CohortMS, y.CohortMS), cmp.Compare(x.Leg, y.Leg),
		cmp.Compare(x.Code, y.Code), cmp.Compare(x.SMSSegments, y.SMSSegments))
}

// Delivery is a delivered attempt on any channel.
type Delivery struct {
	Channel string
	AtMS    int64
	// BearsNumber says that the channel depends on the number.
	BearsNumber bool
}

// Evidence is what the verdict on one number is decided from. Its slices need no order.
type Evidence struct {
	// Kind is schema.KindPhone or schema.KindEmail.
	Kind string
	// Failures and Successes are those within the window of evidence: attempts on channels that depend on the number,
	// and look-ups that found it invalid. Successes are times of delivery.
	Failures  []Failure
	Successes []int64
	// Deliveries are those on any channel, however old: they keep the soft rule from declaring a number dead.
	Deliveries []Delivery
	// Signals are what the recipient did that opts out, or that ends an opt-out.
	Signals []Signal
	// OwnerChangedMS is the latest change of owner that a look-up found, 0 for none.
	OwnerChangedMS int64
	// ExpiresMS is when the oldest of the evidence leaves the window, schema.Never where there is none.
	ExpiresMS int64
}

// reachableOn lists, by name, the channels that do not depend on the number and on which its recipient was delivered to
// since a moment.
func (e *Evidence) reachableOn(sinceMS int64) (on []schema.Reachable) {
	for _, d := range e.Deliveries {
		if d.BearsNumber || d.AtMS < sinceMS {
			continue
		}
		i, found := slices.BinarySearchFunc(on, d.Channel,
			func(r schema.Reachable, channel string) int { return cmp.Compare(r.Channel, channel) })
		if !found {
			on = slices.Insert(on, i, schema.Reachable{Channel: d.Channel})
		}
		on[i].LastDeliveredMS = max(on[i].LastDeliveredMS, d.AtMS)
	}
	return on
}

// Attempt is what is stored of one attempt to reach a number.
type Attempt struct {
	Channel, App, Sender string
	// CohortMS is when its message was submitted. AtMS is when it was delivered, or else when it failed.
	CohortMS, AtMS int64
	// BearsNumber says that the channel depends on the number. Failed is set on such channels alone.
	BearsNumber, Delivered, Expired, Failed bool
	// Seen says that the message was read or answered, at SeenMS.
	Seen   bool
	SeenMS int64
	// HasCode says that a failure, at ErrorMS, carries the Code of a Provider.
	HasCode        bool
	ErrorMS        int64
	Provider, Code string
	// Campaign and Pricing are those of a failed attempt.
	Campaign string
	Pricing  schema.StreakAttempt
}

// A Collector turns what is stored of one number after the other into the evidence for its verdict.
type Collector struct {
	Evidence // of the number at hand

	maps    *errormap.Maps
	nowMS   int64
	account string
	// windowMS is how long evidence counts.
	windowMS int64
	// dayText is the text of the day that was a mailing last: attempts of a mailing lie together.
	day     int64
	dayText string
}

// NewCollector returns a collector that classifies failures by the maps and reads the evidence at nowMS.
func NewCollector(maps *errormap.Maps, nowMS int64) *Collector {
	return &Collector{maps: maps, nowMS: nowMS}
}

// Reset begins with another number. It reuses the memory of the evidence on the one before.
func (c *Collector) Reset(account, number string, rules rules.Rules) {
	e := &c.Evidence
	*e = Evidence{Kind: schema.KindOf(number), Failures: e.Failures[:0], Successes: e.Successes[:0],
		Deliveries: e.Deliveries[:0], Signals: e.Signals[:0], ExpiresMS: schema.Never}
	c.account, c.windowMS = account, int64(rules.EvidenceDays)*dayMS
}

// AddAttempt adds an attempt to reach the number.
func (c *Collector) AddAttempt(a *Attempt) {
	signal := Signal{Channel: a.Channel, App: a.App, Sender: a.Sender}
	if a.Seen {
		signal.Kind, signal.AtMS = signalSeen, a.SeenMS
		c.Signals = append(c.Signals, signal)
	}
	class, guessed := schema.ClassUnknown, false
	if a.Expired {
		class = schema.ClassExpired
	}
	if a.HasCode {
		class, guessed = c.maps.Class(c.account, a.Channel, a.Provider, a.Code, a.Expired)
		if kind := optOutKind(class); kind != "" {
			signal.Kind, signal.AtMS = kind, a.ErrorMS
			c.Signals = append(c.Signals, signal)
		}
	}
	counts := a.BearsNumber && c.counts(a.CohortMS)
	if a.Delivered {
		c.Deliveries = append(c.Deliveries, Delivery{a.Channel, a.AtMS, a.BearsNumber})
		if counts {
			c.Successes = append(c.Successes, a.AtMS)
		}
	}
	if !a.Failed || !counts {
		return
	}
	mailing := a.Campaign
	if mailing == "" {
		mailing = c.dayOf(a.CohortMS)
	}
	c.Failures = append(c.Failures, Failure{AtMS: a.AtMS, Class: class, Guessed: guessed, Mailing: mailing,
		Attempt: a.Pricing, Priced: true})
}

// AddInvalid adds the times at which look-ups found the number invalid.
func (c *Collector) AddInvalid(times []int64) {
	for _, at := range times {
		if c.counts(at) {
			c.Failures = append(c.Failures, Failure{AtMS: at, Class: RuleInvalidFormat, Mailing: lookupMailing})
		}
	}
}

// counts reports whether evidence of this time is within the window, and notes when it leaves it.
func (c *Collector) counts(ms int64) bool {
	if ms < c.nowMS-c.windowMS {
		return false
	}
	c.ExpiresMS = min(c.ExpiresMS, ms+c.windowMS+1)
	return true
}

// dayOf is the mailing of an attempt without a campaign: the UTC day of its cohort.
func (c *Collector) dayOf(ms int64) string {
	if day := floorDay(ms); day != c.day || c.dayText == "" {
		c.day, c.dayText = day, time.UnixMilli(ms).UTC().Format(time.DateOnly)
	}
	return c.dayText
}
