package erasure

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"kaskad/schema"
)

//go:embed sql/*.sql
var statements embed.FS

const (
	// maxRounds is how often the number is overwritten before the caller is told that it does not end: each round but
	// the first follows on rows that were written meanwhile, or on a restart of ClickHouse.
	maxRounds = 12
	// quietPause is how far apart the two looks are that must find nothing.
	quietPause = time.Second
	// aggregatorSilence is how long an aggregator may say nothing before it counts as gone: the longest pass.
	aggregatorSilence = time.Minute
)

// numberTables hold what is known of a number, which is deleted: a verdict on a pseudonym would tell nobody anything.
var numberTables = []string{"number_queue", "numbers_touched", "number_health", "number_health_before",
	"number_changes", "number_overrides"}

// keyTables have the number in their key, which no mutation can change: rows are copied under the pseudonym and then
// deleted.
var keyTables = []string{"attempts_by_recipient", "recipient_events", "dialogs_by_person", "opt_outs"}

// peopleTables know people and recipients by hashes, which are renamed.
var peopleTables = []string{"rollup_people", "whole_people"}

// erasedColumns are the columns that EraseNumber keeps free of the number, by table. A test knows what all others hold.
var erasedColumns = map[string][]string{
	"attempts": {"recipient_country", "contact"}, "attempts_by_recipient": {"recipient", "contact", "person"},
	"recipient_events": {"recipient", "contact"}, "changes": {"state"}, "message_states": {"state"},
	"state_log": {"state"}, "settled_states": {"state"},
	"dialogs": {"recipient"}, "dialogs_by_person": {"recipient"}, "opt_outs": {"recipient"},
	"orphans": {"recipient_country", "contact", "raw"}, "rejected": {"raw", "error"},
	"number_queue": {"number"}, "numbers_touched": {"number"}, "number_health": {"number", "why"},
	"number_health_before": {"number", "why"}, "number_changes": {"number"},
	"number_overrides": {"number", "why"}, "erasing": {"known", "instead"},
}

// eraser is one call of EraseNumber.
type eraser struct {
	conn                       driver.Conn
	id                         uuid.UUID
	account, number, pseudonym string
	erased                     map[string]uint64
}

// EraseNumber overwrites a phone number of an account by its pseudonym wherever figures depend on it, and deletes the
// rest, until two looks find nothing of it. It returns how many rows of each table it overwrote or deleted. The caller
// has noted the erasure before (Request), so that nothing new is stored under the number. Calling it again, at the
// same time too, changes nothing more. An error leaves work undone: call it again.
func EraseNumber(ctx context.Context, conn driver.Conn, account, number, pseudonym string) (rows map[string]uint64,
	err error) {
	if len(number) < 2 || number[0] != '+' || !allDigits([]byte(number[1:])) {
		return nil, errors.New("only phone numbers can be erased: + and digits")
	}
	e := &eraser{conn: conn, id: uuid.New(), account: account, number: number, pseudonym: pseudonym,
		erased: map[string]uint64{}}
	defer func() {
		// Mutations that have not ended find nothing to do any more, as after a restart of ClickHouse.
		forget, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		for _, table := range []string{"erasing", "erasing_rows"} {
			if failed := e.do(forget, "forget", table); failed != nil && err == nil {
				err = failed
			}
		}
	}()
	quiet, waited := false, false
	for round := 0; round < maxRounds; {
		left, err := e.look(ctx)
		switch {
		case err != nil:
			return e.erased, err
		case left.none() && quiet && waited:
			return e.erased, nil
		case left.none() && !waited:
			waited = true
			if err := e.settle(ctx); err != nil {
				return e.erased, err
			}
			if err := e.walkDialogs(ctx); err != nil {
				return e.erased, err
			}
			fallthrough
		case left.none():
			quiet = true
			if err := pause(ctx, quietPause); err != nil {
				return e.erased, err
			}
			continue
		}
		quiet, waited = false, false
		round++
		if err := e.overwrite(ctx, left); err != nil {
			return e.erased, err
		}
	}
	return e.erased, fmt.Errorf("the number was still found after it was overwritten %d times: something writes it "+
		"all the time; look whether every ingest has the erasure key, and erase it again", maxRounds)
}

