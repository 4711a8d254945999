package schema

import (
	"context"
	"embed"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
)

//go:embed sql/loss/*.sql
var lossStatements embed.FS

// BrokenPart is a part of a table that cannot be read, and that nothing replaces.
type BrokenPart struct{ Table, Part string }

// LostHour is an hour of an account whose facts hold less than was published.
type LostHour struct {
	Account string
	Bucket  time.Time
	// Published and Found count attempts.
	Published, Found uint64
}

// Losses is what is known to be lost and neither back nor accepted.
type Losses struct {
	Parts []BrokenPart
	Hours []LostHour
	// Rereading counts orders to read the topic again that are not carried out yet.
	Rereading uint64
}

// maxLosses bounds what ReadLosses lists of each kind: who reads on knows enough.
const maxLosses = 1000

// Err returns nil if nothing is lost, else an error that names what is.
func (l *Losses) Err() error {
	if len(l.Parts) == 0 && len(l.Hours) == 0 {
		return nil
	}
	var found []string
	for i, p := range l.Parts {
		if i == 5 {
			found = append(found, fmt.Sprintf("%d more parts", len(l.Parts)-i))
			break
		}
		found = append(found, "part "+p.Part+" of "+p.Table)
	}
	for i, h := range l.Hours {
		if i == 5 {
			found = append(found, fmt.Sprintf("%d more hours", len(l.Hours)-i))
			break
		}
		found = append(found, fmt.Sprintf("hour %s of account %q (%d of %d attempts)",
			h.Bucket.UTC().Format(time.RFC3339), h.Account, h.Found, h.Published))
	}
	fix := "kaskad reread --from TIME reads the topic again where it still has them, kaskad reread --accept accepts " +
		"that they are gone"
	if l.Rereading > 0 {
		fix = "the topic is being read again"
	}
	return fmt.Errorf("facts are lost: %s: %s", strings.Join(found, ", "), fix)
}

// ReadLosses lists what is lost.
func ReadLosses(ctx context.Context, conn driver.Conn) (*Losses, error) {
	l := &Losses{}
	parameters := clickhouse.Context(ctx,
		clickhouse.WithParameters(clickhouse.Parameters{"limit": fmt.Sprint(maxLosses)}))
	if err := EachRow(parameters, conn, "read broken parts", lossStatement("parts"), func(rows driver.Rows) error {
		var p BrokenPart
		err := rows.Scan(&p.Table, &p.Part)
		l.Parts = append(l.Parts, p)
		return err
	}); err != nil {
		return nil, err
	}
	if err := EachRow(parameters, conn, "read lost hours", lossStatement("hours"), func(rows driver.Rows) error {
		var h LostHour
		err := rows.Scan(&h.Account, &h.Bucket, &h.Published, &h.Found)
		l.Hours = append(l.Hours, h)
		return err
	}); err != nil {
		return nil, err
	}
	if err := conn.QueryRow(ctx, lossStatement("rereading")).Scan(&l.Rereading); err != nil {
		return nil, fmt.Errorf("read orders to read the topic again: %w", err)
	}
	return l, nil
}

// AcceptLosses notes that what is lost now is gone for good: hours count as settled again, and nothing warns of them
// any more.
func AcceptLosses(ctx context.Context, conn driver.Conn) error {
	for _, name := range []string{"accept_parts", "accept_hours"} {
		if err := conn.Exec(ctx, lossStatement(name)); err != nil {
			return fmt.Errorf("accept losses (%s): %w", name, err)
		}
	}
	return nil
}

// OrderReread orders ingest to read the topic again from a time on, or from its beginning when from is zero. Facts are
// merges, and the ledger counts by offset, so nothing counts twice.
func OrderReread(ctx context.Context, conn driver.Conn, from time.Time, why string) (uuid.UUID, error) {
	id, ms := uuid.New(), int64(0)
	if !from.IsZero() {
		ms = max(from.UnixMilli(), 1)
	}
	err := InsertColumns(ctx, conn, "INSERT INTO rereads (id, from_ms, why, at_ms)", 0, 1,
		[]any{[]uuid.UUID{id}, []int64{ms}, []string{why}, []int64{time.Now().UnixMilli()}})
	if err != nil {
		return uuid.Nil, fmt.Errorf("order to read the topic again: %w", err)
	}
	return id, nil
}

// Reread is what an order means for one partition.
type Reread struct {
	ID        uuid.UUID
	FromMS    int64
	Partition int32
	// Applied: the partition, one of Partitions, was set back to From, to go on up to Until.
	Applied     bool
	Partitions  int32
	From, Until int64
}

// OpenRereads lists the orders that have not been carried out for these partitions of a topic.
func OpenRereads(ctx context.Context, conn driver.Conn, topic string, partitions []int32) ([]Reread, error) {
	// There is hardly ever an order, and how many rows a table has is known without reading it.
	var orders uint64
	if err := conn.QueryRow(ctx, "SELECT count() FROM rereads").Scan(&orders); err != nil {
		return nil, fmt.Errorf("count orders to read the topic again: %w", err)
	}
	if orders == 0 {
		return nil, nil
	}
	rows, err := conn.Query(ctx, lossStatement("open_rereads"), clickhouse.Named("topic", topic),
		clickhouse.Named("partitions", partitions))
	if err != nil {
		return nil, fmt.Errorf("read orders to read the topic again: %w", err)
	}
	defer rows.Close()
	var open []Reread
	for rows.Next() {
		var r Reread
		if err := rows.Scan(&r.ID, &r.FromMS, &r.Partition, &r.Applied, &r.Partitions, &r.From, &r.Until); err != nil {
			return nil, fmt.Errorf("read orders to read the topic again: %w", err)
		}
		open = append(open, r)
	}
	return open, rows.Err()
}

// NoteReread notes that a partition was set back, once its offset is committed, or, with done, that it has caught up.
func NoteReread(ctx context.Context, conn driver.Conn, topic string, r Reread, done bool) error {
	err := InsertColumns(ctx, conn, "INSERT INTO reread_partitions (id, topic, partition, partitions, from_offset, "+
		"until_offset, done)", 0, 1, []any{[]uuid.UUID{r.ID}, []string{topic},
		[]int32{r.Partition}, []int32{r.Partitions}, []int64{r.From}, []int64{r.Until}, []uint8{bit(done)}})
	if err != nil {
		return fmt.Errorf("note that partition %d is read again: %w", r.Partition, err)
	}
	return nil
}

// lossStatement returns the SQL of a file in loss/.
func lossStatement(name string) string {
	text, err := lossStatements.ReadFile("sql/loss/" + name + ".sql")
	if err != nil {
		panic("schema: no statement " + name) // the files are part of the program
	}
	return string(text)
}
