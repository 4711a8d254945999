package schema

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/cespare/xxhash/v2"
)

// StreakAttempt is what pricing needs to know of an attempt in a number's streak: leg and code as in table shapes, the
// greatest sms_segments of its message's attempted steps, its cohort.
type StreakAttempt struct {
	Leg         uint64
	Code        uint32
	SMSSegments uint16
	CohortMS    int64
}

// DeadSpan is a span in which a number was dead, half-open; ToMS is Never while it still is.
type DeadSpan struct {
	FromMS, ToMS int64
	Rule         string
}

// OptOut says that a recipient does not want messages: blocked, unsubscribed or complained, since when, and where.
type OptOut struct {
	Channel, App, Sender, Kind string
	SinceMS                    int64
}

// Reachable is a channel beside those of a number's evidence on which its recipient was delivered to since the streak
// began.
type Reachable struct {
	Channel         string
	LastDeliveredMS int64
}

// NumberHealth is the verdict on a number with its evidence (docs/definitions.md section 5). Times are Unix
// milliseconds, 0 for none.
type NumberHealth struct {
	Account, Number         string
	Version                 uint64
	State, Rule             string
	SinceMS                 int64
	RuleVersion, MapVersion uint64
	// Of the streak: hard and soft failures later than the latest success.
	Reasons                    map[string]uint32
	FailedMailings, FailedDays uint32
	FirstFailedMS              int64
	Streak                     []StreakAttempt
	LastFailedMS               int64 // of any class
	LastDeliveredMS            int64
	PossibleReassignment       bool
	LookedUpMS                 int64
	Operator                   string
	Ported, Valid              int8 // -1 unknown, 0 false, 1 true
	OwnerChangedMS             int64
	Override, Why              string
	ChangedMS                  int64 // of the last change in the feed
	DueMS                      int64 // when the verdict changes next by time alone; Never for not at all
	Dead                       []DeadSpan
	Guessed                    uint32 // how many of the streak's failures have a guessed class
	ReachableOn                []Reachable
	OptOuts                    []OptOut
}

// Fingerprint returns the same number for equal verdicts, whatever their version, so that an unchanged verdict is not
// written again.
func (n *NumberHealth) Fingerprint() uint64 {
	var buffer [512]byte
	b := buffer[:0]
	number := func(v int64) { b = binary.AppendVarint(b, v) }
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	for _, s := range []string{n.State, n.Rule, n.Operator, n.Override, n.Why} {
		text(s)
	}
	for _, v := range []int64{n.SinceMS, int64(n.RuleVersion), int64(n.MapVersion), int64(n.FailedMailings),
		int64(n.FailedDays), n.FirstFailedMS, n.LastFailedMS, n.LastDeliveredMS,
		n.LookedUpMS, int64(n.Ported), int64(n.Valid), n.OwnerChangedMS, n.ChangedMS, n.DueMS,
		int64(bit(n.PossibleReassignment))} {
		number(v)
	}
	for _, class := range slices.Sorted(maps.Keys(n.Reasons)) {
		text(class)
		number(int64(n.Reasons[class]))
	}
	for _, s := range n.Streak {
		b = binary.LittleEndian.AppendUint64(b, s.Leg)
		number(int64(s.Code))
		number(int64(s.SMSSegments))
		number(s.CohortMS)
	}
	for _, d := range n.Dead {
		number(d.FromMS)
		number(d.ToMS)
		text(d.Rule)
	}
	number(int64(n.Guessed))
	for _, r := range n.ReachableOn {
		text(r.Channel)
		number(r.LastDeliveredMS)
	}
	for _, o := range n.OptOuts {
		for _, s := range []string{o.Channel, o.App, o.Sender, o.Kind} {
			text(s)
		}
		number(o.SinceMS)
	}
	return xxhash.Sum64(b)
}