// leftover is what a look has found of the number.
type leftover struct {
	// visible rows by table, and those on disk that are marked as deleted already.
	visible, masked map[string]uint64
	letters         []heldLetter
}

func (l *leftover) none() bool {
	return len(l.visible) == 0 && len(l.masked) == 0 && len(l.letters) == 0
}

func (e *eraser) look(ctx context.Context) (*leftover, error) {
	left := &leftover{}
	all, err := e.count(ctx, false)
	if err != nil {
		return nil, err
	}
	if len(all) > 0 {
		if left.visible, err = e.count(ctx, true); err != nil {
			return nil, err
		}
		left.masked = map[string]uint64{}
		for table, n := range all {
			if n > left.visible[table] {
				left.masked[table] = n - left.visible[table]
			}
		}
	}
	return left, e.lookAtLetters(ctx, left)
}

// count returns how many rows hold the number, by table: those that queries see, or all that are on disk.
func (e *eraser) count(ctx context.Context, visible bool) (found map[string]uint64, err error) {
	table, err := e.table()
	if err != nil {
		return nil, err
	}
	mask := 0
	if visible {
		mask = 1
	}
	rows, err := e.conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(table),
		clickhouse.WithSettings(clickhouse.Settings{"apply_deleted_mask": mask})),
		statement("look"))
	if err != nil {
		return nil, fmt.Errorf("look for the number: %w", err)
	}
	defer rows.Close()
	found = map[string]uint64{}
	for rows.Next() {
		var name string
		var n uint64
		if err := rows.Scan(&name, &n); err != nil {
			return nil, fmt.Errorf("look for the number: %w", err)
		}
		if n > 0 {
			found[name] = n
		}
	}
	return found, rows.Err()
}

// overwrite does one round: what is found is copied under the pseudonym where it cannot be changed in place, then
// changed and deleted.
func (e *eraser) overwrite(ctx context.Context, left *leftover) error {
	if err := e.remember(ctx); err != nil {
		return err
	}
	if err := e.copyLetters(ctx, left); err != nil {
		return err
	}
	var changes [][2]string // statement, table
	for _, table := range keyTables {
		if left.visible[table] == 0 {
			continue
		}
		for _, step := range []string{"rows_", "copy_"} {
			if err := e.do(ctx, step+table, table); err != nil {
				return err
			}
		}
		changes = append(changes, [2]string{"change_" + table, table})
	}
	if left.visible["changes"] > 0 {
		for _, step := range []string{"rows_changes", "touch_changes"} {
			if err := e.do(ctx, step, "changes"); err != nil {
				return err
			}
		}
		changes = append(changes, [2]string{"change_changes", "changes"})
	}
	for _, table := range []string{"attempts", "dialogs"} {
		if left.visible[table] > 0 {
			changes = append(changes, [2]string{"change_" + table, table})
		}
	}
	for _, table := range peopleTables {
		if left.visible[table] > 0 {
			changes = append(changes, [2]string{"change_people", table})
		}
	}
	for _, table := range numberTables {
		if left.visible[table] > 0 {
			changes = append(changes, [2]string{"change_numbers", table})
		}
	}
	for _, table := range []string{"orphans", "rejected"} {
		if n := left.lettersIn(table); n > 0 {
			changes = append(changes, [2]string{"change_letters", table})
			e.erased[table] += n
		}
	}
	// A part whose rows are all marked looks to a mutation as if it did not hold the number.
	for _, table := range slices.Sorted(maps.Keys(left.masked)) {
		changes = append(changes, [2]string{"apply_deletes", table})
	}
	for _, c := range changes {
		if err := e.do(ctx, c[0], c[1]); err != nil {
			return err
		}
	}
	if err := e.waitForMutations(ctx); err != nil {
		return err
	}
	if err := e.overwriteStates(ctx, left); err != nil {
		return err
	}
	for table, n := range left.visible {
		e.erased[table] += n
	}
	return nil
}

