package report

import (
	"context"

	"kaskad/money"
	"kaskad/money/stored"
	"kaskad/query/store"
	"kaskad/schema/law"
)

// know returns what is known of accounts, with all that is named of them.
func (s *Room) know(ctx context.Context, named map[string]stored.Named) (map[string]*stored.Known, error) {
	known := make(map[string]*stored.Known, len(named))
	for account := range named {
		if known[account] = s.spendKnown.Get(account); known[account] == nil {
			known[account] = &stored.Known{}
		}
	}
	all, err := stored.Learn(ctx, s.db.Conn, known, named)
	for account, more := range all {
		if more != known[account] {
			s.spendKnown.Put(account, more)
		}
	}
	return all, err
}

// legKeys are the keys of the spend report that the leg tells, and their values.
var legKeys = map[string]func(*money.Step) string{
	"channel":  func(s *money.Step) string { return s.Channel },
	"provider": func(s *money.Step) string { return s.Provider },
	"operator": func(s *money.Step) string { return s.Operator },
	"country":  func(s *money.Step) string { return s.Country },
	"traffic":  func(s *money.Step) string { return s.Traffic },
	"sender":   func(s *money.Step) string { return s.Sender },
	"app":      func(s *money.Step) string { return s.App },
	"trigger":  func(s *money.Step) string { return s.Trigger },
}

// settlesMS is when a cohort settles of which this is the latest time, on the route of a step.
func settlesMS(routes *store.Routes, account string, step *money.Step, cohortMS int64) int64 {
	return cohortMS + law.SettlingMS(routes.Find(account, step.Channel, step.Provider).SettlingDays)
}
