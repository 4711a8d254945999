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

// Learn returns what is known of an account, with all of these legs and shapes, and the legs of the shapes.
func (k *Known) Learn(ctx context.Context, conn driver.Conn, account string, legs, shapes map[uint64]bool) (*Known,
	error) {
	missing := missingIDs(shapes, k.Shapes)
	read, err := ReadSignatures(ctx, conn, account, missing)
	if err != nil {
		return nil, fmt.Errorf("read shapes: %w", err)
	}
	found := make(map[uint64]Signature, len(read)) // a row may be there twice
	for _, signature := range read {
		found[signature.ID] = signature
		for _, leg := range signature.Steps {
			legs[leg] = true
		}
	}
	if len(found) < len(missing) {
		return nil, fmt.Errorf("table shapes lacks a signature of account %q that attempts are counted by", account)
	}
	missing = missingIDs(legs, k.Steps)
	steps, err := ReadStepKeys(ctx, conn, account, missing)
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
		return k, nil
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
	maps.Copy(more.Shapes, found)
	for _, signature := range found {
		more.bytes += 120 + 12*int64(len(signature.Steps))
	}
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
