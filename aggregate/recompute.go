package aggregate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"kaskad/schema"
)

// chunkRows is how many rows of facts are folded at a time: up to 250 bytes each in memory. A pass over more goes chunk
// by chunk, and a bucket that is more by itself slice by slice, each with whole messages.
const chunkRows = 3_000_000

// cellStatements compute all rollups of a chunk, in this order.
var cellStatements = []string{"fold", "heads", "rollup_attempts", "rollup_cascades", "legs", "shapes", "rollup_spend",
	"rollup_waste", "rollup_failures", "by_recipient", "numbers_touched"}

// currentRollups counts the sets of rollups that there have been: 1 came with money, 2 with number health, 3 with the
// receipts of 00009_receipts.sql, 4 with spend, 5 with editions. Generations of an older set are computed anew.
const currentRollups = 5

// workTables are the names of the tables in memory that this aggregator works with (sql/work_tables.sql).
type workTables struct{ folded, heads, dialogRows, addresses, marker string }

func (t workTables) all() []string {
	return []string{t.folded, t.heads, t.dialogRows, t.addresses, t.marker}
}

// createTables makes the tables of this aggregator, and removes those of aggregators that ended without doing so: there
// is no other one now.
func (a *Aggregator) createTables(ctx context.Context) error {
	rows, err := a.deps.Conn.Query(ctx, statement("stale_tables"))
	if err != nil {
		return fmt.Errorf("list work tables: %w", err)
	}
	defer rows.Close()
	var stale []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return fmt.Errorf("list work tables: %w", err)
		}
		stale = append(stale, name)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list work tables: %w", err)
	}
	if err := a.dropTables(ctx, stale); err != nil {
		return err
	}
	prefix := "work_" + strings.ReplaceAll(a.owner.String(), "-", "") + "_"
	a.tables = workTables{prefix + "folded", prefix + "heads", prefix + "dialog_rows", prefix + "addresses",
		prefix + "marker"}
	ctx = clickhouse.Context(ctx, clickhouse.WithParameters(a.parameters(0)))
	for _, create := range strings.Split(statement("work_tables"), ";\n") {
		if err := a.deps.Conn.Exec(ctx, create); err != nil {
			return fmt.Errorf("create work table: %w", err)
		}
	}
	return nil
}

func (a *Aggregator) dropTables(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := a.deps.Conn.Exec(clickhouse.Context(ctx,
			clickhouse.WithParameters(clickhouse.Parameters{"table": name})),
			"DROP TABLE IF EXISTS {table:Identifier}"); err != nil {
			return fmt.Errorf("drop work table %s: %w", name, err)
		}
	}
	return nil
}

func (a *Aggregator) truncate(ctx context.Context, name string) error {
	if err := a.deps.Conn.Exec(clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{"table": name})),
		"TRUNCATE TABLE {table:Identifier}"); err != nil {
		return fmt.Errorf("empty work table %s: %w", name, err)
	}
	return nil
}

// errForgotten tells that ClickHouse started again in the middle of a pass: what it had in memory is gone, so cells may
// have been computed from nothing. They are not published.
var errForgotten = errors.New("ClickHouse started again during the pass; it is done anew")

func (a *Aggregator) checkAlive(ctx context.Context) error {
	var rows uint64
	if err := a.deps.Conn.QueryRow(clickhouse.Context(ctx, clickhouse.WithParameters(a.parameters(0))),
		"SELECT count() FROM {marker:Identifier}").Scan(&rows); err != nil {
		return fmt.Errorf("look at work tables: %w", err)
	}
	if rows != 1 {
		return errForgotten
	}
	return nil
}

// parameters are those that the statements of a pass share.
func (a *Aggregator) parameters(generation uint64) clickhouse.Parameters {
	return clickhouse.Parameters{
		"generation": strconv.FormatUint(generation, 10), "folded": a.tables.folded, "heads": a.tables.heads,
		"dialog_rows": a.tables.dialogRows,
		"addresses":   a.tables.addresses, "marker": a.tables.marker, "rollups": strconv.Itoa(currentRollups),
		"dialog_channels": schema.SQLArray(schema.Channels.Dialogs()),
	}
}

// do runs a statement of the pass.
func (a *Aggregator) do(ctx context.Context, name string, generation uint64, tables ...*ext.Table) error {
	return a.doWith(ctx, name, a.parameters(generation), tables...)
}

