package query

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"text/template"
	"time"

	"kaskad/schema/law"
)

var (
	//go:embed numbers_rows.sql
	numberRowsSQL string
	//go:embed numbers_dead.sql
	deadNumbersSQL string
	//go:embed numbers_one.sql
	oneNumberSQL string
	//go:embed numbers_check.sql
	checkNumbersSQL string
	//go:embed numbers_as_of.sql
	numbersAsOfSQL string
	//go:embed numbers_version.sql
	numbersVersionSQL string
	//go:embed numbers_accounts.sql
	numbersAccountsSQL string
)

// numberTemplates are the statements about number_health that pack its rows.
var numberTemplates = template.Must(template.Must(template.Must(template.Must(law.Template("rows").Parse(numberRowsSQL)).New("dead").Parse(deadNumbersSQL)).
	New("one").Parse(oneNumberSQL)).New("check").Parse(checkNumbersSQL))

const (
	// numberCursor is the version of what cursors of number lists mean.
	numberCursor = 1
	// maxNumberCursorAge is how long a cursor of dead numbers stays good. Verdicts that were replaced are kept for an
	// hour.
	maxNumberCursorAge = 30 * time.Minute
)

// The states that a verdict gives. deadState is the one that lists are made of.
const (
	deadState    = "dead"
	unknownState = "unknown"
)

// numberRules are the rules that a verdict of dead may name.
var numberRules = []string{"deactivated", "hard", "invalid_format", "override", "soft"}

// numberColumns are the columns of a verdict with its evidence.
var numberColumns = []column{{"account", columnText}, {"number", columnText}, {"since", columnTime},
	{"rule", columnText}, {"reasons", columnCounts},
	{"last_delivered_at", columnTime}, {"last_failed_at", columnTime}, {"failed_mailings", columnCount},
	{"failed_days", columnCount},
	{"wasted_cost", columnText}, {"currency", columnText}, {"rule_version", columnCount},
	{"first_failed_at", columnTime},
	{"possible_reassignment", columnBool}, {"operator", columnText}, {"ported", columnBool}, {"valid", columnBool},
	{"owner_changed_at", columnTime},
	// Lists of objects, as JSON also in a CSV and in Arrow.
	{"guessed", columnCount}, {"reachable_on", columnText}, {"opt_outs", columnText}}

// numberRow is a row of number_health as numbers_rows.sql packs it. Its texts are parts of the packed one. Times are
// Unix milliseconds, 0 for none; ported and valid are -1 when unknown.
type numberRow struct {
	sinceMS, firstFailedMS, lastFailedMS, lastDeliveredMS, ownerChangedMS int64
	ruleVersion                                                           uint64
	failedMailings, failedDays, guessed                                   uint32
	possibleReassignment                                                  bool
	ported, valid                                                         int8
	account, number, rule, operator                                       string
	// These stay packed: eachCount, eachAttempt, reachableOn and optOuts read them.
	reasons, streak, reachable, optOuts string
}

var errCutOff = errors.New("a packed row of number_health is cut off")

// unpack reads what numbers_rows.sql packs.
func (r *numberRow) unpack(packed string) error {
	const fixed = 6*8 + 3*4 + 3
	if len(packed) < fixed {
		return errCutOff
	}
	r.sinceMS, r.firstFailedMS, r.lastFailedMS = int64(le64(packed)), int64(le64(packed[8:])), int64(le64(packed[16:]))
	r.lastDeliveredMS, r.ownerChangedMS, r.ruleVersion = int64(le64(packed[24:])), int64(le64(packed[32:])),
		le64(packed[40:])
	r.failedMailings, r.failedDays, r.guessed = le32(packed[48:]), le32(packed[52:]), le32(packed[56:])
	r.possibleReassignment, r.ported, r.valid = packed[60] == 1, int8(packed[61]), int8(packed[62])
	packed = packed[fixed:]
	for _, to := range [...]*string{&r.account, &r.number, &r.rule, &r.operator, &r.reasons} {
		if len(packed) < 2 {
			return errCutOff
		}
		size := int(le16(packed))
		if packed = packed[2:]; len(packed) < size {
			return errCutOff
		}
		*to, packed = packed[:size], packed[size:]
	}
	for _, to := range [...]*string{&r.reachable, &r.optOuts} {
		if len(packed) < 4 || len(packed)-4 < int(le32(packed)) {
			return errCutOff
		}
		end := 4 + int(le32(packed))
		*to, packed = packed[4:end], packed[end:]
	}
	r.streak = packed
	if len(packed)%streakAttempt != 0 {
		return errCutOff
	}
	r.reasons = sortCounts(r.reasons)
	return nil
}

