package stored

import (
	"context"
	"fmt"
	"maps"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/money"
)

// Known is what tables legs and shapes say of some ids of an account, which never changes, and neither does this: who
// learns more makes another one.
type Known struct {
	Steps  map[uint64]money.Step
	Shapes map[uint64]Signature
	bytes  int64
}

// Bytes is about what it takes.
func (k *Known) Bytes() int64 { return 100 + k.bytes }

// Named are ids of an account that attempts or messages are counted by.
type Named struct{ Legs, Shapes map[uint64]bool }

// Learn returns what is known of accounts, with all legs and shapes that are named, and the legs of the shapes. What
// was known of each is among known.
func Learn(ctx context.Context, conn driver.Conn, known map[string]*Known, named map[string]Named) (map[string]*Known,
	error) {
	missing := make(IDs, len(named))
	for account, n := range named {
		missing[account] = missingIDs(n.Shapes, known[account].Shapes)
	}
	read, err := ReadSignatures(ctx, conn, missing)
	if err != nil {
		return nil, fmt.Errorf("read shapes: %w", err)
	}
	shapes := make(map[string]map[uint64]Signature, len(missing))
	for account, ids := range missing {
		found := make(map[uint64]Signature, len(ids)) // a row may be there twice
		for _, signature := range read[account] {
			found[signature.ID] = signature
		}
		wanted := maps.Clone(named[account].Legs)
		if wanted == nil {
			wanted = map[uint64]bool{}
		}
		for _, id := range ids {
			signature, there := found[id]
			if !there {
				return nil, fmt.Errorf("table shapes lacks signature %d of account %q, which attempts are counted by",
					id, account)
			}
			for _, leg := range signature.Steps {
				wanted[leg] = true
			}
		}
		shapes[account], missing[account] = found, missingIDs(wanted, known[account].Steps)
	}
	steps, err := ReadStepKeys(ctx, conn, missing)
	if err != nil {
		return nil, fmt.Errorf("read steps: %w", err)
	}
	all := make(map[string]*Known, len(named))
	for account, ids := range missing {
		for _, leg := range ids {
			if _, there := steps[account][leg]; !there {
				return nil, fmt.Errorf("table legs lacks step %d of account %q, which attempts are counted by", leg,
					account)
			}
		}
		all[account] = known[account].with(steps[account], shapes[account])
	}
	return all, nil
}

// with returns what is known besides.
func (k *Known) with(steps map[uint64]money.Step, shapes map[uint64]Signature) *Known {
	if len(steps)+len(shapes) == 0 {
		return k
	}
	more := &Known{Steps: maps.Clone(k.Steps), Shapes: maps.Clone(k.Shapes), bytes: k.bytes}
	if more.Steps == nil {
		more.Steps = map[uint64]money.Step{}
	}
	if more.Shapes == nil {
		more.Shapes = map[uint64]Signature{}
	}
	maps.Copy(more.Steps, steps)
	more.bytes += 300 * int64(len(steps))
	maps.Copy(more.Shapes, shapes)
	for _, signature := range shapes {
		more.bytes += 120 + 12*int64(len(signature.Steps))
	}
	return more
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
