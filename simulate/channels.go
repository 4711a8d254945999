package simulate

import (
	"fmt"
	"time"
)

// Channel is how attempts on a channel fare.
type Channel struct {
	// Providers are chosen by account: each has a favourite by weight, which takes four of five attempts.
	Providers []Provider
	// Penetration is the share of people who can be reached at all: who have the app, the messenger, an account.
	Penetration float64
	// Rejected is the share of attempts that the provider refuses at once.
	Rejected float64
	// Delivered is the share of the rest, to people who can be reached, that is delivered.
	Delivered float64
	// Read, Clicked and Replied are shares of the delivered. A click or a reply comes after a read where reads are
	// reported.
	Read, Clicked, Replied float64
	// Accept, Deliver, ReadAfter and ReplyAfter are the times from start to sent, and each from the step before it.
	Accept, Deliver, ReadAfter, ReplyAfter Delay
	// Expiry is the validity: a third of the undelivered are reported, as expired, at its end.
	Expiry time.Duration
	// Failures are the ends of the other undelivered, Unreachable of the attempts to people who cannot be reached.
	Failures, Unreachable []Failure
}

// Provider is a provider of a channel.
type Provider struct {
	Name   string
	Weight float64
	// Blind says that it reports neither deliveries nor reads: only clicks, replies and refusals come back.
	Blind bool
	// WholeSeconds says that it stamps its events with whole seconds.
	WholeSeconds bool
}

// Failure is one way to fail.
type Failure struct {
	// Status is undelivered, rejected, expired or failed; Code is the provider's error code.
	Status, Code string
	Permanent    bool
	Weight       float64
}

// Delay is a log-normal time: half of the times are below Median, two thirds within Median ÷ Spread … Median × Spread.
// The tails end at 3.46 sigma.
type Delay struct {
	Median time.Duration
	Spread float64
}

func (c Channel) validate(name string) []error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("channel "+name+": "+format, args...))
		}
	}
	fault(len(c.Providers) == 0, "no provider")
	fault(len(c.Failures) == 0 || len(c.Unreachable) == 0, "no failures")
	fault(c.Expiry <= 0 || c.Expiry > 60*24*time.Hour, "expiry %s is outside 0…60 d", c.Expiry)
	for _, share := range [...]float64{c.Penetration, c.Rejected, c.Delivered, c.Read, c.Clicked, c.Replied} {
		fault(!(share >= 0 && share <= 1), "%v is no share in 0…1", share)
	}
	for _, delay := range [...]Delay{c.Accept, c.Deliver, c.ReadAfter, c.ReplyAfter} {
		fault(delay.Median <= 0 || delay.Median > 7*24*time.Hour, "median %s is outside 0…7 d", delay.Median)
		fault(!(delay.Spread >= 1 && delay.Spread <= 16), "spread %v is outside 1…16", delay.Spread)
	}
	for _, p := range c.Providers {
		fault(p.Name == "" || !(p.Weight > 0), "a provider without name or weight")
	}
	for _, failures := range [][]Failure{c.Failures, c.Unreachable} {
		for _, f := range failures {
			fault(!oneOf(f.Status, "undelivered", "rejected", "expired", "failed"), "%q is no failure", f.Status)
			fault(!(f.Weight > 0), "a failure without weight")
		}
	}
	return faults
}

