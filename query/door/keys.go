package door

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/schema/keys"
)

const (
	maxKeyBody = 16 << 10
	maxNote    = 200
)

// keyBody is what a key is made from.
type keyBody struct {
	Account   *string  `json:"account"`
	Scopes    []string `json:"scopes"`
	Note      string   `json:"note"`
	ExpiresAt *string  `json:"expires_at"`
}

// createKey serves POST /v1/keys. The answer is the only place where the key is ever shown.
func (d *Door) createKey(c *gin.Context) error {
	if err := answer.NoParams(c); err != nil {
		return err
	}
	body, err := d.readKeyBody(c)
	if err != nil {
		return err
	}
	k, err := d.keyFrom(c, body)
	if err != nil {
		return err
	}
	end, err := d.db.Reads(c, &d.gate.Looks)
	if err != nil {
		return err
	}
	defer end()
	secret, err := keys.NewSecret()
	if err != nil {
		return err
	}
	k.Hash = keys.HashOf(secret)
	k.ID = k.Hash.ID()
	if err := d.noteKey(c, "makes", k); err != nil {
		return err
	}
	if err := keys.Store(c.Request.Context(), d.db.Conn, *k); err != nil {
		return err
	}
	d.ring.changed()
	d.logger.Info("key made", "account", k.Account, "hash", k.ID)
	c.PureJSON(http.StatusCreated, madeKey{k.ID, secret})
	return nil
}

func (d *Door) readKeyBody(c *gin.Context) (body keyBody, err error) {
	if err := answer.CheckJSON(c.Request); err != nil {
		return body, err
	}
	raw, memory, err := d.gate.Receive(c, maxKeyBody, "the body is larger than "+answer.ByteSize(maxKeyBody))
	if err != nil {
		return body, err
	}
	defer memory.Release()
	reader := json.NewDecoder(bytes.NewReader(raw))
	reader.DisallowUnknownFields()
	err = reader.Decode(&body)
	if err == nil {
		if _, end := reader.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	if err != nil || !utf8.Valid(raw) {
		return body, answer.NewProblem(http.StatusBadRequest, "bad-body", "the body must be one JSON object such as "+
			`{"account":"shop","scopes":["analyst"],"note":"notebook","expires_at":"2027-01-01T00:00:00Z"}`).
			Because(err)
	}
	return body, nil
}

// keyFrom judges what a key is to be.
func (d *Door) keyFrom(c *gin.Context, body keyBody) (*keys.Key, error) {
	caller := answer.CallerOf(c.Request.Context())
	k := &keys.Key{Note: body.Note, By: d.gate.Author(c), MadeMS: d.nowMS()}
	p := &answer.Params{}
	var err error
	if k.Scopes, err = keys.ParseScopes(body.Scopes); err != nil {
		p.Fail("scopes", err.Error())
	}
	switch {
	case body.Account != nil && !caller.May(*body.Account):
		return nil, answer.ForeignAccount()
	case body.Account != nil:
		k.Account = *body.Account
		p.CheckAccount(k.Account)
	case !caller.All:
		k.Account = caller.Account
	case err == nil && !k.Scopes.Any(keys.Admin):
		p.Fail("account", "is required: keys of all accounts have scope admin")
	default:
		k.All = true
	}
	if body.ExpiresAt != nil {
		at, err := time.Parse(time.RFC3339, *body.ExpiresAt)
		switch {
		case err != nil:
			p.Fail("expires_at", fmt.Sprintf("%q must be an RFC 3339 time such as 2027-01-01T00:00:00Z",
				answer.Shorten(*body.ExpiresAt)))
		case at.UnixMilli() <= k.MadeMS:
			p.Fail("expires_at", "is over already")
		}
		k.ExpiresMS = at.UnixMilli()
	}
	if len(k.Note) > maxNote || strings.ContainsRune(k.Note, 0) {
		p.Fail("note", fmt.Sprintf("must be a text of at most %d bytes", maxNote))
	}
	return k, p.Err()
}

// noteKey notes in the audit what becomes of a key.
func (d *Door) noteKey(c *gin.Context, what string, k *keys.Key) error {
	caller := *answer.CallerOf(c.Request.Context())
	if caller.By == "" {
		caller.By = d.gate.By
	}
	caller.All, caller.Account = false, k.Account
	return d.note(c, &caller, c.FullPath(), what+" key "+k.ID+" of scopes "+k.Scopes.String())
}

// listKeys serves GET /v1/keys.
func (d *Door) listKeys(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	f := keys.Filter{}
	var given bool
	f.Account, given = p.One("account")
	f.All = !given
	limit, format := p.Limit(), p.Format(c.Request)
	f.Limit = limit + 1
	hash := answer.QueryHash("keys", fmt.Sprint(f.All), f.Account)
	if at := d.db.Cursors.Read(c.Request.Context(), p, hash, 1); at != nil {
		f.After = string(at.After[0])
	}
	if err := p.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), d.db.QueryTime)
	defer cancel()
	list, err := keys.List(d.db.Settings(ctx), d.db.Conn, f)
	if err != nil {
		return err
	}
	var next *answer.Cursor
	if len(list) > limit {
		list = list[:limit]
		next = &answer.Cursor{Query: hash, After: [][]byte{[]byte(list[limit-1].ID)}}
	}
	t := answer.NewList(format, keyColumns)
	for i := range list {
		k := &list[i]
		account := answer.Null
		if !k.All {
			account = answer.Text(k.Account)
		}
		scopes, err := json.Marshal(k.Scopes.List())
		if err != nil {
			return fmt.Errorf("print scopes: %w", err)
		}
		t.Add([]answer.Value{answer.Text(k.ID), account, answer.JSON(string(scopes)), answer.Text(k.Note),
			answer.Moment(k.MadeMS), answer.Text(k.By), answer.Moment(k.ExpiresMS), answer.Moment(k.RevokedMS),
			answer.Moment(k.LastUsed)})
	}
	return t.SendPage(c, nil, d.db.Cursors, next)
}