// InsertNumberHealth stores verdicts; each replaces those of its number with a lower version.
func InsertNumberHealth(ctx context.Context, conn driver.Conn, rows []NumberHealth) error {
	n := len(rows)
	var (
		account, number, state, rule, operator, override, why = make([]string, n), make([]string, n), make([]string, n),
			make([]string, n), make([]string, n), make([]string, n), make([]string, n)
		version, ruleVersion, mapVersion, fingerprint = make([]uint64, n), make([]uint64, n), make([]uint64, n),
			make([]uint64, n)
		since, first, last, delivered, lookedUp, owner = make([]int64, n), make([]int64, n), make([]int64, n),
			make([]int64, n), make([]int64, n), make([]int64, n)
		changed, due                                      = make([]int64, n), make([]int64, n)
		mailings, days                                    = make([]uint32, n), make([]uint32, n)
		reasons                                           = make([]map[string]uint32, n)
		legs, codes                                       = make([][]uint64, n), make([][]uint32, n)
		segments, cohorts                                 = make([][]uint16, n), make([][]int64, n)
		reassigned                                        = make([]bool, n)
		ported, valid                                     = make([]int8, n), make([]int8, n)
		deadFrom, deadTo                                  = make([][]int64, n), make([][]int64, n)
		deadRules                                         = make([][]string, n)
		guessed                                           = make([]uint32, n)
		reachable, optChannel, optApp, optSender, optKind = make([][]string, n), make([][]string, n),
			make([][]string, n), make([][]string, n), make([][]string, n)
		reachableAt, optSince = make([][]int64, n), make([][]int64, n)
	)
	for i := range rows {
		r := &rows[i]
		account[i], number[i], version[i], state[i], rule[i], since[i] = r.Account, r.Number, r.Version, r.State,
			r.Rule, r.SinceMS
		ruleVersion[i], mapVersion[i], reasons[i], mailings[i], days[i] = r.RuleVersion, r.MapVersion, r.Reasons,
			r.FailedMailings, r.FailedDays
		first[i], last[i], delivered[i] = r.FirstFailedMS, r.LastFailedMS, r.LastDeliveredMS
		for _, s := range r.Streak {
			legs[i], codes[i], segments[i], cohorts[i] = append(legs[i], s.Leg), append(codes[i], s.Code),
				append(segments[i], s.SMSSegments), append(cohorts[i], s.CohortMS)
		}
		reassigned[i], lookedUp[i], operator[i], ported[i], valid[i], owner[i] = r.PossibleReassignment, r.LookedUpMS,
			r.Operator, r.Ported, r.Valid, r.OwnerChangedMS
		override[i], why[i], changed[i], due[i], fingerprint[i] = r.Override, r.Why, r.ChangedMS, r.DueMS,
			r.Fingerprint()
		for _, d := range r.Dead {
			deadFrom[i], deadTo[i], deadRules[i] = append(deadFrom[i], d.FromMS), append(deadTo[i], d.ToMS),
				append(deadRules[i], d.Rule)
		}
		guessed[i] = r.Guessed
		for _, on := range r.ReachableOn {
			reachable[i], reachableAt[i] = append(reachable[i], on.Channel), append(reachableAt[i], on.LastDeliveredMS)
		}
		for _, o := range r.OptOuts {
			optChannel[i], optApp[i], optSender[i] = append(optChannel[i], o.Channel), append(optApp[i], o.App),
				append(optSender[i], o.Sender)
			optKind[i], optSince[i] = append(optKind[i], o.Kind), append(optSince[i], o.SinceMS)
		}
	}
	return InsertColumns(ctx, conn, "INSERT INTO number_health (account, number, version, state, rule, since_ms, "+
		"rule_version, map_version, reasons, failed_mailings, failed_days, "+
		"first_failed_ms, last_failed_ms, last_delivered_ms, streak_legs, streak_codes, streak_sms_segments, "+
		"streak_cohorts_ms, possible_reassignment, looked_up_ms, operator, "+
		"ported, valid, owner_changed_ms, override, why, changed_ms, due_ms, dead_from_ms, dead_to_ms, dead_rules, "+
		"fingerprint, "+
		"guessed, reachable_channels, reachable_ms, opt_channels, opt_apps, opt_senders, opt_kinds, opt_since_ms)", 0,
		n,
		[]any{account, number, version, state, rule, since, ruleVersion, mapVersion, reasons, mailings, days, first,
			last, delivered, legs, codes, segments, cohorts, reassigned,
			lookedUp, operator, ported, valid, owner, override, why, changed, due, deadFrom, deadTo, deadRules,
			fingerprint,
			guessed, reachable, reachableAt, optChannel, optApp, optSender, optKind, optSince})
}

// NumberChange is a line of the feed of verdicts. AtMS is when the verdict changed by the evidence, SeenMS when that
// was found.
type NumberChange struct {
	Account, Number, From, To, Rule string
	AtMS, SeenMS                    int64
	Seq                             uint64
}

// InsertNumberChanges appends to the feed, in one block, so that a reader that goes by Seq skips none.
func InsertNumberChanges(ctx context.Context, conn driver.Conn, rows []NumberChange) error {
	n := len(rows)
	account, number, from, to, rule := make([]string, n), make([]string, n), make([]string, n), make([]string, n),
		make([]string, n)
	at, seen, seq := make([]int64, n), make([]int64, n), make([]uint64, n)
	for i, r := range rows {
		account[i], number[i], from[i], to[i], rule[i], at[i], seen[i], seq[i] = r.Account, r.Number, r.From, r.To,
			r.Rule, r.AtMS, r.SeenMS, r.Seq
	}
	return InsertColumns(ctx, conn, "INSERT INTO number_changes (account, number, `from`, `to`, rule, at_ms, "+
		"seen_ms, seq)", 0, n,
		[]any{account, number, from, to, rule, at, seen, seq})
}
