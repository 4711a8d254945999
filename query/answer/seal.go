package answer

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"kaskad/schema"
)

// A sealed cursor is, in base64 of URLs: the form, which key sealed it, a nonce, and the cursor as AES-256-GCM. What it
// belongs to, its query, is not in it, but it does not open for anything else. The nonce is a MAC of all that, so that
// a page at which nothing has changed has the same next_cursor as before.
const (
	sealForm   = 1
	keyIDBytes = 4
	sealHead   = 1 + keyIDBytes
	// keysAge is how old the keys of the database may be when a cursor names one that is not among them. Strangers
	// could make us ask all the time.
	keysAge = time.Second
)

// Why a cursor does not open. All are mistakes of the caller.
var (
	errOldCursor     = errors.New("is from an older version of Kaskad, or a newer one: start again without a cursor")
	errUnknownKey    = errors.New("cannot be read any more, for its key is not in use: start again without a cursor")
	errForeignCursor = errors.New("cannot be read: it was altered, or belongs to another query: repeat the " +
		"parameters of the first page and pass its next_cursor as it is, or start again without a cursor")
)

// Cursors seals and opens cursors. It is safe for concurrent use.
type Cursors struct {
	// read gets the keys of the database; nil when others are set.
	read   func(context.Context) ([]schema.CursorKey, error)
	mu     sync.Mutex
	keys   []schema.CursorKey
	readAt time.Time
}

// NewCursors makes them with keys, or with those of the database, which read gets, when there are none.
func NewCursors(keys []schema.CursorKey, read func(context.Context) ([]schema.CursorKey, error)) *Cursors {
	if len(keys) > 0 {
		read = nil
	}
	return &Cursors{read: read, keys: keys}
}

// known returns the keys, read at most age ago.
func (k *Cursors) known(ctx context.Context, age time.Duration) ([]schema.CursorKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.read == nil || len(k.keys) > 0 && (age < 0 || time.Since(k.readAt) <= age) {
		return k.keys, nil
	}
	keys, err := k.read(ctx)
	if err != nil {
		return nil, err
	}
	k.keys, k.readAt = keys, time.Now()
	return keys, nil
}

// anyAge is for keys of any age.
const anyAge = -1

// derive returns bytes of a key's own for a use.
func derive(key schema.CursorKey, use string, bytes int) ([]byte, error) {
	derived, err := hkdf.Key(sha256.New, key[:], nil, "kaskad cursor "+use, bytes)
	if err != nil {
		return nil, fmt.Errorf("derive the %s of a cursor key: %w", use, err)
	}
	return derived, nil
}

// aead returns what seals and opens with a key, and the key's name.
func aead(key schema.CursorKey) (sealer cipher.AEAD, id []byte, err error) {
	if id, err = derive(key, "id", keyIDBytes); err != nil {
		return nil, nil, err
	}
	secret, err := derive(key, "seal", len(key))
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, nil, fmt.Errorf("seal cursors: %w", err)
	}
	sealer, err = cipher.NewGCM(block)
	return sealer, id, err
}

// Seal makes the text of a cursor.
func (k *Cursors) Seal(ctx context.Context, c Cursor) (string, error) {
	keys, err := k.known(ctx, anyAge)
	if err != nil {
		return "", err
	}
	if len(keys) == 0 {
		return "", errors.New("the key of cursors was stored, and is not there: is this a replica that lags behind?")
	}
	encoded, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode cursor: %w", err)
	}
	sealer, id, err := aead(keys[0])
	if err != nil {
		return "", err
	}
	secret, err := derive(keys[0], "nonce", len(keys[0]))
	if err != nil {
		return "", err
	}
	sealed := append([]byte{sealForm}, id...)
	bound := c.binding(sealed)
	mac := hmac.New(sha256.New, secret)
	mac.Write(bound) // of a fixed length
	mac.Write(encoded)
	nonce := mac.Sum(nil)[:sealer.NonceSize()]
	return base64.RawURLEncoding.EncodeToString(sealer.Seal(append(sealed, nonce...), nonce, encoded, bound)), nil
}

// Next is next_cursor of a page behind which the cursor stands: null when it is nil, for then nothing follows.
func (k *Cursors) Next(ctx context.Context, c *Cursor) (Value, error) {
	if c == nil {
		return Null, nil
	}
	sealed, err := k.Seal(ctx, *c)
	return Text(sealed), err
}

// binding is what a sealed cursor does not open without.
func (c Cursor) binding(head []byte) []byte {
	return append(append([]byte{}, head[:sealHead]...), c.Query...)
}

// unseal opens a cursor of a query. An error that is none of the caller's mistakes is about the keys.
func (k *Cursors) unseal(ctx context.Context, text string, query []byte) ([]byte, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	switch {
	case err != nil || len(sealed) < sealHead:
		return nil, errForeignCursor
	case sealed[0] == '{': // as JSON once was
		return nil, errOldCursor
	case sealed[0] != sealForm:
		return nil, errForeignCursor
	}
	for _, age := range []time.Duration{anyAge, keysAge} {
		keys, err := k.known(ctx, age)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			opener, id, err := aead(key)
			if err != nil {
				return nil, err
			}
			if !bytes.Equal(id, sealed[1:sealHead]) {
				continue
			}
			if len(sealed) < sealHead+opener.NonceSize() {
				return nil, errForeignCursor
			}
			nonce, rest := sealed[sealHead:sealHead+opener.NonceSize()], sealed[sealHead+opener.NonceSize():]
			opened, err := opener.Open(nil, nonce, rest, Cursor{Query: query}.binding(sealed))
			if err != nil {
				return nil, errForeignCursor
			}
			return opened, nil
		}
	}
	return nil, errUnknownKey
}

// Read reads parameter cursor: nil without one. keys is how many keys a row has.
func (k *Cursors) Read(ctx context.Context, p *Params, query []byte, keys int) *Cursor {
	return k.ReadVersion(ctx, p, 0, query, keys)
}

// ReadVersion reads a cursor whose meaning has versions.
func (k *Cursors) ReadVersion(ctx context.Context, p *Params, version int, query []byte, keys int) *Cursor {
	given, found := p.One("cursor")
	if !found || p.Failed("cursor") {
		return nil
	}
	opened, err := k.unseal(ctx, given, query)
	switch {
	case errors.Is(err, errOldCursor), errors.Is(err, errUnknownKey), errors.Is(err, errForeignCursor):
		p.Fail("cursor", err.Error())
		return nil
	case err != nil:
		p.broken = err
		return nil
	}
	c := Cursor{Query: query}
	switch err := json.Unmarshal(opened, &c); {
	case c.Version != version:
		p.Fail("cursor", errOldCursor.Error())
	case err != nil || len(c.After) != keys:
		p.Fail("cursor", "cannot be read: start again without a cursor")
	default:
		return &c
	}
	return nil
}
