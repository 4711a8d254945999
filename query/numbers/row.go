package numbers

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/query/store"
	"kaskad/schema/rules"
)

var (
	//go:embed sql/rows.sql
	rowsSQL string
	//go:embed sql/dead.sql
	deadSQL string
	//go:embed sql/one.sql
	oneSQL string
	//go:embed sql/check.sql
	checkSQL string
	//go:embed sql/as_of.sql
	asOfSQL string
	//go:embed sql/version.sql
	versionSQL string
	//go:embed sql/accounts.sql
	accountsSQL string
	//go:embed sql/account_known.sql
	accountKnownSQL string
	//go:embed sql/waiting.sql
	waitingSQL string
)

// The statements about number_health that pack its rows.
var (
	deadTemplate  = rollup.Template("dead.sql", rowsSQL, deadSQL)
	oneTemplate   = rollup.Template("one.sql", rowsSQL, oneSQL)
	checkTemplate = rollup.Template("check.sql", rowsSQL, checkSQL)
)

const (
	// cursorVersion is the version of what cursors of number lists mean.
	cursorVersion = 1
	// maxCursorAge is how long a cursor of dead numbers stays good. Verdicts that were replaced are kept for an
	// hour.
	maxCursorAge = 30 * time.Minute
)

// The states that a verdict gives. deadState is the one that lists are made of.
const (
	deadState    = "dead"
	unknownState = "unknown"
)

// Columns are the columns of a verdict with its evidence.
var Columns = []answer.Column{
	{Name: "account", Text: "whose verdict it is"},
	{Name: "number", Text: "the recipient as sent, + and digits or email:..."},
	{Name: "since", Type: answer.TimeColumn,
		Text: "time of the failure that completed a rule first; when a verdict was set by hand",
		Null: "when not dead and not set by hand"},
	{Name: "rule", Of: answer.OneOf(append([]string{""}, rules.OfVerdicts...)...),
		Text: "the rule that was completed first; of several at one moment the first of deactivated, " +
			"invalid_format, hard, soft; override; empty when no rule holds"},
	{Name: "reasons", Type: answer.CountsColumn, Text: "hard and soft failures of the streak by class"},
	{Name: "last_delivered_at", Type: answer.TimeColumn, Text: "the latest success", Null: "without one"},
	{Name: "last_failed_at", Type: answer.TimeColumn, Text: "the latest failure of any class", Null: "without one"},
	{Name: "failed_mailings", Type: answer.CountColumn,
		Text: "different mailings among the streak's hard and soft failures"},
	{Name: "failed_days", Type: answer.CountColumn, Text: "different UTC days of the streak's failures"},
	{Name: "wasted_cost", Type: answer.MoneyColumn,
		Text: "sum of units x price over the streak's attempts, each by itself, by the price list as it is " +
			"now",
		Null: "when an attempt that was sent has no price, or prices are in two currencies"},
	{Name: "currency", Text: "currency of wasted_cost; empty when nothing was billed or it is null"},
	{Name: "rule_version", Type: answer.CountColumn, Text: "version of the account's number rules, 0 for the defaults"},
	{Name: "first_failed_at", Type: answer.TimeColumn,
		Text: "the first failure of the streak",
		Null: "without a streak"},
	{Name: "possible_reassignment", Type: answer.BoolColumn,
		Text: "a success later than an owner_changed_at that a lookup told, or one of a number that had " +
			"been dead for three days or more"},
	{Name: "operator", Text: "as the latest lookup told; empty when it did not"},
	{Name: "ported", Type: answer.BoolColumn, Text: "as the latest lookup told", Null: "when it did not"},
	{Name: "valid", Type: answer.BoolColumn, Text: "as the latest lookup told", Null: "when it did not"},
	{Name: "owner_changed_at", Type: answer.TimeColumn, Text: "as the latest lookup told", Null: "when it did not"},
	{Name: "guessed", Type: answer.CountColumn, Text: "how many of the counted failures have a guessed class"},
	{Name: "reachable_on", Of: answer.ListOf(reachable),
		Text: "[{channel, last_delivered_at}]: channels other than those of its evidence on which this " +
			"recipient was delivered to at or after first_failed_at, by channel; [] without a streak: " +
			"dead is the number as a phone, not the person"},
	{Name: "opt_outs", Of: answer.ListOf(optOut),
		Text: "[{channel, app, sender, kind, since}]: what the person does not want, see opt_outs below; " +
			"also of numbers without evidence"},
}

// reachable is an element of reachable_on, and optOut one of opt_outs.
var (
	reachable = answer.ObjectOf(answer.Column{Name: "channel"},
		answer.Column{Name: "last_delivered_at", Type: answer.TimeColumn})
	optOut = answer.ObjectOf(answer.Column{Name: "channel"}, answer.Column{Name: "app"}, answer.Column{Name: "sender"},
		answer.Column{Name: "kind"}, answer.Column{Name: "since", Type: answer.TimeColumn})
)

// numberRow is a row of number_health as rows.sql packs it. Its texts are parts of the packed one. Times are
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

