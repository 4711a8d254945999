package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/cmd/kaskad/client"
	"kaskad/query/answer"
	"kaskad/schema/keys"
)

type keysCommand struct {
	Create keysCreate `cmd:"" help:"Make a key and print it, alone on standard output. It is shown this once."`
	List   keysList   `cmd:"" help:"List keys: whose they are, what they may do, when they were used last."`
	Revoke keysRevoke `cmd:"" help:"Revoke a key: within five seconds it opens nothing any more, on no server."`
}

// Help says what a key is.
func (keysCommand) Help() string {
	return `A key belongs to an account and has scopes: analyst, marketer, crm, ingest, admin. An admin key without an
account is of all of them. These commands ask a running kaskad: the one on --data, or the one at --url, with an
admin key; or, with --clickhouse, its database itself.

    kaskad keys create --account shop --scope analyst --note "notebook of Ann" --expires 2160h
    kaskad keys create --scope admin --clickhouse clickhouse://user:password@host:9000/kaskad    # the first one
    kaskad keys list --account shop
    kaskad keys revoke 1f0c6a1be2a91d43`
}

// keysServer says where keys are kept.
type keysServer struct {
	Clickhouse string `help:"ClickHouse DSN: work on the database itself, as whoever runs it may." placeholder:"DSN"`
	client.ServerAddress
}

// open connects to the database; false where a server is to be asked.
func (s keysServer) open(ctx context.Context) (conn driver.Conn, done func(), direct bool, err error) {
	if s.Clickhouse == "" {
		return nil, func() {}, false, nil
	}
	st, err := openStack(ctx, needs{clickhouse: true}, "", logSettings{LogLevel: "warn"}.logger(), clockSettings{},
		kafkaSettings{}, storeSettings{Clickhouse: s.Clickhouse})
	if err != nil {
		return nil, nil, false, err
	}
	return st.conn, st.close, true, nil
}

type keysCreate struct {
	Account string   `help:"Account whose key it is; an admin key is of all accounts without it." placeholder:"NAME"`
	Scope   []string `help:"What it may do: analyst, marketer, crm, ingest, admin; may be given several times." required:"" placeholder:"SCOPE" values:"analyst,marketer,crm,ingest,admin"`
	Note    string   `help:"What it is for."`
	Expires string   `help:"When it is over: a time such as 2027-01-01T00:00:00Z, or a span such as 2160h from now on; never without it." placeholder:"TIME"`
	keysServer
}

func (c *keysCreate) Run(ctx context.Context) error {
	expires, err := c.expires()
	if err != nil {
		return err
	}
	conn, done, direct, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	var made struct{ ID, Key string }
	if direct {
		made.ID, made.Key, err = c.store(ctx, conn, expires)
	} else {
		made.ID, made.Key, err = c.ask(ctx, expires)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "key %s; it is not shown again:\n", made.ID)
	fmt.Println(made.Key)
	return nil
}

func (c *keysCreate) expires() (at time.Time, err error) {
	if c.Expires == "" {
		return at, nil
	}
	if span, err := time.ParseDuration(c.Expires); err == nil {
		at = time.Now().Add(span)
	} else if at, err = time.Parse(time.RFC3339, c.Expires); err != nil {
		return at, fmt.Errorf("--expires: %q is no time such as 2027-01-01T00:00:00Z, nor a span such as 2160h",
			c.Expires)
	}
	if !at.After(time.Now()) {
		return at, errors.New("--expires: is over already")
	}
	return at, nil
}

// ask has a server make the key.
func (c *keysCreate) ask(ctx context.Context, expires time.Time) (id, key string, err error) {
	body := map[string]any{"scopes": c.Scope, "note": c.Note}
	if c.Account != "" {
		body["account"] = c.Account
	}
	if !expires.IsZero() {
		body["expires_at"] = expires.UTC().Format(time.RFC3339)
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return "", "", err
	}
	server, err := c.Find(ctx)
	if err != nil {
		return "", "", err
	}
	reply, err := server.Send(ctx, http.MethodPost, "/v1/keys", encoded)
	if err != nil {
		return "", "", err
	}
	var made struct{ ID, Key string }
	if err := json.Unmarshal(reply, &made); err != nil {
		return "", "", fmt.Errorf("read the answer of %s: %w", server.Address(), err)
	}
	return made.ID, made.Key, nil
}

