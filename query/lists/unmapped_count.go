package lists

import (
	"context"
	"fmt"
	"strconv"

	"kaskad/query/answer"
	"kaskad/query/rollup"
)

// maxUnmapped is how many codes are counted. There are some thousands in all.
const maxUnmapped = 1_000_000

// UnmappedCounts are codes that no line of the error map knows, with their failed attempts: those that nothing is
// guessed of, and those that have a guess. They never change.
type UnmappedCounts struct{ Codes, Attempts, GuessedCodes, GuessedAttempts uint64 }

// Bytes is about what the counts take.
func (*UnmappedCounts) Bytes() int64 { return 100 }

// CountUnmapped counts the rows of GET /v1/error-map/unmapped of a period and its accounts: remembered where nothing
// has changed.
func (l *Lists) CountUnmapped(ctx context.Context, r rollup.Request) (*UnmappedCounts, error) {
	state, err := r.State(ctx, l.db)
	if err != nil {
		return nil, err
	}
	key := string(answer.QueryHash(append([]string{strconv.FormatInt(r.FromMS, 10), strconv.FormatInt(r.ToMS, 10),
		state.Fingerprint(), fmt.Sprint(state.References, r.Accounts() == nil)}, r.Accounts()...)...))
	if known := l.unknown.Get(key); known != nil {
		return known, nil
	}
	codes, err := l.readUnmapped(ctx, &unmappedQuery{accounts: r.Accounts(), fromMS: r.FromMS, toMS: r.ToMS,
		seen: &state.Snapshot, limit: maxUnmapped})
	if err != nil {
		return nil, fmt.Errorf("count unmapped codes: %w", err)
	}
	c := &UnmappedCounts{}
	for i := range codes {
		if codes[i].guess == "" {
			c.Codes, c.Attempts = c.Codes+1, c.Attempts+codes[i].attempts
		} else {
			c.GuessedCodes, c.GuessedAttempts = c.GuessedCodes+1, c.GuessedAttempts+codes[i].attempts
		}
	}
	l.unknown.Put(key, c)
	return c, nil
}