func (a *Aggregator) doWith(ctx context.Context, name string, parameters clickhouse.Parameters,
	tables ...*ext.Table) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(tables...), clickhouse.WithParameters(parameters))
	return a.deps.Conn.Exec(ctx, statement(name))
}

// recompute runs steps 3 to 5 of the package comment for the chosen buckets and those whose units they, or what people
// said (asked), move. It returns all of them.
func (a *Aggregator) recompute(ctx context.Context, generation uint64, nowMS int64, work []*bucketWork,
	open map[bucketKey]*bucketWork,
	asked []schema.Touch) ([]*bucketWork, error) {
	if err := a.begin(ctx, generation); err != nil {
		return nil, err
	}
	work, err := a.decideDialogs(ctx, generation, work, open, asked)
	if err != nil {
		return nil, fmt.Errorf("compute generation %d: %w", generation, err)
	}
	if len(work) == 0 {
		return nil, nil
	}
	targets, err := targetTable(work)
	if err != nil {
		return nil, err
	}
	var touches []schema.Touch
	for _, w := range work {
		touches = append(touches, w.touches...)
	}
	batches, err := batchTable(touches)
	if err != nil {
		return nil, err
	}
	announced, err := touchTable(touches)
	if err != nil {
		return nil, err
	}
	if err := a.exec(ctx, "queue_whole", announced); err != nil {
		return nil, fmt.Errorf("queue whole buckets: %w", err)
	}
	rows, err := a.countRows(ctx, targets)
	if err != nil {
		return nil, err
	}
	a.passRows = 0
	for _, n := range rows {
		a.passRows += n
	}
	if err := a.readOptOutAccounts(ctx); err != nil {
		return nil, err
	}
	for _, c := range chunks(work, rows, a.chunkRows) {
		if err := a.computeCells(ctx, generation, nowMS, c, batches); err != nil {
			return nil, fmt.Errorf("compute generation %d of %d buckets: %w", generation, len(work), err)
		}
	}
	if err := a.attributeChanged(ctx, generation, targets); err != nil {
		return nil, err
	}
	if err := a.checkAlive(ctx); err != nil {
		return nil, err
	}
	// What is large stands empty between passes.
	if err := a.truncate(ctx, a.tables.folded); err != nil {
		return nil, err
	}
	a.cfg.OnStep("computed")
	// Another aggregator took over if this one was silent for long; what it publishes must not be replaced by what was
	// computed before.
	if err := a.checkOwner(ctx); err != nil {
		return nil, err
	}
	if err := a.nameLost(ctx, generation, nowMS, targets); err != nil {
		return nil, err
	}
	// Should the process end between these two, the touches are open and the buckets come out the same: the units that
	// were moved, too, for the dialogs of before still count.
	for _, name := range []string{"publish_edition", "publish"} {
		if err := a.do(ctx, name, generation, targets); err != nil {
			return nil, fmt.Errorf("publish edition %d (%s): %w", generation, name, err)
		}
	}
	a.lastPublished, a.allBuilt = time.Now(), false
	a.cfg.OnStep("published")
	if err := a.closeTouches(ctx, touches); err != nil {
		return nil, fmt.Errorf("close touches of generation %d: %w", generation, err)
	}
	a.cfg.OnStep("closed")
	a.metrics.generations.Inc()
	a.metrics.buckets.Add(float64(len(work)))
	return work, nil
}

// begin notes that rows of the edition may be written: as long as it is not published, none of them counts.
func (a *Aggregator) begin(ctx context.Context, edition uint64) error {
	if a.begun == edition {
		return nil
	}
	if err := a.do(ctx, "begin_edition", edition); err != nil {
		return fmt.Errorf("begin edition %d: %w", edition, err)
	}
	a.begun = edition
	return nil
}

// countRows returns how many rows of facts each target has.
func (a *Aggregator) countRows(ctx context.Context, targets *ext.Table) (map[bucketKey]uint64, error) {
	found, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(targets)),
		statement("count_attempts"))
	if err != nil {
		return nil, fmt.Errorf("count attempts: %w", err)
	}
	defer found.Close()
	rows := map[bucketKey]uint64{}
	for found.Next() {
		var account string
		var bucket time.Time
		var n uint64
		if err := found.Scan(&account, &bucket, &n); err != nil {
			return nil, fmt.Errorf("count attempts: %w", err)
		}
		rows[bucketKey{account, bucket.UnixMilli()}] = n
	}
	return rows, found.Err()
}

