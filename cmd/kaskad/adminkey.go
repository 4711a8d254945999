package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kaskad/cmd/kaskad/datadir"
	"kaskad/schema/keys"
)

// errNoAdminKey says how to make the first one.
var errNoAdminKey = errors.New("there is no admin key of all accounts, so nobody could make keys: set " +
	"KASKAD_ADMIN_KEY to 32 characters or more (openssl rand -hex 32), or make a key with `kaskad keys create " +
	"--scope admin --clickhouse DSN`; or say --auth off to serve loopback without keys")

// ensureAdminKey sees to it that somebody can make keys. Beside an embedded ClickHouse it makes the first one.
func (p *process) ensureAdminKey(ctx context.Context) error {
	if p.listen.AdminKey != "" {
		return nil
	}
	found := false
	err := p.retry(ctx, "look for an admin key", p.clickhouse != nil, func(ctx context.Context) (err error) {
		found, err = keys.HasAdmin(ctx, p.conn, time.Now().UnixMilli())
		return err
	})
	switch {
	case err != nil || found:
		return err
	case p.clickhouse == nil:
		return errNoAdminKey
	}
	return p.makeAdminKey(ctx)
}

// makeAdminKey makes an admin key, in its file before it is good: so it is not lost, whenever the process dies.
func (p *process) makeAdminKey(ctx context.Context) error {
	path := filepath.Join(p.dir, datadir.AdminKeyFile)
	secret, err := readAdminKey(p.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	hash := keys.HashOf(secret)
	old, err := keys.List(ctx, p.conn, keys.Filter{All: true, ID: hash.ID(), Limit: 1})
	if err != nil {
		return err
	}
	if secret == "" || len(old) > 0 { // it was revoked, or is over
		if secret, err = keys.NewSecret(); err != nil {
			return err
		}
		hash = keys.HashOf(secret)
		if err := datadir.Replace(path, []byte(secret+"\n")); err != nil {
			return fmt.Errorf("leave the admin key in %s: %w", path, err)
		}
	}
	if err := keys.Store(ctx, p.conn, keys.Key{ID: hash.ID(), Hash: hash, All: true, Scopes: keys.Admin,
		Note: "made at a start without one", By: "kaskad run", MadeMS: time.Now().UnixMilli()}); err != nil {
		return err
	}
	p.logger.Info("admin key made", "file", path)
	return nil
}

// readAdminKey reads the admin key of a data directory.
func readAdminKey(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, datadir.AdminKeyFile))
	if err != nil {
		return "", fmt.Errorf("read the admin key: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
