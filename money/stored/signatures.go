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

// ReadSignatures returns what table shapes knows of some ids of an account. Those that it does not know are left out.
func ReadSignatures(ctx context.Context, conn driver.Conn, account string, ids []uint64) ([]Signature, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	wanted, err := withWanted(ctx, ids)
	if err != nil {
		return nil, err
	}
	var packed string
	if err := conn.QueryRow(wanted, signaturesSQL, clickhouse.Named("account", account)).Scan(&packed); err != nil {
		return nil, err
	}
	return unpackSignatures([]byte(packed))
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

// withWanted sends ids along with a statement, as external table wanted (id).
func withWanted(ctx context.Context, ids []uint64) (context.Context, error) {
	table, err := ext.NewTable("wanted", ext.Column("id", "UInt64"))
	if err != nil {
		return nil, fmt.Errorf("make external table: %w", err)
	}
	for _, id := range ids {
		if err := table.Append(id); err != nil {
			return nil, fmt.Errorf("fill external table: %w", err)
		}
	}
	return clickhouse.Context(ctx, clickhouse.WithExternalTable(table)), nil
}
