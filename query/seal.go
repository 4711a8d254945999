package query

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

	"github.com/gin-gonic/gin"

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

// cursorKeys are the keys that cursors are sealed with, as they were read.
type cursorKeys struct {
	// fixed tells that they are not the database's.
	fixed  bool
	mu     sync.Mutex
	keys   []schema.CursorKey
	readAt time.Time
}

// known returns the keys, read at most age ago.
func (k *cursorKeys) known(ctx context.Context, s *Server, age time.Duration) ([]schema.CursorKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fixed || len(k.keys) > 0 && (age < 0 || time.Since(k.readAt) <= age) {
		return k.keys, nil
	}
	ctx, cancel := context.WithTimeout(ctx, min(maxSilence, s.config.QueryTime))
	defer cancel()
	keys, err := schema.CursorKeys(ctx, s.deps.Conn)
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

// seal makes the text of a cursor.
func (s *Server) seal(ctx context.Context, c cursor) (string, error) {
	keys, err := s.cursors.known(ctx, s, anyAge)
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

// sealer returns what makes the texts of cursors for a request.
func (s *Server) sealer(c *gin.Context) func(cursor) (string, error) {
	return func(next cursor) (string, error) { return s.seal(c.Request.Context(), next) }
}

// binding is what a sealed cursor does not open without.
func (c cursor) binding(head []byte) []byte {
	return append(append([]byte{}, head[:sealHead]...), c.Query...)
}

// unseal opens a cursor of a query. An error that is none of the caller's mistakes is about the keys.
func (s *Server) unseal(ctx context.Context, text string, query []byte) ([]byte, error) {
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
		keys, err := s.cursors.known(ctx, s, age)
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
			opened, err := opener.Open(nil, nonce, rest, cursor{Query: query}.binding(sealed))
			if err != nil {
				return nil, errForeignCursor
			}
			return opened, nil
		}
	}
	return nil, errUnknownKey
}
