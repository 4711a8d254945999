package stored

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema/law"
)

//go:embed sql/signatures.sql
var signaturesSQL string

// Signature is a row of table shapes: what a price of a message depends on. Steps are ids of table legs.
type Signature struct {
	ID          uint64
	SMSSegments uint16
	Steps       []uint64
	Codes       []law.Code
}

// IDs are ids of tables shapes or legs, by account.
type IDs map[string][]uint64

// ReadSignatures returns what table shapes knows of ids of accounts, and of others maybe. Those that it does not know
// are left out.
func ReadSignatures(ctx context.Context, conn driver.Conn, wanted IDs) (of map[string][]Signature, err error) {
	rows, err := wanted.query(ctx, conn, signaturesSQL)
	if rows == nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	of = make(map[string][]Signature, len(wanted))
	for rows.Next() {
		var account, packed string
		if err := rows.Scan(&account, &packed); err != nil {
			return nil, err
		}
		if of[account], err = unpackSignatures([]byte(packed)); err != nil {
			return nil, err
		}
	}
	return of, rows.Err()
}

// unpackSignatures reads what signatures.sql packs.
func unpackSignatures(packed []byte) (rows []Signature, err error) {
	const head, step = 12, 12
	for len(packed) > 0 {
		if len(packed) < head {
			return nil, errors.New("a row of table shapes is cut off")
		}
		row := Signature{ID: binary.LittleEndian.Uint64(packed), SMSSegments: binary.LittleEndian.Uint16(packed[8:])}
		count := int(binary.LittleEndian.Uint16(packed[10:]))
		packed = packed[head:]
		if len(packed) < count*step {
			return nil, errors.New("a row of table shapes is cut off")
		}
		row.Steps, row.Codes = make([]uint64, count), make([]law.Code, count)
		for i := range count {
			row.Steps[i] = binary.LittleEndian.Uint64(packed[i*step:])
			row.Codes[i] = law.Code(binary.LittleEndian.Uint32(packed[i*step+8:]))
		}
		packed = packed[count*step:]
		rows = append(rows, row)
	}
	return rows, nil
}

// query runs a statement that is about the ids, whose external table wanted (id) they are, and returns no rows where
// there are none.
func (w IDs) query(ctx context.Context, conn driver.Conn, statement string) (driver.Rows, error) {
	table, err := ext.NewTable("wanted", ext.Column("id", "UInt64"))
	if err != nil {
		return nil, fmt.Errorf("make external table: %w", err)
	}
	var accounts []string
	for account, ids := range w {
		if len(ids) > 0 {
			accounts = append(accounts, account)
		}
		for _, id := range ids {
			if err := table.Append(id); err != nil {
				return nil, fmt.Errorf("fill external table: %w", err)
			}
		}
	}
	if len(accounts) == 0 {
		return nil, nil
	}
	return conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(table)), statement,
		clickhouse.Named("accounts", accounts))
}
