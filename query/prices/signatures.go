package prices

import (
	"context"
	_ "embed"
	"errors"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/answer"
	"kaskad/query/store"
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
func ReadSignatures(ctx context.Context, db *store.DB, account string, ids []uint64) ([]Signature, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	wanted, err := store.WithWanted(db.Settings(ctx), ids)
	if err != nil {
		return nil, err
	}
	var packed string
	if err := db.Conn.QueryRow(wanted, signaturesSQL, clickhouse.Named("account", account)).Scan(&packed); err != nil {
		return nil, err
	}
	return unpackSignatures(packed)
}

// unpackSignatures reads what signatures.sql packs.
func unpackSignatures(packed string) (rows []Signature, err error) {
	const head, step = 12, 12
	for len(packed) > 0 {
		if len(packed) < head {
			return nil, errors.New("a row of table shapes is cut off")
		}
		row := Signature{ID: answer.LE64(packed), SMSSegments: answer.LE16(packed[8:])}
		count := int(answer.LE16(packed[10:]))
		packed = packed[head:]
		if len(packed) < count*step {
			return nil, errors.New("a row of table shapes is cut off")
		}
		row.Steps, row.Codes = make([]uint64, count), make([]law.Code, count)
		for i := range count {
			row.Steps[i], row.Codes[i] = answer.LE64(packed[i*step:]), law.Code(answer.LE32(packed[i*step+8:]))
		}
		packed = packed[count*step:]
		rows = append(rows, row)
	}
	return rows, nil
}
