package report

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"text/template"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/cespare/xxhash/v2"

	"kaskad/query/rollup"
	"kaskad/query/store"
	"kaskad/schema"
)

var (
	//go:embed sql/penetration_counts.sql
	penetrationCountsSQL string
	//go:embed sql/penetration_owners.sql
	penetrationOwnersSQL string
	//go:embed sql/penetration_unchanged.sql
	penetrationUnchangedSQL string
	//go:embed sql/penetration_seen.sql
	penetrationSeenSQL string
	//go:embed sql/penetration_ways.sql
	penetrationWaysSQL string

	penetrationCounts = rollup.Template("penetration_counts.sql", penetrationCountsSQL)
	// What a later text defines takes the place of what is defined before.
	penetrationOwners    = rollup.Template("penetration_counts.sql", penetrationCountsSQL, penetrationOwnersSQL)
	penetrationUnchanged = rollup.Template("penetration_counts.sql", penetrationCountsSQL,
		penetrationUnchangedSQL)
	penetrationOwnersUnchanged = rollup.Template("penetration_counts.sql", penetrationCountsSQL, penetrationOwnersSQL,
		penetrationUnchangedSQL)
	penetrationSeen = rollup.Template("penetration_seen.sql", penetrationCountsSQL, penetrationSeenSQL)
	penetrationWays = rollup.Template("penetration_ways.sql", penetrationWaysSQL)
)

// unknownWay is the bit of a channel that no channel has (sql/penetration_counts.sql).
const unknownWay = 31

// fromCounts tells whether counts of people know all keys and filters: those that name accounts and times. What else
// cuts an audience cuts messages too, and who is who in a part of them only the attempts know.
func fromCounts(r *rollup.Request) bool {
	other := func(k rollup.Key) bool { return k.Name != "account" && k.Name != "channel" && !k.Timed() }
	return !slices.ContainsFunc(r.Keys, other) &&
		!slices.ContainsFunc(r.Filters, func(f rollup.Filter) bool { return other(f.Key) })
}

// readCounts reads the audiences from counts of people.
func (r *Reading) readCounts(ctx context.Context) (rollup.Groups[audience], error) {
	routes, err := r.DB.Routes(ctx, r.State.References)
	if err != nil {
		return nil, err
	}
	all := rollup.Groups[audience]{}
	seen, changed, err := r.seenPeople(ctx, routes)
	if err != nil || len(seen) == 0 {
		return all, err
	}
	known, ways, err := r.ways(ctx, routes)
	if err != nil {
		return nil, err
	}
	lossy, err := r.lossCodes(ctx, known)
	if err != nil {
		return nil, err
	}
	visible, err := keyTable("seen_people", ext.Column("version", "UInt64"), seen)
	if err != nil {
		return nil, err
	}
	reading := clickhouse.Context(ctx, clickhouse.WithExternalTable(append(lossy, visible)...))
	var tested, reached uint32
	var people uint64
	var messages rollup.Count
	err = r.eachOf(reading, countsTemplate(routes, changed), routes, nil, []any{&tested, &reached, &people, &messages},
		func(keys []rollup.KeyValue) error {
			if tested>>unknownWay == 1 {
				return fmt.Errorf("people were tried on a way that no leg names: table legs lacks rows that were " +
					"published; start the aggregator anew after restoring it")
			}
			group, err := all.At(keys)
			if err == nil {
				group.add(tested, reached, people, uint64(messages))
			}
			return err
		}, append(ways, clickhouse.Named("as_of", r.Seen.UpTo()))...)
	if err != nil {
		return nil, err
	}
	return all, r.addSettled(ctx, routes, all)
}

// seenPeople returns the versions of the rows that the answer is of, and whether any of them changed a day of the
// period since it was summed. The statement names them in several places, and ClickHouse would find them out for each.
func (r *Reading) seenPeople(ctx context.Context, routes *store.Routes) (versions []uint64, changed bool, err error) {
	dead := r.Seen.Dead
	if dead == nil {
		dead = []uint64{}
	}
	statement, args, err := r.Statement(penetrationSeen, routes.Lines, r.report.knows, nil,
		clickhouse.Named("edition", r.Seen.Edition), clickhouse.Named("dead", dead))
	if err != nil {
		return nil, false, err
	}
	if err := r.DB.Conn.QueryRow(r.DB.SmallSettings(ctx), statement, args...).Scan(&versions, &changed); err != nil {
		return nil, false, fmt.Errorf("look what people are counted from: %w", err)
	}
	return versions, changed, nil
}

// keyTable is an external table of one column.
func keyTable[K any](name string, of func(*ext.Table) error, keys []K) (*ext.Table, error) {
	table, err := ext.NewTable(name, of)
	if err != nil {
		return nil, fmt.Errorf("make table %s: %w", name, err)
	}
	for _, key := range keys {
		if err := table.Append(key); err != nil {
			return nil, fmt.Errorf("fill table %s: %w", name, err)
		}
	}
	return table, nil
}