// sortCounts brings packed counts into the order of their names, so that an answer does not depend on how they were
// written.
func sortCounts(packed string) string {
	names := 0
	sorted, last := true, ""
	for name := range eachCount(packed) {
		sorted = sorted && (names == 0 || last < name)
		last = name
		names++
	}
	if sorted {
		return packed
	}
	counts := maps.Collect(eachCount(packed))
	var again []byte
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		again = packCounts(again, name, counts[name])
	}
	return string(again)
}

// eachCount reads packed counts: for each name its count (4 bytes), its length (2), and the name.
func eachCount(packed string) iter.Seq2[string, uint32] {
	return func(yield func(string, uint32) bool) {
		for len(packed) >= 6 {
			n, end := le32(packed), 6+int(le16(packed[4:]))
			if len(packed) < end || !yield(packed[6:end], n) {
				return
			}
			packed = packed[end:]
		}
	}
}

// packCounts packs one count as eachCount reads it.
func packCounts(to []byte, name string, n uint32) []byte {
	to = binary.LittleEndian.AppendUint32(to, n)
	to = binary.LittleEndian.AppendUint16(to, uint16(len(name)))
	return append(to, name...)
}

// values are those of numberColumns, appended to row.
func (r *numberRow) values(row []value, wasted wastedCost) []value {
	return append(row, text(r.account), text(r.number), moment(r.sinceMS), text(r.rule),
		value{kind: kindCounts, text: r.reasons},
		moment(r.lastDeliveredMS), moment(r.lastFailedMS), count(uint64(r.failedMailings)), count(uint64(r.failedDays)),
		wasted.value(), text(wasted.currency), count(r.ruleVersion), moment(r.firstFailedMS),
		truth(r.possibleReassignment), text(r.operator), known(r.ported), known(r.valid), moment(r.ownerChangedMS),
		count(uint64(r.guessed)), value{kind: kindJSON, text: reachableOn(r.reachable)},
		value{kind: kindJSON, text: optOuts(r.optOuts)})
}

// known is a truth that may be unknown.
func known(n int8) value {
	if n < 0 {
		return null
	}
	return truth(n == 1)
}

// numbersAsOf is the moment up to which everything is in the verdicts; nil before any was given. While no number waits
// for its verdict that is the reports' as_of, which is read first: what it covers has touched its numbers by then.
func (s *Server) numbersAsOf(ctx context.Context, now time.Time) (*int64, error) {
	f, err := s.freshness(ctx)
	if err != nil {
		return nil, err
	}
	var waiting uint64
	if err := s.deps.Conn.QueryRow(s.settings(ctx), statusNumbersSQL).Scan(&waiting); err != nil {
		return nil, fmt.Errorf("count touched numbers: %w", err)
	}
	if waiting == 0 {
		return s.asOf(f, now), nil
	}
	if err := s.deps.Conn.QueryRow(s.settings(ctx), numbersAsOfSQL).Scan(&f.known, &f.asOfMS); err != nil {
		return nil, fmt.Errorf("read how fresh verdicts are: %w", err)
	}
	return s.asOf(f, now), nil
}

// pinNumbers reads as_of first and the greatest version second, so that everything before as_of is in the rows up to
// that version.
func (s *Server) pinNumbers(ctx context.Context, now time.Time) (pin, error) {
	seen := pin{NowMS: now.UnixMilli(), ReadMS: time.Now().UnixMilli()}
	asOf, err := s.numbersAsOf(ctx, now)
	if err != nil {
		return seen, err
	}
	seen.AsOfMS = asOf
	if err := s.deps.Conn.QueryRow(s.settings(ctx), numbersVersionSQL).Scan(&seen.Generation); err != nil {
		return seen, fmt.Errorf("read version of verdicts: %w", err)
	}
	return seen, nil
}

// numberAccounts returns the accounts that have numbers, two of them at most.
func (s *Server) numberAccounts(ctx context.Context) (accounts []string, err error) {
	if err := s.deps.Conn.QueryRow(s.settings(ctx), numbersAccountsSQL).Scan(&accounts); err != nil {
		return nil, fmt.Errorf("read accounts of verdicts: %w", err)
	}
	return accounts, nil
}

// asOfMembers are the members of an envelope that say how fresh the rows are.
func asOfMembers(seen *pin) []member {
	asOf, lag := null, null
	if seen.AsOfMS != nil {
		asOf, lag = instant(*seen.AsOfMS), decimal(max(0, seen.NowMS-*seen.AsOfMS), 3)
	}
	return []member{{"as_of", asOf}, {"lag_seconds", lag}}
}
