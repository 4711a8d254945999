package schema

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

//go:embed sql/cursor_keys.sql
var cursorKeysSQL string

// maxCursorKeys is how many keys of the database open cursors.
const maxCursorKeys = 100

// CursorKey seals the cursors that the API hands out: they hold keys of rows, phone numbers among them.
type CursorKey [32]byte

// ParseCursorKey reads a key of 64 hexadecimal digits.
func ParseCursorKey(text string) (key CursorKey, err error) {
	decoded, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(decoded) != len(key) {
		return key, errors.New("a cursor key must be 64 hexadecimal digits, such as `openssl rand -hex 32` prints")
	}
	return CursorKey(decoded), nil
}

// CursorKeys returns the keys of the database, the first of which seals, and makes one if there is none. If several are
// made at the same time, all are returned from then on, in the same order: whoever meets a key it does not know asks
// again.
func CursorKeys(ctx context.Context, conn driver.Conn) ([]CursorKey, error) {
	keys, err := readCursorKeys(ctx, conn)
	if err != nil || len(keys) > 0 {
		return keys, err
	}
	var made CursorKey
	if _, err := rand.Read(made[:]); err != nil {
		return nil, fmt.Errorf("make cursor key: %w", err)
	}
	// The statement must not show the key where statements are logged.
	inserting := clickhouse.Context(ctx, clickhouse.WithSettings(insertSettings))
	batch, err := conn.PrepareBatch(inserting, "INSERT INTO cursor_keys (key)")
	if err != nil {
		return nil, fmt.Errorf("store cursor key: %w", err)
	}
	if err := errors.Join(batch.Append(hex.EncodeToString(made[:])), batch.Send()); err != nil {
		return nil, fmt.Errorf("store cursor key: %w", err)
	}
	return readCursorKeys(ctx, conn)
}

func readCursorKeys(ctx context.Context, conn driver.Conn) (keys []CursorKey, err error) {
	rows, err := conn.Query(ctx, cursorKeysSQL, clickhouse.Named("limit", uint32(maxCursorKeys)))
	if err != nil {
		return nil, fmt.Errorf("read cursor keys: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("read cursor keys: %w", err)
		}
		key, err := ParseCursorKey(text)
		if err != nil {
			return nil, fmt.Errorf("table cursor_keys: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}