// lossCodes returns the tables of error codes that tell of losses on the ways that attempts went by, of accounts whose
// maps are their own and of account "": those that count from when they were told, and those that count from the start
// of the attempt that failed. Where a provider's code is none of them, however many attempts have it, none is a loss.
func (r *Reading) lossCodes(ctx context.Context, ways []way) ([]*ext.Table, error) {
	maps, err := r.DB.ErrorMapsOf(ctx, r.State.References)
	if err != nil {
		return nil, err
	}
	codes, own := maps.LossCodes(), maps.Accounts()
	told, failed := []string{""}, []string{""} // which no row has: a table without rows is none
	for _, account := range append([]string{""}, own...) {
		for _, w := range ways {
			for _, code := range codes {
				key := account + "\x00" + w.text() + "\x00" + code
				switch class, _ := maps.Class(account, w.channel, w.provider, code, false); class {
				case "blocked_by_user", "opted_out", "dnd":
					told = append(told, key)
				case "app_uninstalled", "token_invalid":
					failed = append(failed, key)
				}
			}
		}
	}
	var tables []*ext.Table
	own = append(own, "")
	for name, keys := range map[string][]string{"told_codes": told, "failed_codes": failed, "own_maps": own} {
		table, err := keyTable(name, ext.Column("key", "String"), keys)
		if err != nil {
			return nil, err
		}
		tables = append(tables, table)
	}
	return tables, nil
}

// way is what an attempt went by.
type way struct{ channel, app, provider string }

func (w way) text() string { return w.channel + "\x00" + w.app + "\x00" + w.provider }

// countsTemplate chooses the statement: on some ways whether deliveries are reported may depend on the account, and
// where nothing was changed since its days were summed there is nothing to take away.
func countsTemplate(routes *store.Routes, changed bool) *template.Template {
	owners := slices.ContainsFunc(routes.Lines, func(line store.Capability) bool { return line.Account != "" })
	switch {
	case owners && changed:
		return penetrationOwners
	case owners:
		return penetrationOwnersUnchanged
	case changed:
		return penetrationCounts
	}
	return penetrationUnchanged
}

// ways returns all channels, apps and providers that attempts went by, and the parameters that say what counts of
// people must know of them.
func (r *Reading) ways(ctx context.Context, routes *store.Routes) (known []way, parameters []any, err error) {
	var owners []string
	for _, line := range routes.Lines {
		if line.Account != "" {
			owners = append(owners, line.Account)
		}
	}
	slices.Sort(owners)
	owners = slices.Compact(owners)
	// One that there is not: ClickHouse wants no empty arrays.
	ways, bits, hashes := []string{""}, []uint32{0}, []uint64{0}
	silent, mixed, others := []string{""}, []string{""}, []string{""}
	statement, err := store.Fill(penetrationWays, rollup.StatementData{Accounts: r.Accounts() != nil})
	if err != nil {
		return nil, nil, err
	}
	var args []any
	if r.Accounts() != nil {
		args = append(args, clickhouse.Named("filter_account", r.Accounts()))
	}
	rows, err := r.DB.Conn.Query(r.DB.Settings(ctx), statement, args...)
	if err != nil {
		return nil, nil, fmt.Errorf("read ways of attempts: %w", err)
	}
	defer store.CloseRows(rows, &err)
	for rows.Next() {
		var w way
		if err := rows.Scan(&w.channel, &w.app, &w.provider); err != nil {
			return nil, nil, fmt.Errorf("read ways of attempts: %w", err)
		}
		known, ways = append(known, w), append(ways, w.text())
		bits = append(bits, channelBit(w.channel))
		hashes = append(hashes, xxhash.Sum64String(w.channel+"\x00"+w.app))
		usual := routes.Find("", w.channel, w.provider).Delivery
		if !usual {
			silent = append(silent, w.text())
		}
		for _, owner := range owners {
			if routes.Find(owner, w.channel, w.provider).Delivery != usual {
				mixed, others = append(mixed, w.text()), append(others, owner+"\x00"+w.text())
			}
		}
	}
	phone := uint32(0)
	for _, channel := range schema.Channels.TellingOf(schema.KindPhone) {
		phone |= channelBit(channel)
	}
	return known, []any{clickhouse.Named("ways", ways), clickhouse.Named("bits", bits),
		clickhouse.Named("hashes", hashes),
		clickhouse.Named("silent", silent), clickhouse.Named("mixed", mixed), clickhouse.Named("others", others),
		clickhouse.Named("phone_bits", phone)}, rows.Err()
}

// channelBit is the bit of a channel in what is known of a person, 0 for what is no channel.
func channelBit(name string) uint32 {
	at := slices.Index(schema.Channels.Names(), name)
	if at < 0 {
		return 0
	}
	return 1 << at
}

// eachOf is each of another statement than the report's.
func (r *Reading) eachOf(ctx context.Context, t *template.Template, routes *store.Routes, cells *rollup.Cells,
	places []any, visit func(keys []rollup.KeyValue) error, parameters ...any) (err error) {
	statement, args, err := r.Statement(t, routes.Lines, r.report.knows, cells, parameters...)
	if err != nil {
		return err
	}
	rows, err := r.DB.Conn.Query(r.DB.SettingsFor(ctx, materializeTime), statement, args...)
	if err != nil {
		return err
	}
	return r.visitRows(rows, places, visit)
}