// chunk is what is folded at a time: some buckets, or one of several slices of a bucket that is large by itself.
type chunk struct {
	work          []*bucketWork
	slice, slices uint64
}

// chunks parts the work so that no chunk has more rows than limit, give or take the unevenness of a hash. All of the
// work is in it once.
func chunks(work []*bucketWork, rows map[bucketKey]uint64, limit uint64) []chunk {
	var all []chunk
	current, filled := chunk{slices: 1}, uint64(0)
	for _, w := range work {
		n := rows[w.bucketKey]
		if n > limit {
			slices := 1 + (n-1)/limit
			for i := range slices {
				all = append(all, chunk{[]*bucketWork{w}, i, slices})
			}
			continue
		}
		if filled+n > limit {
			all = append(all, current)
			current, filled = chunk{slices: 1}, 0
		}
		current.work, filled = append(current.work, w), filled+n
	}
	if len(current.work) > 0 {
		all = append(all, current)
	}
	return all
}

// computeCells folds the facts of a chunk once and computes all rollups from that.
func (a *Aggregator) computeCells(ctx context.Context, generation uint64, nowMS int64, c chunk,
	batches *ext.Table) error {
	targets, err := targetTable(c.work)
	if err != nil {
		return err
	}
	parameters := a.parameters(generation)
	parameters["as_of"] = strconv.FormatInt(nowMS, 10)
	parameters["slice"] = strconv.FormatUint(c.slice, 10)
	parameters["slices"] = strconv.FormatUint(c.slices, 10)
	for _, name := range []string{a.tables.folded, a.tables.heads} {
		if err := a.truncate(ctx, name); err != nil {
			return err
		}
	}
	for _, name := range cellStatements {
		if err := a.doWith(ctx, name, parameters, targets, batches); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := a.takeBackReaddressed(ctx, parameters, targets, batches); err != nil {
		return err
	}
	return a.attributeChunk(ctx, parameters, targets, batches)
}

// takeBackReaddressed takes attempts from recipients that a later event has replaced by a greater one.
func (a *Aggregator) takeBackReaddressed(ctx context.Context, parameters clickhouse.Parameters,
	tables ...*ext.Table) error {
	var found uint64
	if err := a.deps.Conn.QueryRow(clickhouse.Context(ctx, clickhouse.WithParameters(parameters)),
		"SELECT count() FROM {folded:Identifier} WHERE readdressed").Scan(&found); err != nil {
		return fmt.Errorf("look for readdressed attempts: %w", err)
	}
	if found == 0 {
		return nil
	}
	for _, name := range []string{"shared_attempts", "readdressed", "readdressed_numbers"} {
		if err := a.doWith(ctx, name, parameters, tables...); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return a.countShared(ctx)
}

func (a *Aggregator) countShared(ctx context.Context) error {
	var shared uint64
	if err := a.deps.Conn.QueryRow(ctx,
		"SELECT uniqExact(account, message_id, step) FROM shared_attempts").Scan(&shared); err != nil {
		return fmt.Errorf("count shared attempts: %w", err)
	}
	a.metrics.shared.Set(float64(shared))
	return nil
}

func touchTable(touches []schema.Touch) (*ext.Table, error) {
	table, err := ext.NewTable("touches", ext.Column("account", "String"), ext.Column("bucket", "DateTime('UTC')"),
		ext.Column("id", "UUID"))
	if err != nil {
		return nil, err
	}
	for _, t := range touches {
		if err := table.Append(t.Account, time.UnixMilli(t.BucketMS).UTC(), t.ID); err != nil {
			return nil, fmt.Errorf("list touches: %w", err)
		}
	}
	return table, nil
}

func targetTable(work []*bucketWork) (*ext.Table, error) {
	table, err := ext.NewTable("targets", ext.Column("account", "String"), ext.Column("bucket", "DateTime('UTC')"))
	if err != nil {
		return nil, err
	}
	for _, w := range work {
		if err := table.Append(w.account, time.UnixMilli(w.bucketMS).UTC()); err != nil {
			return nil, fmt.Errorf("list buckets: %w", err)
		}
	}
	return table, nil
}