// store makes the key in the database.
func (c *keysCreate) store(ctx context.Context, conn driver.Conn, expires time.Time) (id, key string, err error) {
	k := keys.Key{Account: c.Account, All: c.Account == "", Note: c.Note, By: "kaskad keys",
		MadeMS: time.Now().UnixMilli()}
	if k.Scopes, err = keys.ParseScopes(c.Scope); err != nil {
		return "", "", fmt.Errorf("--scope: %w", err)
	}
	if k.All && !k.Scopes.Any(keys.Admin) {
		return "", "", errors.New("--account: say whose key it is; keys of all accounts have scope admin")
	}
	if !expires.IsZero() {
		k.ExpiresMS = expires.UnixMilli()
	}
	if key, err = keys.NewSecret(); err != nil {
		return "", "", err
	}
	k.Hash = keys.HashOf(key)
	k.ID = k.Hash.ID()
	return k.ID, key, migrated(keys.Store(ctx, conn, k))
}

// migrated says what to do where the tables are missing.
func migrated(err error) error {
	if p := answer.AsProblem(err); err != nil && p.Type == "urn:kaskad:problem:not-migrated" {
		return fmt.Errorf("%w: run `kaskad migrate` first", err)
	}
	return err
}

type keysList struct {
	Account string `help:"Account whose keys are listed; all without it." placeholder:"NAME"`
	keysServer
}

// keyLine is a key as a server lists it.
type keyLine struct {
	ID        string   `json:"id"`
	Account   *string  `json:"account"`
	Scopes    []string `json:"scopes"`
	Note      string   `json:"note"`
	ExpiresAt *string  `json:"expires_at"`
	RevokedAt *string  `json:"revoked_at"`
	UsedAt    *string  `json:"last_used_at"`
}

func (c *keysList) Run(ctx context.Context) error {
	conn, done, direct, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	var all []keyLine
	if direct {
		all, err = c.read(ctx, conn)
	} else {
		all, err = c.ask(ctx)
	}
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "ID\tACCOUNT\tSCOPES\tEXPIRES\tREVOKED\tLAST USED\tNOTE")
	text := func(t *string, none string) string {
		if t == nil {
			return none
		}
		return *t
	}
	for _, k := range all {
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, text(k.Account, "(all)"), strings.Join(k.Scopes, ","),
			text(k.ExpiresAt, "–"), text(k.RevokedAt, "–"), text(k.UsedAt, "–"), k.Note)
	}
	return out.Flush()
}

func (c *keysList) ask(ctx context.Context) (all []keyLine, err error) {
	server, err := c.Find(ctx)
	if err != nil {
		return nil, err
	}
	q := url.Values{}
	if c.Account != "" {
		q.Set("account", c.Account)
	}
	for {
		var page struct {
			Rows       []keyLine `json:"rows"`
			NextCursor *string   `json:"next_cursor"`
		}
		if err := server.Read(ctx, "/v1/keys?"+q.Encode(), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Rows...)
		if page.NextCursor == nil {
			return all, nil
		}
		q.Set("cursor", *page.NextCursor)
	}
}

func (c *keysList) read(ctx context.Context, conn driver.Conn) (all []keyLine, err error) {
	list, err := keys.List(ctx, conn, keys.Filter{All: c.Account == "", Account: c.Account, Limit: 1_000_000})
	for i := range list {
		k := &list[i]
		line := keyLine{ID: k.ID, Scopes: k.Scopes.List(), Note: k.Note, ExpiresAt: shownTime(k.ExpiresMS),
			RevokedAt: shownTime(k.RevokedMS), UsedAt: shownTime(k.LastUsed)}
		if !k.All {
			line.Account = &k.Account
		}
		all = append(all, line)
	}
	return all, migrated(err)
}

func shownTime(ms int64) *string {
	if ms == 0 {
		return nil
	}
	shown := answer.TimeText(ms)
	return &shown
}

type keysRevoke struct {
	ID string `arg:"" help:"Id of the key, as keys list shows it."`
	keysServer
}

func (c *keysRevoke) Run(ctx context.Context) error {
	conn, done, direct, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	if !direct {
		server, err := c.Find(ctx)
		if err != nil {
			return err
		}
		_, err = server.Send(ctx, http.MethodDelete, "/v1/keys/"+url.PathEscape(c.ID), nil)
		return err
	}
	found, err := keys.List(ctx, conn, keys.Filter{All: true, ID: c.ID, Limit: 1})
	switch {
	case err != nil:
		return migrated(err)
	case len(found) == 0 || c.ID == "":
		return fmt.Errorf("there is no key %q: kaskad keys list has the ids", c.ID)
	case found[0].RevokedMS != 0:
		return nil
	}
	return migrated(keys.Revoke(ctx, conn, &found[0], time.Now().UnixMilli()))
}