// DefaultChannels returns how the channels behave. Figures with a source name it: "guide" are the project's seed
// articles (the list of channels in its domain notes); all others are assumptions.
func DefaultChannels() map[string]Channel {
	second, minute, hour, day := time.Second, time.Minute, time.Hour, 24*time.Hour
	notThere := []Failure{{Status: "undelivered", Code: "NOT_REGISTERED", Weight: 3},
		{Status: "failed", Code: "NOT_REGISTERED", Permanent: true, Weight: 1}}
	network := []Failure{{Status: "failed", Code: "TIMEOUT", Weight: 2},
		{Status: "undelivered", Code: "BLOCKED", Weight: 1}}
	// The MAP/GSM codes that most SMS routes use.
	sms := []Failure{
		{Status: "undelivered", Code: "27", Weight: 30}, {Status: "undelivered", Code: "6", Weight: 15},
		{Status: "undelivered", Code: "31", Weight: 8}, {Status: "undelivered", Code: "256", Weight: 6},
		{Status: "undelivered", Code: "13", Weight: 5}, {Status: "failed", Code: "34", Weight: 8},
		{Status: "undelivered", Code: "11", Weight: 3},
		{Status: "undelivered", Weight: 3},
	}
	dead := []Failure{{Status: "undelivered", Code: "1", Permanent: true, Weight: 6},
		{Status: "undelivered", Code: "005", Weight: 2},
		{Status: "failed", Code: "1", Permanent: true, Weight: 2}}
	gone := []Failure{{Status: "failed", Code: "UNREGISTERED", Permanent: true, Weight: 1}}

	return map[string]Channel{
		"sms": {
			Providers: []Provider{{Name: "devino", Weight: 4}, {Name: "mts", Weight: 3}, {Name: "infobip", Weight: 2},
				{Name: "twilio", Weight: 1, WholeSeconds: true}},
			Penetration: 1, Rejected: 0.005, Delivered: 0.95, Clicked: 0.03, Replied: 0.004,
			Accept: Delay{600 * time.Millisecond, 2}, Deliver: Delay{6 * second, 4}, ReadAfter: Delay{10 * minute, 5},
			ReplyAfter: Delay{20 * minute, 5},
			Expiry:     48 * hour, // Infobip's and Devino's default; 72 h is the longest.
			Failures:   sms, Unreachable: dead,
		},
		"push": {
			// The guide: own platforms report delivery (80 % and more) and reads; FCM and APNs report neither.
			Providers: []Provider{{Name: "fastgate", Weight: 4}, {Name: "fcm", Weight: 2, Blind: true},
				{Name: "apns", Weight: 1, Blind: true}},
			Penetration: 0.5, Rejected: 0.005, Delivered: 0.82, Read: 0.35, Clicked: 0.06,
			Accept: Delay{150 * time.Millisecond, 2}, Deliver: Delay{2 * second, 5}, ReadAfter: Delay{6 * minute, 6},
			ReplyAfter: Delay{10 * minute, 4},
			Expiry:     12 * hour, Failures: network, Unreachable: gone,
		},
		"viber": {
			Providers:   []Provider{{Name: "infobip", Weight: 3}, {Name: "edna", Weight: 2}},
			Penetration: 0.6, Rejected: 0.01, Delivered: 0.9, Read: 0.62, Clicked: 0.05, Replied: 0.02,
			Accept: Delay{400 * time.Millisecond, 2}, Deliver: Delay{5 * second, 5}, ReadAfter: Delay{20 * minute, 7},
			ReplyAfter: Delay{30 * minute, 4},
			Expiry:     day, Failures: network, Unreachable: notThere,
		},
		"whatsapp": {
			Providers: []Provider{{Name: "infobip", Weight: 3}, {Name: "edna", Weight: 2},
				{Name: "meta", Weight: 2, WholeSeconds: true}},
			Penetration: 0.75, Rejected: 0.01, Delivered: 0.94, Read: 0.72, Clicked: 0.04, Replied: 0.12,
			Accept: Delay{500 * time.Millisecond, 2}, Deliver: Delay{3 * second, 5}, ReadAfter: Delay{12 * minute, 7},
			ReplyAfter: Delay{30 * minute, 4},
			Expiry:     30 * day, Failures: []Failure{{Status: "failed", Code: "131026", Weight: 5},
				{Status: "failed", Code: "131049", Weight: 2}},
			Unreachable: []Failure{{Status: "failed", Code: "131026", Weight: 1}},
		},
		"vk": {
			// The guide, on Notify: 42 % are delivered within a minute, 90 % within a day, 85 % read within a day.
			Providers:   []Provider{{Name: "devino", Weight: 3}, {Name: "mts", Weight: 1}},
			Penetration: 0.9, Rejected: 0.01, Delivered: 0.98, Read: 0.95, Clicked: 0.03, Replied: 0.02,
			Accept: Delay{300 * time.Millisecond, 2}, Deliver: Delay{64 * second, 12}, ReadAfter: Delay{15 * minute, 6},
			ReplyAfter: Delay{30 * minute, 4},
			Expiry:     day, Failures: network, Unreachable: notThere,
		},
		"ok": {
			Providers:   []Provider{{Name: "devino", Weight: 3}, {Name: "mts", Weight: 1}},
			Penetration: 0.6, Rejected: 0.01, Delivered: 0.97, Read: 0.85, Clicked: 0.03, Replied: 0.01,
			Accept: Delay{300 * time.Millisecond, 2}, Deliver: Delay{70 * second, 12}, ReadAfter: Delay{25 * minute, 6},
			ReplyAfter: Delay{40 * minute, 4},
			Expiry:     day, Failures: network, Unreachable: notThere,
		},
		"telegram": {
			// The guide: open rates of messengers reach 80 %, the reaction takes 30 min. The Gateway's ttl is 30 s to 1
			// h.
			Providers:   []Provider{{Name: "gateway", Weight: 3}, {Name: "bot", Weight: 2, Blind: true}},
			Penetration: 0.7, Rejected: 0.02, Delivered: 0.95, Read: 0.8, Clicked: 0.06, Replied: 0.05,
			Accept: Delay{200 * time.Millisecond, 2}, Deliver: Delay{2 * second, 4}, ReadAfter: Delay{3 * minute, 6},
			ReplyAfter: Delay{30 * minute, 4},
			Expiry:     hour, Failures: network,
			Unreachable: []Failure{{Status: "rejected", Code: "PHONE_NUMBER_NOT_FOUND", Weight: 1}},
		},
		"messenger": {
			Providers:   []Provider{{Name: "meta", Weight: 1, WholeSeconds: true}},
			Penetration: 0.9, Rejected: 0.01, Delivered: 0.96, Read: 0.8, Clicked: 0.08, Replied: 0.15,
			Accept: Delay{300 * time.Millisecond, 2}, Deliver: Delay{3 * second, 4}, ReadAfter: Delay{15 * minute, 6},
			ReplyAfter: Delay{30 * minute, 4},
			Expiry:     7 * day, Failures: network, Unreachable: notThere,
		},
		"instagram": {
			Providers:   []Provider{{Name: "meta", Weight: 1, WholeSeconds: true}},
			Penetration: 0.9, Rejected: 0.01, Delivered: 0.96, Read: 0.8, Clicked: 0.08, Replied: 0.12,
			Accept: Delay{300 * time.Millisecond, 2}, Deliver: Delay{3 * second, 4}, ReadAfter: Delay{20 * minute, 6},
			ReplyAfter: Delay{30 * minute, 4},
			Expiry:     7 * day, Failures: network, Unreachable: notThere,
		},
		"rcs": {
			Providers:   []Provider{{Name: "rbm", Weight: 3}, {Name: "infobip", Weight: 1}},
			Penetration: 0.45, Rejected: 0.01, Delivered: 0.92, Read: 0.5, Clicked: 0.07, Replied: 0.03,
			Accept: Delay{400 * time.Millisecond, 2}, Deliver: Delay{4 * second, 5}, ReadAfter: Delay{25 * minute, 6},
			ReplyAfter: Delay{40 * minute, 4},
			Expiry:     2 * day, Failures: network, Unreachable: notThere,
		},
		"email": {
			// The guide: an open rate of 21 %.
			Providers:   []Provider{{Name: "sendgrid", Weight: 2}, {Name: "unisender", Weight: 1, WholeSeconds: true}},
			Penetration: 0.97, Rejected: 0.005, Delivered: 0.97, Read: 0.21, Clicked: 0.025, Replied: 0.002,
			Accept: Delay{300 * time.Millisecond, 2}, Deliver: Delay{4 * second, 6}, ReadAfter: Delay{2 * hour, 6},
			ReplyAfter: Delay{3 * hour, 4},
			Expiry:     3 * day, Failures: []Failure{{Status: "undelivered", Code: "550", Permanent: true, Weight: 1},
				{Status: "failed", Code: "421", Weight: 1}},
			Unreachable: []Failure{{Status: "undelivered", Code: "550", Permanent: true, Weight: 1}},
		},
		"flash_call": {
			// The guide: 98 % and more are delivered.
			Providers:   []Provider{{Name: "bird", Weight: 2}, {Name: "zvonok", Weight: 1}},
			Penetration: 1, Rejected: 0.003, Delivered: 0.985,
			Accept: Delay{300 * time.Millisecond, 2}, Deliver: Delay{5 * second, 2}, ReadAfter: Delay{minute, 2},
			ReplyAfter: Delay{minute, 2},
			Expiry:     2 * minute, Failures: sms, Unreachable: dead,
		},
		"voice": {
			Providers:   []Provider{{Name: "zvonok", Weight: 2}, {Name: "bird", Weight: 1}},
			Penetration: 1, Rejected: 0.005, Delivered: 0.72, Replied: 0.05,
			Accept: Delay{500 * time.Millisecond, 2}, Deliver: Delay{20 * second, 2}, ReadAfter: Delay{minute, 2},
			ReplyAfter: Delay{30 * second, 2},
			Expiry:     hour, Failures: sms, Unreachable: dead,
		},
	}
}

