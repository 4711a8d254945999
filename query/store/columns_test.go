package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/answer"
	"kaskad/schema/keys"
	"kaskad/schema/schematest"
)

// Whatever a statement asks for, an export by columns leaves out the rows of accounts that are not the caller's, and is
// limited as his key's scopes are.
func TestDB_ExportColumns_Caller(t *testing.T) {
	conn, columns := schematest.ConnColumns(t)
	db := &DB{Conn: conn, Columns: columns}
	const own = `it's "\`
	for _, account := range []string{own, "b"} {
		if err := conn.Exec(t.Context(), "INSERT INTO number_health (account) VALUES ($1)", account); err != nil {
			t.Fatal(err)
		}
	}
	read := func(caller *answer.Caller, expression string) (all []string) {
		t.Helper()
		var sets [2]proto.ColStr
		results := []proto.Results{{{Data: &sets[0]}}, {{Data: &sets[1]}}}
		err := db.ExportColumns(answer.WithCaller(t.Context(), caller),
			ColumnQuery{Statement: "SELECT CAST(" + expression + " AS String) FROM number_health"}, results,
			func(_ context.Context, set, rows int) error {
				for i := range rows {
					all = append(all, sets[set].Row(i))
				}
				return nil
			})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(all)
		return all
	}
	if got := read(&answer.Caller{All: true}, "account"); !slices.Equal(got, []string{"b", own}) {
		t.Errorf("of all accounts: %q", got)
	}
	if got := read(&answer.Caller{Account: own}, "account"); !slices.Equal(got, []string{own}) {
		t.Errorf("of one account: %q", got)
	}
	if got := read(&answer.Caller{Account: "b", Scopes: keys.Ingest}, "getSetting('max_rows_to_read')"); !slices.Equal(got,
		[]string{"10000000"}) {
		t.Errorf("rows that a key may read: %q", got)
	}
}

// Parameters of every kind arrive as the driver sends them.
func TestDB_ExportColumns_Parameters(t *testing.T) {
	conn, columns := schematest.ConnColumns(t)
	db := &DB{Conn: conn, Columns: columns}
	text := "tab\t'quote' \\ \"x\"\nline\r\x00 {a:String}"
	args := []any{clickhouse.Named("text", text), clickhouse.Named("texts", []string{text, ""}),
		clickhouse.Named("signed", int64(-5)), clickhouse.Named("small", uint32(7)),
		clickhouse.Named("large", ^uint64(0)), clickhouse.Named("list", []uint64{1, ^uint64(0)})}
	const statement = "SELECT toString(({text:String}, {texts:Array(String)}, {signed:Int64}, {small:UInt32}, " +
		"{large:UInt64}, {list:Array(UInt64)}))"
	var want string
	if err := conn.QueryRow(t.Context(), statement, args...).Scan(&want); err != nil {
		t.Fatal(err)
	}
	var got proto.ColStr
	export := func(args ...any) error {
		return db.ExportColumns(t.Context(), ColumnQuery{Statement: statement, Args: args},
			[]proto.Results{{{Data: &got}}, {{Data: new(proto.ColStr)}}},
			func(context.Context, int, int) error { return nil })
	}
	if err := export(args...); err != nil || got.Rows() != 1 || got.Row(0) != want {
		t.Errorf("%q, %v; the driver reads %q", got.Buf, err, want)
	}
	for _, arg := range []any{"no name", clickhouse.Named("x", 1.5)} {
		if err := export(arg); err == nil || !strings.Contains(err.Error(), "parameter") {
			t.Errorf("%v: %v", arg, err)
		}
	}
}

// Texts of few kinds come right whatever the size of their keys, block after block; a column that is stored as a merge
// of values reads as these, and one of another type is refused.
func TestWords_At_Blocks(t *testing.T) {
	conn, columns := schematest.ConnColumns(t)
	db := &DB{Conn: conn, Columns: columns}
	for _, kinds := range []string{"1", "100", "5000", "100000"} {
		type set struct {
			words  Words
			n      proto.ColInt64
			number proto.ColUInt64
		}
		var sets [2]set
		var results []proto.Results
		for i := range sets {
			results = append(results, proto.Results{{Data: &Merged{ColResult: sets[i].words.Result()}},
				{Data: &Merged{ColResult: &sets[i].n}}, {Data: &sets[i].number}})
		}
		rows := 0
		err := db.ExportColumns(t.Context(), ColumnQuery{Statement: `SELECT
			CAST(concat('w', toString(number % ` + kinds + `)) AS SimpleAggregateFunction(max, LowCardinality(String))),
			CAST(number AS SimpleAggregateFunction(min, Int64)), toUInt64(number % ` + kinds + `)
			FROM numbers(200000)`}, results, func(_ context.Context, at, n int) error {
			s := &sets[at]
			for i := range n {
				if want := "w" + strconv.FormatUint(s.number[i], 10); s.words.At(i) != want || s.n[i] != int64(rows) {
					t.Fatalf("%s kinds, row %d: %q %d, want %q", kinds, rows, s.words.At(i), s.n[i], want)
				}
				rows++
			}
			return nil
		})
		if err != nil || rows != 200_000 {
			t.Errorf("%s kinds: %d rows, %v", kinds, rows, err)
		}
	}
	err := db.ExportColumns(t.Context(), ColumnQuery{Statement: "SELECT CAST(1 AS SimpleAggregateFunction(min, Int32))"},
		[]proto.Results{{{Data: &Merged{ColResult: new(proto.ColInt64)}}},
			{{Data: &Merged{ColResult: new(proto.ColInt64)}}}},
		func(context.Context, int, int) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "Int32") {
		t.Errorf("another type: %v", err)
	}
}