// overwriteStates has the states of messages that hold the number written anew from facts, which hold the pseudonym by
// now. Where no aggregator works they are deleted: the next one finds their hours cold.
func (e *eraser) overwriteStates(ctx context.Context, left *leftover) error {
	if left.visible["message_states"]+left.visible["settled_states"]+left.visible["state_log"] == 0 {
		return nil
	}
	alive, err := e.aggregatorWorks(ctx)
	if err != nil {
		return err
	}
	if err := e.do(ctx, "cold_states", "message_states"); err != nil {
		return err
	}
	touch := *e
	touch.id = uuid.New()
	if err := touch.do(ctx, "touch_states", "message_states"); err != nil {
		return err
	}
	// What the log says is applied when the aggregator has answered.
	tables := []string{"state_log", "settled_states"}
	if alive {
		if err := e.waitForAnswer(ctx, touch.id); err != nil {
			return err
		}
	} else {
		tables = append(tables, "message_states")
	}
	for _, table := range tables {
		for _, step := range []string{"rows_" + table, "change_states"} {
			if err := e.do(ctx, step, table); err != nil {
				return err
			}
		}
	}
	// The store keeps what was overwritten until it puts its files together.
	if err := e.conn.Exec(ctx, "OPTIMIZE TABLE message_states"); err != nil {
		return fmt.Errorf("put the files of message_states together: %w", err)
	}
	return e.waitForMutations(ctx)
}

// remember puts the number where mutations can look it up. ClickHouse forgets it when it starts again.
func (e *eraser) remember(ctx context.Context) error {
	var rows uint64
	if err := e.conn.QueryRow(e.with(ctx, "erasing"),
		"SELECT count() FROM erasing WHERE id = {id:UUID}").Scan(&rows); err != nil {
		return fmt.Errorf("look whether ClickHouse remembers the number: %w", err)
	}
	if rows > 0 {
		return nil
	}
	known, instead := e.pairs()
	err := schema.InsertColumns(ctx, e.conn, "INSERT INTO erasing (id, account, known, instead)", 0, 2,
		[]any{slices.Repeat([]uuid.UUID{e.id}, 2), slices.Repeat([]string{e.account}, 2), known, instead})
	if err != nil {
		return fmt.Errorf("name the number to ClickHouse: %w", err)
	}
	return nil
}

func (e *eraser) pairs() (known, instead []string) {
	return []string{e.number, e.number[1:]}, []string{e.pseudonym, bare(e.pseudonym)}
}

// table is the external table that statements find the number in: in no text of a query, which an error would carry
// into ClickHouse's log.
func (e *eraser) table() (*ext.Table, error) {
	table, err := ext.NewTable("erased", ext.Column("account", "String"), ext.Column("known", "String"),
		ext.Column("instead", "String"))
	if err != nil {
		return nil, err
	}
	known, instead := e.pairs()
	for i := range known {
		if err := table.Append(e.account, known[i], instead[i]); err != nil {
			return nil, fmt.Errorf("name the number to ClickHouse: %w", err)
		}
	}
	return table, nil
}

// do runs a statement on a table.
func (e *eraser) do(ctx context.Context, name, table string, further ...*ext.Table) error {
	erased, err := e.table()
	if err != nil {
		return err
	}
	// Mutations run by themselves, and are waited for: an answer that takes minutes would look like a dead connection.
	// Their subqueries stay subqueries.
	ctx = clickhouse.Context(e.with(ctx, table), clickhouse.WithExternalTable(append(further, erased)...),
		clickhouse.WithSettings(clickhouse.Settings{
			"mutations_sync": 0, "allow_nondeterministic_mutations": 1, "mutations_execute_subqueries_on_initiator": 0,
			"mutations_execute_nondeterministic_on_initiator": 0,
			"alter_sync": 0,
		}))
	if err := e.conn.Exec(ctx, statement(name)); err != nil {
		return fmt.Errorf("erase number (%s of %s): %w", name, table, err)
	}
	return nil
}