// revokeKey serves DELETE /v1/keys/{id}. Again, nothing changes.
func (d *Door) revokeKey(c *gin.Context) error {
	if err := answer.NoParams(c); err != nil {
		return err
	}
	ctx := c.Request.Context()
	caller := answer.CallerOf(ctx)
	found, err := keys.List(d.db.Settings(ctx), d.db.Conn,
		keys.Filter{All: caller.All, Account: caller.Account, ID: c.Param("id"), Limit: 1})
	if err != nil {
		return err
	}
	if len(found) == 0 || c.Param("id") == "" {
		return answer.NewProblem(http.StatusNotFound, "no-such-key", "there is no key with this id; "+
			"GET /v1/keys lists them")
	}
	k := found[0]
	if k.RevokedMS == 0 {
		if err := d.keepAnAdmin(ctx, &k); err != nil {
			return err
		}
		if err := d.noteKey(c, "revokes", &k); err != nil {
			return err
		}
		k.RevokedMS = d.nowMS()
		if err := keys.Store(ctx, d.db.Conn, k); err != nil {
			return err
		}
		d.ring.changed()
		d.logger.Info("key revoked", "account", k.Account, "hash", k.ID)
	}
	c.PureJSON(http.StatusOK, revokedKey{k.ID, answer.TimeText(k.RevokedMS)})
	return nil
}

// keepAnAdmin refuses to revoke the last key that can make others.
func (d *Door) keepAnAdmin(ctx context.Context, k *keys.Key) error {
	if d.admin != nil || !k.AdminOfAll() || !d.config.Keys {
		return nil
	}
	live, err := keys.Live(d.db.Settings(ctx), d.db.Conn, d.nowMS())
	if err != nil {
		return err
	}
	for i := range live {
		if live[i].ID != k.ID && live[i].AdminOfAll() {
			return nil
		}
	}
	return answer.NewProblem(http.StatusConflict, "last-admin-key",
		"this is the last admin key of all accounts, and nobody could make keys without it: make another one first")
}
