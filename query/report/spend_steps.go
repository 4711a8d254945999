package report

import (
	"context"

	"kaskad/money"
	"kaskad/money/stored"
	"kaskad/query/store"
	"kaskad/schema/law"
)

// know returns what is known of an account, with all of these legs and shapes.
func (s *Room) know(ctx context.Context, account string, legs, shapes map[uint64]bool) (*stored.Known, error) {
	known := s.spendKnown.Get(account)
	if known == nil {
		known = &stored.Known{}
	}
	more, err := known.Learn(s.db.Settings(ctx), s.db.Conn, account, legs, shapes)
	if err != nil {
		return nil, err
	}
	if more != known {
		s.spendKnown.Put(account, more)
	}
	return more, nil
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
