package simulate

import (
	"errors"
	"fmt"
	"time"
)

// Config describes a world. Equal configurations give equal bytes. Start from [DefaultConfig]: a zero share means that
// the thing never happens. Shares are probabilities in [0, 1].
type Config struct {
	// Seed chooses the world. Any value will do.
	Seed uint64
	// Messages is the number of logical messages; each has 3.5 events or so.
	Messages int
	// Start is the time of the first message, Duration the span over which messages are submitted, in whole
	// milliseconds.
	Start    time.Time
	Duration time.Duration
	// Now is the clock of the world: what would happen later has not happened and is not written. Zero is 35 days after
	// the last message, when even WhatsApp has given up.
	Now time.Time
	// Life has days differ, as those of weeks do: weekends, mailings on certain days, phone numbers that die and come
	// back, two bad hours of a provider in the second week. Without it every day is like the other.
	Life bool
	// Accounts is the number of tenants. The n-th sends 1/n of what the first does.
	Accounts int
	// Contacts is the number of people per account; 0 is one for every five messages of an average account.
	Contacts int

	// Duplicates is the share of events that come twice, a fifth of them with a later time.
	Duplicates float64
	// Reordered is the share of events held back for 30 s to 15 min, so that later ones overtake them.
	Reordered float64
	// Late is the share of events that arrive 24 to 72 h after they happened.
	Late float64
	// NeverFinal is the share of attempts on reporting routes that the provider took and never spoke of again.
	NeverFinal float64
	// Poison is the share of lines that the pipeline must refuse, counted per event.
	Poison float64
	// ClockSkew is the share of attempts whose delivery is stamped by a clock up to 55 s slow, FarSkew by one 2 to 10
	// min slow.
	ClockSkew, FarSkew float64
	// SparseReceipts is the share of receipts that carry required fields alone.
	SparseReceipts float64
	// ConflictingDimensions is the share of events that name another sender or operator than the rest of the attempt.
	ConflictingDimensions float64

	// ULIDs and PlainIDs are the shares of messages whose id is a ULID, and one without a time; the rest are UUIDv7.
	ULIDs, PlainIDs float64
	// StaleIDs is the share of messages whose UUIDv7 was made by a clock more than 400 days slow, so that its time is
	// no cohort.
	StaleIDs float64
	// Orphans is the share of messages with plain ids of which a single event, any, carries submitted_at.
	Orphans float64
	// Lost is the share of messages with plain ids of which no event ever carries submitted_at. They appear in no
	// report.
	Lost float64
	// SubmittedDrift is the share of messages with a time in the id whose events disagree on submitted_at, by up to 20
	// minutes.
	SubmittedDrift float64

	// Multipart is the share of SMS of two and more segments whose receipts come part by part.
	Multipart float64
	// OmittedDeliveries is the share of read messages whose delivery is never reported.
	OmittedDeliveries float64
	// FailedFirst is the share of deliveries that are preceded by a failure, or followed by one.
	FailedFirst float64
	// DeadNumbers is the share of people whose phone number is not in service.
	DeadNumbers float64
	// ReportedPrices is the share of SMS receipts that carry the provider's price.
	ReportedPrices float64
	// SMSTexts is the share of first events that carry the text instead of its count of segments.
	SMSTexts float64
	// RecipientEvents is the share of messages that come with an event about a recipient: a subscription, a lookup, a
	// block.
	RecipientEvents float64
	// UnknownFields is the share of events with a field that the format does not know.
	UnknownFields float64

	// Routes is the cascade mix; nil is [DefaultRoutes].
	Routes []Route
	// Channels is how channels behave, by name; what it lacks is taken from [DefaultChannels].
	Channels map[string]Channel
}

// defaultSettling is how long after the last message the world ends unless told otherwise: WhatsApp drops a message
// after 30 days.
const defaultSettling = 35 * 24 * time.Hour

// Route is a cascade: the steps that a message of one kind of traffic may take.
type Route struct {
	// Traffic is otp, transactional, service or promo.
	Traffic string
	// Weight is relative to the other routes of the same traffic. Each account bends it by a factor of its own, from ¼
	// to 2.
	Weight float64
	// Steps are tried in order; at most 32.
	Steps []Step
}

// Step is one attempt of a cascade. The next step starts when this one is skipped, refused or fails, or when Wait is
// over.
type Step struct {
	// Channel names the channel, Provider one of its providers; "" is the account's own choice.
	Channel, Provider string
	// Wait is how long the cascade waits for the delivery before it goes on with trigger expired; 0 is for ever.
	Wait time.Duration
	// ReadWait is how long it waits for a read after the delivery before it goes on with trigger unread; 0 is for ever.
	ReadWait time.Duration
}

