package report

import (
	"context"
	"fmt"
	"maps"

	"kaskad/money"
	"kaskad/query/prices"
	"kaskad/query/store"
	"kaskad/schema/law"
)

// spendKnown is what tables legs and shapes say of some ids of an account, which never changes, and neither does this:
// who learns more makes another one.
type spendKnown struct {
	steps  map[uint64]money.Step
	shapes map[uint64]prices.Signature
	bytes  int64
}

// Bytes is about what it takes.
func (k *spendKnown) Bytes() int64 { return 100 + k.bytes }

// know returns what is known of an account, with all of these legs and shapes.
func (s *Room) know(ctx context.Context, account string, legs, shapes map[uint64]bool) (*spendKnown, error) {
	known := s.spendKnown.Get(account)
	if known == nil {
		known = &spendKnown{}
	}
	missing := missingIDs(shapes, known.shapes)
	read, err := prices.ReadSignatures(ctx, s.db, account, missing)
	if err != nil {
		return nil, fmt.Errorf("read shapes: %w", err)
	}
	if len(read) < len(missing) {
		return nil, fmt.Errorf("table shapes lacks a signature of account %q that attempts are counted by", account)
	}
	for _, signature := range read {
		for _, leg := range signature.Steps {
			legs[leg] = true
		}
	}
	missing = missingIDs(legs, known.steps)
	steps, err := prices.ReadStepKeys(ctx, s.db, account, missing)
	if err != nil {
		return nil, fmt.Errorf("read steps: %w", err)
	}
	for _, leg := range missing {
		if _, found := steps[leg]; !found {
			return nil, fmt.Errorf("table legs lacks step %d of account %q, which attempts are counted by", leg,
				account)
		}
	}
	if len(read) == 0 && len(steps) == 0 {
		return known, nil
	}
	more := &spendKnown{steps: maps.Clone(known.steps), shapes: maps.Clone(known.shapes), bytes: known.bytes}
	if more.steps == nil {
		more.steps = map[uint64]money.Step{}
	}
	if more.shapes == nil {
		more.shapes = map[uint64]prices.Signature{}
	}
	maps.Copy(more.steps, steps)
	more.bytes += 300 * int64(len(steps))
	for _, signature := range read {
		more.shapes[signature.ID] = signature
		more.bytes += 120 + 12*int64(len(signature.Steps))
	}
	s.spendKnown.Put(account, more)
	return more, nil
}

// missingIDs lists the wanted ids that are not known.
func missingIDs[V any](wanted map[uint64]bool, known map[uint64]V) (missing []uint64) {
	for id := range wanted {
		if _, found := known[id]; !found {
			missing = append(missing, id)
		}
	}
	return missing
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
