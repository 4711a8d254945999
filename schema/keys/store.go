package keys

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
)

var (
	//go:embed sql/live.sql
	liveSQL string
	//go:embed sql/sessions.sql
	sessionsSQL string
	//go:embed sql/list.sql
	listSQL string
)

// maxSessions is how many sessions of a key are known.
const maxSessions = 100

// Live returns the keys that are neither revoked nor expired.
func Live(ctx context.Context, conn driver.Conn, nowMS int64) (all []Key, err error) {
	rows, err := conn.Query(ctx, liveSQL, clickhouse.Named("now", nowMS))
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var k stored
		if err := rows.Scan(k.columns()...); err != nil {
			return nil, fmt.Errorf("read keys: %w", err)
		}
		key, err := k.key()
		if err != nil {
			return nil, err
		}
		all = append(all, key)
	}
	return all, rows.Err()
}

// Sessions returns those that have not ended.
func Sessions(ctx context.Context, conn driver.Conn, nowMS int64) (all []Session, err error) {
	rows, err := conn.Query(ctx, sessionsSQL, clickhouse.Named("now", nowMS),
		clickhouse.Named("most", uint32(maxSessions)))
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var s Session
		var hash string
		if err := rows.Scan(&hash, &s.KeyID, &s.MadeMS, &s.ExpiresMS); err != nil {
			return nil, fmt.Errorf("read sessions: %w", err)
		}
		if s.Hash, err = parseHash(hash); err != nil {
			return nil, fmt.Errorf("read sessions: %w", err)
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// Filter chooses keys: all accounts' or those of one account; the one with an id where it is not "".
type Filter struct {
	All         bool
	Account, ID string
	After       string // the id of the last one before
	Limit       int
}

// List returns keys by id, revoked and expired ones too.
func List(ctx context.Context, conn driver.Conn, f Filter) (all []Key, err error) {
	rows, err := conn.Query(ctx, listSQL, clickhouse.Named("every", f.All), clickhouse.Named("account", f.Account),
		clickhouse.Named("id", f.ID), clickhouse.Named("after", f.After), clickhouse.Named("limit", uint32(f.Limit)))
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var k stored
		var revoked uint64
		var used int64
		if err := rows.Scan(append(k.columns(), &revoked, &used)...); err != nil {
			return nil, fmt.Errorf("list keys: %w", err)
		}
		key, err := k.key()
		if err != nil {
			return nil, err
		}
		key.RevokedMS, key.LastUsed = int64(revoked), used
		all = append(all, key)
	}
	return all, rows.Err()
}

// stored is a row of api_keys as it is scanned.
type stored struct {
	Key
	hash, scopes string
	every        uint8
}

func (s *stored) columns() []any {
	return []any{&s.ID, &s.hash, &s.Account, &s.every, &s.scopes, &s.Note, &s.By, &s.MadeMS, &s.ExpiresMS}
}

func (s *stored) key() (_ Key, err error) {
	s.All = s.every == 1
	if s.Hash, err = parseHash(s.hash); err == nil {
		s.Scopes, err = ParseScopes(strings.Split(s.scopes, ","))
	}
	if err != nil {
		return Key{}, fmt.Errorf("key %s of table api_keys: %w", s.ID, err)
	}
	return s.Key, nil
}

// Revoke writes that a key is revoked, and forgets its views, which nobody can reach any more.
func Revoke(ctx context.Context, conn driver.Conn, k *Key, nowMS int64) error {
	k.RevokedMS = nowMS
	if err := Store(ctx, conn, *k); err != nil {
		return err
	}
	return forgetViews(ctx, conn, Owner{Account: k.Account, KeyID: k.ID})
}

// Store writes a key: a new one, or one that is revoked now.
func Store(ctx context.Context, conn driver.Conn, k Key) error {
	every := uint8(0)
	if k.All {
		every = 1
	}
	err := schema.InsertColumns(ctx, conn, "INSERT INTO api_keys (id, hash, account, every_account, scopes, note, "+
		"`by`, made_ms, expires_ms, revoked_ms)", 0, 1, []any{[]string{k.ID}, []string{k.Hash.text()},
		[]string{k.Account}, []uint8{every}, []string{k.Scopes.String()}, []string{k.Note}, []string{k.By},
		[]int64{k.MadeMS}, []int64{k.ExpiresMS}, []uint64{uint64(k.RevokedMS)}})
	if err != nil {
		return fmt.Errorf("store key: %w", err)
	}
	return nil
}

// StoreSession writes a session: a new one with endedMS 0, or one that ends.
func StoreSession(ctx context.Context, conn driver.Conn, s Session, endedMS int64) error {
	err := schema.InsertColumns(ctx, conn, "INSERT INTO api_sessions (hash, key_id, made_ms, expires_ms, ended_ms)",
		0, 1, []any{[]string{s.Hash.text()}, []string{s.KeyID}, []int64{s.MadeMS}, []int64{s.ExpiresMS},
			[]uint64{uint64(endedMS)}})
	if err != nil {
		return fmt.Errorf("store session: %w", err)
	}
	return nil
}

// NoteUses writes when keys were used last.
func NoteUses(ctx context.Context, conn driver.Conn, uses map[string]int64) error {
	var ids []string
	var at []int64
	for id, ms := range uses {
		ids, at = append(ids, id), append(at, ms)
	}
	if err := schema.InsertColumns(ctx, conn, "INSERT INTO api_key_uses (id, used_ms)", 0, len(ids),
		[]any{ids, at}); err != nil {
		return fmt.Errorf("note uses of keys: %w", err)
	}
	return nil
}

// HasAdmin tells whether a live key is an admin key of all accounts.
func HasAdmin(ctx context.Context, conn driver.Conn, nowMS int64) (bool, error) {
	live, err := Live(ctx, conn, nowMS)
	for i := range live {
		if live[i].AdminOfAll() {
			return true, nil
		}
	}
	return false, err
}