// DefaultRoutes returns the cascade mix, all of it an assumption on the pattern of the guide: one-time passwords by
// flash call or push with SMS behind them, notices by VK or a messenger before SMS, promotion over Viber that goes on
// when it is not read.
func DefaultRoutes() []Route {
	second, minute, hour := time.Second, time.Minute, time.Hour
	last := func(channel string) Step { return Step{Channel: channel} }
	wait := func(channel string, d time.Duration) Step { return Step{Channel: channel, Wait: d} }
	unread := func(channel string, d, read time.Duration) Step {
		return Step{Channel: channel, Wait: d, ReadWait: read}
	}
	via := func(channel, provider string, d time.Duration) Step {
		return Step{Channel: channel, Provider: provider, Wait: d}
	}
	return []Route{
		{"otp", 30, []Step{wait("flash_call", 20*second), last("sms")}},
		{"otp", 25, []Step{last("sms")}},
		{"otp", 15, []Step{via("push", "fastgate", 20*second), last("sms")}},
		{"otp", 12, []Step{via("telegram", "gateway", 30*second), last("sms")}},
		{"otp", 8, []Step{wait("vk", 40*second), last("sms")}},
		{"otp", 6, []Step{wait("whatsapp", 40*second), wait("flash_call", 20*second), last("sms")}},
		{"otp", 4, []Step{wait("flash_call", 15*second), wait("sms", minute), last("voice")}},

		{"transactional", 22, []Step{via("push", "fastgate", 5*minute), wait("viber", 10*minute), last("sms")}},
		{"transactional", 15, []Step{wait("vk", 15*minute), last("sms")}},
		{"transactional", 15, []Step{last("sms")}},
		{"transactional", 12, []Step{wait("whatsapp", 10*minute), last("sms")}},
		{"transactional", 8, []Step{wait("ok", 10*minute), wait("vk", 10*minute), last("sms")}},
		{"transactional", 8, []Step{wait("viber", 5*minute), last("sms")}},
		{"transactional", 6, []Step{wait("rcs", 5*minute), last("sms")}},
		{"transactional", 5, []Step{wait("push", 5*minute), last("sms")}},
		{"transactional", 5, []Step{last("email")}},
		{"transactional", 4, []Step{via("telegram", "bot", 0), last("sms")}},

		{"service", 20, []Step{wait("push", 30*minute), last("email")}},
		{"service", 18, []Step{unread("viber", hour, 2*hour), last("sms")}},
		{"service", 15, []Step{unread("whatsapp", hour, 4*hour), last("sms")}},
		{"service", 15, []Step{last("email")}},
		{"service", 10, []Step{wait("vk", hour), wait("ok", hour), last("sms")}},
		{"service", 8, []Step{via("telegram", "bot", 0)}},
		{"service", 7, []Step{wait("voice", hour), last("sms")}},
		{"service", 7, []Step{last("sms")}},

		{"promo", 24, []Step{unread("viber", hour, 2*hour), last("sms")}},
		{"promo", 16, []Step{via("push", "fcm", 0)}},
		{"promo", 8, []Step{via("push", "apns", 0)}},
		{"promo", 12, []Step{unread("push", hour, hour), unread("viber", hour, 3*hour), last("sms")}},
		{"promo", 10, []Step{last("email")}},
		{"promo", 8, []Step{wait("rcs", hour), unread("viber", hour, 3*hour), last("sms")}},
		{"promo", 7, []Step{last("messenger")}},
		{"promo", 5, []Step{last("instagram")}},
		{"promo", 5, []Step{last("whatsapp")}},
		{"promo", 5, []Step{last("sms")}},
	}
}