func (e *eraser) with(ctx context.Context, table string) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{"id": e.id.String(),
		"table": table}))
}

// waitForMutations returns when ClickHouse has rewritten all parts that hold the number.
func (e *eraser) waitForMutations(ctx context.Context) error {
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		var waiting uint64
		var failure string
		if err := e.conn.QueryRow(e.with(ctx, ""), statement("waiting")).Scan(&waiting, &failure); err != nil {
			return fmt.Errorf("wait for mutations: %w", err)
		}
		if waiting == 0 {
			return nil
		}
		if err := pause(ctx, wait); err != nil {
			return fmt.Errorf("%d mutations have not ended (last failure: %q), what is left is erased when the "+
				"number is erased again: %w", waiting, failure, err)
		}
	}
}

// settle returns when the aggregator has written all that it read before the number was overwritten, and has attributed
// anew what the pseudonym said: a pass that ran meanwhile may have seen the opt-outs without their attempts, and
// nothing would change that later. Passes come one after another and so do rounds of verdicts, so it is enough that
// one of each has answered: the round is asked about an address that nobody has, which decides nothing. Where no
// aggregator works the next one answers.
func (e *eraser) settle(ctx context.Context) error {
	said, err := schema.AskOptOuts(ctx, e.conn, e.account, e.pseudonym, time.Now())
	if err != nil {
		return err
	}
	decided, err := schema.AskVerdicts(ctx, e.conn, e.account, []string{e.nobody()}, time.Now())
	if err != nil {
		return err
	}
	if alive, err := e.aggregatorWorks(ctx); err != nil || !alive {
		return err
	}
	for _, touch := range []uuid.UUID{said, decided} {
		if err := e.waitForAnswer(ctx, touch); err != nil {
			return err
		}
	}
	return nil
}

// nobody is an address that no event has brought: of the kind that verdicts are about, unlike the pseudonym.
func (e *eraser) nobody() string { return "email:" + strings.TrimPrefix(e.pseudonym, "user:") }

// waitForAnswer returns when the aggregator has closed a touch and decided what it asked for, or when it does not work
// any more.
func (e *eraser) waitForAnswer(ctx context.Context, touch uuid.UUID) error {
	parameters := clickhouse.Parameters{"id": touch.String(), "account": e.account, "nobody": e.nobody()}
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		var answered bool
		if err := e.conn.QueryRow(clickhouse.Context(ctx, clickhouse.WithParameters(parameters)),
			statement("answered")).Scan(&answered); err != nil {
			return fmt.Errorf("wait for the aggregator: %w", err)
		}
		if answered {
			return nil
		}
		if alive, err := e.aggregatorWorks(ctx); err != nil || !alive {
			return err
		}
		if err := pause(ctx, wait); err != nil {
			return fmt.Errorf("the aggregator has not ended what it was doing: erase the number again: %w", err)
		}
	}
}

func (e *eraser) aggregatorWorks(ctx context.Context) (alive bool, err error) {
	silence := clickhouse.Parameters{"seconds": strconv.Itoa(int(aggregatorSilence.Seconds()))}
	if err := e.conn.QueryRow(clickhouse.Context(ctx, clickhouse.WithParameters(silence)),
		statement("aggregator")).Scan(&alive); err != nil {
		return false, fmt.Errorf("look for the aggregator: %w", err)
	}
	return alive, nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func statement(name string) string {
	text, err := statements.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic("erasure: no statement " + name) // the files are part of the program; a test reads them all
	}
	return string(text)
}