// unpack reads what rows.sql packs.
func (r *numberRow) unpack(packed string) error {
	const fixed = 6*8 + 3*4 + 3
	if len(packed) < fixed {
		return errCutOff
	}
	r.sinceMS, r.firstFailedMS, r.lastFailedMS = int64(answer.LE64(packed)), int64(answer.LE64(packed[8:])),
		int64(answer.LE64(packed[16:]))
	r.lastDeliveredMS, r.ownerChangedMS, r.ruleVersion = int64(answer.LE64(packed[24:])),
		int64(answer.LE64(packed[32:])),
		answer.LE64(packed[40:])
	r.failedMailings, r.failedDays, r.guessed = answer.LE32(packed[48:]), answer.LE32(packed[52:]),
		answer.LE32(packed[56:])
	r.possibleReassignment, r.ported, r.valid = packed[60] == 1, int8(packed[61]), int8(packed[62])
	packed = packed[fixed:]
	for _, to := range [...]*string{&r.account, &r.number, &r.rule, &r.operator, &r.reasons} {
		if len(packed) < 2 {
			return errCutOff
		}
		size := int(answer.LE16(packed))
		if packed = packed[2:]; len(packed) < size {
			return errCutOff
		}
		*to, packed = packed[:size], packed[size:]
	}
	for _, to := range [...]*string{&r.reachable, &r.optOuts} {
		if len(packed) < 4 || len(packed)-4 < int(answer.LE32(packed)) {
			return errCutOff
		}
		end := 4 + int(answer.LE32(packed))
		*to, packed = packed[4:end], packed[end:]
	}
	r.streak = packed
	if len(packed)%streakAttempt != 0 {
		return errCutOff
	}
	r.reasons = answer.SortCounts(r.reasons)
	return nil
}

// values are those of Columns, appended to row.
func (r *numberRow) values(row []answer.Value, wasted wastedCost) []answer.Value {
	return append(row, answer.Text(r.account), answer.Text(r.number), answer.Moment(r.sinceMS), answer.Text(r.rule),
		answer.Counts(r.reasons),
		answer.Moment(r.lastDeliveredMS), answer.Moment(r.lastFailedMS), answer.Count(uint64(r.failedMailings)),
		answer.Count(uint64(r.failedDays)),
		wasted.value(), answer.Text(wasted.currency), answer.Count(r.ruleVersion), answer.Moment(r.firstFailedMS),
		answer.Bool(r.possibleReassignment), answer.Text(r.operator), known(r.ported), known(r.valid),
		answer.Moment(r.ownerChangedMS),
		answer.Count(uint64(r.guessed)), answer.JSON(reachableOn(r.reachable)),
		answer.JSON(optOuts(r.optOuts)))
}

// known is a truth that may be unknown.
func known(n int8) answer.Value {
	if n < 0 {
		return answer.Null
	}
	return answer.Bool(n == 1)
}

// Waiting returns how many numbers have new facts and wait for their verdict.
func Waiting(ctx context.Context, db *store.DB) (waiting uint64, err error) {
	if err := db.Conn.QueryRow(db.Settings(ctx), waitingSQL).Scan(&waiting); err != nil {
		return 0, fmt.Errorf("count touched numbers: %w", err)
	}
	return waiting, nil
}

// asOf is the moment up to which everything is in the verdicts; nil before any was given. While no number waits for its
// verdict that is the reports' as_of, which is read first: what it covers has marked its numbers by then.
func (n *Numbers) asOf(ctx context.Context, now time.Time) (*int64, error) {
	f, err := n.db.Freshness(ctx)
	if err != nil {
		return nil, err
	}
	waiting, err := Waiting(ctx, n.db)
	if err != nil {
		return nil, err
	}
	if waiting == 0 {
		return n.db.AsOf(f, now), nil
	}
	if err := n.db.Conn.QueryRow(n.db.Settings(ctx), asOfSQL).Scan(&f.Known, &f.AsOfMS); err != nil {
		return nil, fmt.Errorf("read how fresh verdicts are: %w", err)
	}
	return n.db.AsOf(f, now), nil
}

// snapshot reads as_of first and the greatest version second, so that everything before as_of is in the rows up to
// that version.
func (n *Numbers) snapshot(ctx context.Context, now time.Time) (answer.Snapshot, error) {
	seen := answer.Snapshot{NowMS: now.UnixMilli(), ReadMS: time.Now().UnixMilli()}
	asOf, err := n.asOf(ctx, now)
	if err != nil {
		return seen, err
	}
	seen.AsOfMS = asOf
	if err := n.db.Conn.QueryRow(n.db.Settings(ctx), versionSQL).Scan(&seen.Edition); err != nil {
		return seen, fmt.Errorf("read version of verdicts: %w", err)
	}
	return seen, nil
}

// accountsWithNumbers returns the accounts that have numbers, two of them at most.
func (n *Numbers) accountsWithNumbers(ctx context.Context) (accounts []string, err error) {
	if err := n.db.Conn.QueryRow(n.db.Settings(ctx), accountsSQL).Scan(&accounts); err != nil {
		return nil, fmt.Errorf("read accounts of verdicts: %w", err)
	}
	return accounts, nil
}

// checkAccount refuses an account of which nothing was ever stored: its name is mistyped, and what is said of its
// numbers would be taken for knowledge.
func (n *Numbers) checkAccount(ctx context.Context, account string) error {
	if account == "" {
		return nil
	}
	var known bool
	if err := n.db.Conn.QueryRow(n.db.Settings(ctx), accountKnownSQL,
		clickhouse.Named("account", account)).Scan(&known); err != nil {
		return fmt.Errorf("look for account: %w", err)
	}
	if !known {
		return answer.BadParameter("account", "there is no such account: nothing was ever stored for it, and it has "+
			"no list and no key; check its name")
	}
	return nil
}
