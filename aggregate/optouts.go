package aggregate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/google/uuid"

	"kaskad/schema"
)

// Opt-outs, blocks and complaints are attributed to attempts (docs/definitions.md section 3): those that name a message
// when that message is folded, the others when an attempt on their address has changed, or when they arrive. Each
// attribution is a row of table opt_outs that says what reports cut by, so a report reads the few of them beside its
// cells.

// findNamed touches the messages that opt-outs of these batches name, so that this pass folds them. It returns the
// touches that it opened.
func (a *Aggregator) findNamed(ctx context.Context, asked []schema.Touch) ([]schema.Touch, error) {
	if len(asked) == 0 {
		return nil, nil
	}
	batches, err := batchTable(asked)
	if err != nil {
		return nil, err
	}
	messages, err := ext.NewTable("messages", ext.Column("account", "String"), ext.Column("bucket", "DateTime('UTC')"),
		ext.Column("message_id", "String"))
	if err != nil {
		return nil, err
	}
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(batches)),
		statement("optouts_names"))
	if err != nil {
		return nil, fmt.Errorf("find messages that opt-outs name: %w", err)
	}
	defer rows.Close()
	batch, nowMS := uuid.New(), a.cfg.Now().UnixMilli()
	found := map[bucketKey]bool{}
	for rows.Next() {
		var account, id string
		var bucket time.Time
		if err := rows.Scan(&account, &id, &bucket); err != nil {
			return nil, fmt.Errorf("find messages that opt-outs name: %w", err)
		}
		if ms := schema.IDTime([]byte(id)); ms > 0 {
			bucket = time.UnixMilli(ms / schema.HourMS * schema.HourMS)
		}
		if bucket.Unix() == 0 {
			continue // nothing of the message is known; when something is, it has changed
		}
		found[bucketKey{account, bucket.UnixMilli()}] = true
		if err := messages.Append(account, bucket.UTC(), id); err != nil {
			return nil, fmt.Errorf("list messages that opt-outs name: %w", err)
		}
	}
	if err := rows.Err(); err != nil || len(found) == 0 {
		return nil, err
	}
	if err := a.doWith(ctx, "optouts_queue", clickhouse.Parameters{"batch": batch.String()}, messages); err != nil {
		return nil, fmt.Errorf("queue messages that opt-outs name: %w", err)
	}
	var opened []schema.Touch
	for key := range found {
		opened = append(opened, schema.Touch{Account: key.account, BucketMS: key.bucketMS, ID: batch, AtMS: nowMS})
	}
	if err := schema.OpenTouches(ctx, a.deps.Conn, opened); err != nil {
		return nil, fmt.Errorf("touch messages that opt-outs name: %w", err)
	}
	return opened, nil
}

// readOptOutAccounts lists the accounts from which anybody ever opted out: of the others no address has to be looked
// at.
func (a *Aggregator) readOptOutAccounts(ctx context.Context) (err error) {
	if err = a.deps.Conn.QueryRow(ctx, statement("optouts_accounts")).Scan(&a.optOutAccounts); err != nil {
		return fmt.Errorf("look for opt-outs: %w", err)
	}
	return a.truncate(ctx, a.tables.addresses)
}

// attributeChunk attributes what names messages of a folded chunk, and notes the addresses of its changed messages.
func (a *Aggregator) attributeChunk(ctx context.Context, parameters clickhouse.Parameters, targets,
	batches *ext.Table) error {
	if len(a.optOutAccounts) == 0 {
		return nil
	}
	parameters["accounts"] = arrayText(a.optOutAccounts)
	if err := a.doWith(ctx, "optouts_changed", parameters, targets, batches); err != nil {
		return fmt.Errorf("optouts_changed: %w", err)
	}
	var named bool
	ctx = clickhouse.Context(ctx, clickhouse.WithParameters(parameters), clickhouse.WithExternalTable(targets))
	if err := a.deps.Conn.QueryRow(ctx, statement("optouts_named_any")).Scan(&named); err != nil {
		return fmt.Errorf("look for messages that opt-outs name: %w", err)
	}
	if !named {
		return nil
	}
	if err := a.doWith(ctx, "optouts_named", parameters, targets); err != nil {
		return fmt.Errorf("optouts_named: %w", err)
	}
	return nil
}

// attributeChanged attributes the opt-outs of the addresses that attributeChunk noted, after all chunks have written
// their attempts by recipient.
func (a *Aggregator) attributeChanged(ctx context.Context, generation uint64, targets *ext.Table) error {
	if len(a.optOutAccounts) == 0 {
		return nil
	}
	for _, name := range []string{"optouts_gone", "optouts"} {
		if err := a.do(ctx, name, generation, targets); err != nil {
			return fmt.Errorf("attribute opt-outs (%s): %w", name, err)
		}
	}
	return nil
}

// attributeAsked attributes the opt-outs that have arrived, and publishes that.
func (a *Aggregator) attributeAsked(ctx context.Context, generation uint64, asked []schema.Touch) error {
	if len(asked) == 0 {
		return nil
	}
	batches, err := batchTable(asked)
	if err != nil {
		return err
	}
	if err := a.truncate(ctx, a.tables.addresses); err != nil {
		return err
	}
	if err := a.do(ctx, "optouts_asked", generation, batches); err != nil {
		return fmt.Errorf("list people who opted out: %w", err)
	}
	var accounts []string
	if err := a.deps.Conn.QueryRow(clickhouse.Context(ctx, clickhouse.WithParameters(a.parameters(generation))),
		"SELECT groupUniqArray(toString(account)) FROM {addresses:Identifier}").Scan(&accounts); err != nil {
		return fmt.Errorf("list accounts of people who opted out: %w", err)
	}
	if len(accounts) == 0 {
		return nil
	}
	if err := a.begin(ctx, generation); err != nil {
		return err
	}
	if err := a.do(ctx, "optouts", generation); err != nil {
		return fmt.Errorf("attribute opt-outs: %w", err)
	}
	if err := a.checkOwner(ctx); err != nil {
		return err
	}
	parameters := a.parameters(generation)
	parameters["accounts"] = arrayText(accounts)
	for _, name := range []string{"optouts_publish", "publish_edition"} {
		if err := a.doWith(ctx, name, parameters); err != nil {
			return fmt.Errorf("publish attributed opt-outs (%s): %w", name, err)
		}
	}
	return nil
}

// arrayText is a list as a parameter of type Array(String).
func arrayText(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v) + "'"
	}
	return "[" + strings.Join(quoted, ",") + "]"
}