// DefaultConfig returns the world of a day of 100 000 messages. What share of receipts comes twice, late, out of order
// or never is published nowhere: those shares are assumptions, within the ranges that the project's domain notes
// suggest (1–5 % duplicates, 2–5 % reordered, 1 % later than a day, 3 % never final). So are all others here, unless
// said otherwise.
func DefaultConfig() Config {
	return Config{
		Seed:     1,
		Messages: 100_000,
		Start:    time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC),
		Duration: 24 * time.Hour,
		Accounts: 6,

		// Providers retry callbacks (46elks five times and more, 8x8 after 1, 10, 30 and 90 s), so duplicates are
		// normal.
		Duplicates: 0.03,
		Reordered:  0.03,
		// An SMS may be reported up to 72 h later, when its validity is over (IP1, BudgetSMS).
		Late:       0.01,
		NeverFinal: 0.03,
		Poison:     0.0005,
		// `sent` has been seen 24 s after `delivered` (VA notification-api issue 1097).
		ClockSkew:             0.01,
		FarSkew:               0.001,
		SparseReceipts:        0.3,
		ConflictingDimensions: 0.001,

		ULIDs:          0.2,
		PlainIDs:       0.2,
		StaleIDs:       0.0005,
		Orphans:        0.1,
		Lost:           0.002,
		SubmittedDrift: 0.005,

		Multipart: 0.3,
		// Meta says that delivered may be left out when a message is read at once.
		OmittedDeliveries: 0.05,
		// A delivery may follow a failure where people have several devices (YCloud).
		FailedFirst: 0.002,
		// 15–20 % of a consumer list go stale in a year (a vendor's claim); a list that is cleaned holds fewer.
		DeadNumbers:     0.03,
		ReportedPrices:  0.2,
		SMSTexts:        0.05,
		RecipientEvents: 0.005,
		UnknownFields:   0.01,
	}
}

// validate returns every fault of the configuration at once.
func (c Config) validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(c.Messages < 1 || c.Messages > 1<<40, "messages: %d is outside 1…2⁴⁰", c.Messages)
	fault(c.Accounts < 1 || c.Accounts > 10_000, "accounts: %d is outside 1…10 000", c.Accounts)
	fault(c.Contacts < 0, "contacts: %d is negative", c.Contacts)
	fault(c.Duration < time.Millisecond || c.Duration > 400*24*time.Hour, "duration: %s is outside 1 ms…400 d",
		c.Duration)
	fault(c.Start.Year() < 1971 || c.Start.Year() > 2200, "start: %s is outside the years 1971…2200", c.Start)
	for _, share := range [...]struct {
		name  string
		value float64
	}{{"duplicates", c.Duplicates}, {"reordered", c.Reordered}, {"late", c.Late}, {"never final", c.NeverFinal},
		{"poison", c.Poison},
		{"clock skew", c.ClockSkew}, {"far skew", c.FarSkew}, {"sparse receipts", c.SparseReceipts},
		{"conflicting dimensions", c.ConflictingDimensions}, {"ULIDs", c.ULIDs}, {"plain ids", c.PlainIDs},
		{"stale ids", c.StaleIDs},
		{"ULIDs, plain and stale ids together", c.ULIDs + c.PlainIDs + c.StaleIDs},
		{"clock skew and far skew together", c.ClockSkew + c.FarSkew},
		{"orphans", c.Orphans}, {"lost", c.Lost}, {"orphans and lost together", c.Orphans + c.Lost},
		{"submitted drift", c.SubmittedDrift},
		{"multipart", c.Multipart}, {"omitted deliveries", c.OmittedDeliveries}, {"failed first", c.FailedFirst},
		{"dead numbers", c.DeadNumbers}, {"reported prices", c.ReportedPrices}, {"SMS texts", c.SMSTexts},
		{"recipient events", c.RecipientEvents}, {"unknown fields", c.UnknownFields}} {
		fault(!(share.value >= 0 && share.value <= 1), "%s: %v is no share in 0…1", share.name, share.value)
	}
	traffics := make(map[string]bool)
	for i, route := range c.Routes {
		traffics[route.Traffic] = traffics[route.Traffic] || route.Weight > 0
		fault(!oneOf(route.Traffic, "otp", "transactional", "service", "promo"), "route %d: traffic %q is unknown", i,
			route.Traffic)
		fault(!(route.Weight >= 0 && route.Weight <= 1e6), "route %d: weight %v is outside 0…10⁶", i, route.Weight)
		fault(len(route.Steps) < 1 || len(route.Steps) > 32, "route %d: %d steps, not 1…32", i, len(route.Steps))
		for _, step := range route.Steps {
			fault(!isChannel(step.Channel), "route %d: channel %q is unknown", i, step.Channel)
			fault(step.Wait < 0 || step.ReadWait < 0 || max(step.Wait, step.ReadWait) > 60*24*time.Hour,
				"route %d: a wait outside 0…60 d", i)
		}
	}
	for _, traffic := range [...]string{"otp", "transactional", "service", "promo"} {
		fault(!traffics[traffic], "routes: none with a weight for traffic %s", traffic)
	}
	for name, channel := range c.Channels {
		fault(!isChannel(name), "channels: %q is unknown", name)
		faults = append(faults, channel.validate(name)...)
	}
	if len(faults) > 0 {
		return fmt.Errorf("simulator configuration: %w", errors.Join(faults...))
	}
	return nil
}

// DirtyConfig is a small world full of dirt, for tests: every oddity is common enough to appear among few messages.
func DirtyConfig(seed uint64, messages int) Config {
	c := DefaultConfig()
	c.Seed, c.Messages, c.Accounts = seed, messages, 3
	c.Duplicates, c.Reordered, c.Late, c.NeverFinal, c.Poison = 0.1, 0.1, 0.05, 0.05, 0.02
	c.ClockSkew, c.FarSkew, c.ConflictingDimensions, c.StaleIDs = 0.1, 0.05, 0.1, 0.02
	c.Orphans, c.Lost, c.SubmittedDrift, c.FailedFirst, c.Multipart = 0.3, 0.1, 0.2, 0.1, 0.8
	c.RecipientEvents = 0.05
	return c
}
