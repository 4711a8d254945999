package keys

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

const (
	// prefix shows what a key is to whoever finds one, programs that search for leaked secrets among them.
	prefix = "kaskad_"
	// secretBytes are random. So many can't be guessed, so a plain hash keeps them.
	secretBytes = 32
	idDigits    = 16
)

// Hash is the SHA-256 of a key or a cookie.
type Hash [sha256.Size]byte

// HashOf hashes a key as it was given.
func HashOf(secret string) Hash { return sha256.Sum256([]byte(secret)) }

// ID is the name of a key: it is shown, and tells nothing of the key.
func (h Hash) ID() string { return hex.EncodeToString(h[:])[:idDigits] }

// Equal compares two hashes, however alike they are, in the same time.
func (h Hash) Equal(other Hash) bool { return subtle.ConstantTimeCompare(h[:], other[:]) == 1 }

func (h Hash) text() string { return hex.EncodeToString(h[:]) }

func parseHash(text string) (h Hash, err error) {
	decoded, err := hex.DecodeString(text)
	if err != nil || len(decoded) != len(h) {
		return h, fmt.Errorf("%d characters are no hash", len(text))
	}
	return Hash(decoded), nil
}

// NewSecret makes a key, or what a cookie holds.
func NewSecret() (string, error) {
	var secret [secretBytes]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	return prefix + base64.RawURLEncoding.EncodeToString(secret[:]), nil
}

// Key is what is known of a key. Times are Unix milliseconds, 0 for none.
type Key struct {
	ID   string
	Hash Hash
	// Account is whose key it is: "" where it is of all accounts.
	Account                                string
	All                                    bool
	Scopes                                 Scopes
	Note, By                               string
	MadeMS, ExpiresMS, RevokedMS, LastUsed int64
}

// Live tells whether the key may be used.
func (k *Key) Live(nowMS int64) bool {
	return k.RevokedMS == 0 && (k.ExpiresMS == 0 || nowMS < k.ExpiresMS)
}

// AdminOfAll tells whether it is an admin key of all accounts.
func (k *Key) AdminOfAll() bool { return k.All && k.Scopes.Any(Admin) }

// Session is what a browser has begun with a key.
type Session struct {
	Hash              Hash // of the cookie
	KeyID             string
	MadeMS, ExpiresMS int64
}
